"""Ask the policy book: in-house, sub-second, fit for local activities. The answers stay in the case's history."""

from collections.abc import Callable, Sequence
from typing import Any

from temporalio import activity
from temporalio.exceptions import ApplicationError

from aftersale.contract.request import CaseRequest
from aftersale.errors import AftersaleError, BadInput, Problem
from aftersale.guarantees.automatic_claims import price_claim
from aftersale.guarantees.claims import ClaimTerms, Filed
from aftersale.policy.book import Book
from aftersale.policy.deadline import Deadline
from aftersale.policy.facts import Question
from aftersale.schema import Schema
from aftersale.times import local


class Quotation(Schema):
    """Questions of one moment, and the oldest revision of the book that may answer them."""

    questions: tuple[Question, ...]
    revision: int = 0


class Quotes:
    """The policy book as activities."""

    def __init__(self, book: Book) -> None:
        self._book = book

    @property
    def activities(self) -> Sequence[Callable[..., Any]]:
        """All of them, for a worker."""
        return [self.quote, self.unanswerable, self.hubs, self.price_claim, self.terms]

    @activity.defn(name="quote")
    async def quote(self, quotation: Quotation) -> list[Deadline]:
        """Return the deadline of every question.

        Raises a retryable error where this worker's book is older than the revision asked for, so that no case is
        re-timed on an old book, and where the book has no answer, so that a corrected book can give it.
        """
        if self._book.revision < quotation.revision:
            raise ApplicationError(
                f"this worker's policy book is at revision {self._book.revision}, the case needs "
                f"{quotation.revision}; roll the new book out to every worker",
                type="old_book",
            )
        try:
            return [self._book.ask(question) for question in quotation.questions]
        except AftersaleError as error:
            raise ApplicationError(f"{error}; publish a book that answers it", type="policy_gap") from error

    @activity.defn(name="unanswerable")
    async def unanswerable(self, question: Question) -> list[Problem]:
        """Say why the book has no answer to a question; empty where it has one."""
        try:
            self._book.ask(question)
        except BadInput as error:
            return list(error.problems)
        except AftersaleError as error:
            return [Problem(code="policy_gap", field="order", message=str(error))]
        return []

    @activity.defn(name="hubs")
    async def hubs(self, texts: list[str]) -> list[bool]:
        """Tell whether each of the carriers' words is of a hub (S30, S32)."""
        return [self._book.is_hub(text) for text in texts]

    @activity.defn(name="priced")
    async def price_claim(self, filed: Filed) -> CaseRequest | None:
        """Return a claim as it is to be opened by itself, or None where the policy sets no amount for it.

        Raises a retryable error where the book has no answer, so that a corrected book can give it.
        """
        try:
            return price_claim(self._book, filed)
        except AftersaleError as error:
            raise ApplicationError(f"{error}; publish a book that answers it", type="policy_gap") from error

    @activity.defn(name="terms")
    async def terms(self, filed: Filed) -> ClaimTerms:
        """Return what the version of the guarantee in force at the purchase says of a claim (R14).

        Raises a retryable error where the book has none, so that a corrected book can give it.
        """
        request, services = filed.request, self._book.services
        wanted, paid_at = request.claim_type, request.order.paid_at
        found = services.guarantee_for(wanted, paid_at, filed.applied_at) if wanted else None
        if found is None:
            said = f"the policy book has no terms of {wanted} for an order paid at {local(paid_at)}; publish some"
            raise ApplicationError(said, type="policy_gap")
        edition, guarantee = found
        return ClaimTerms(
            edition=f"{edition.file.id} {edition.version.id}",
            compensation=guarantee.compensation,
            remedies=guarantee.remedies,
        )
