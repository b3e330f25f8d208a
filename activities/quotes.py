"""Asking the policy book: in-house, sub-second, fit for local activities. The answers stay in the case's history."""

from temporalio import activity
from temporalio.exceptions import ApplicationError

from aftersale.claims import ClaimTerms, Filed
from aftersale.errors import AftersaleError
from aftersale.facts import Question
from aftersale.policy.book import Book
from aftersale.policy.deadline import Deadline
from aftersale.schema import Schema
from aftersale.times import local


class Quotation(Schema):
    """Questions of one moment, and the oldest revision of the book that may answer them."""

    questions: tuple[Question, ...]
    revision: int = 0


class Quotes:
    """The policy book as activities."""

    def __init__(self, book: Book) -> None:
        """Answer from this book."""
        self._book = book

    @activity.defn
    async def quote(self, quotation: Quotation) -> list[Deadline]:
        """The deadline of every question.

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

    @activity.defn
    async def terms(self, filed: Filed) -> ClaimTerms:
        """What the version of the guarantee in force at the purchase says of a claim (R14).

        Raises a retryable error where the book has none, so that a corrected book can give it.
        """
        request, services = filed.request, self._book.services
        wanted, paid_at = request.claim_type, request.order.paid_at
        found = services.guaranteeing(wanted, paid_at, filed.applied_at) if wanted else None
        if found is None:
            said = f"the policy book has no terms of {wanted} for an order paid at {local(paid_at)}; publish some"
            raise ApplicationError(said, type="policy_gap")
        edition, guarantee = found
        return ClaimTerms(
            edition=f"{edition.file.id} {edition.version.id}",
            compensation=guarantee.compensation,
            remedies=guarantee.remedies,
        )
