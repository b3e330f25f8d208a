"""Asking the policy book: in-house, sub-second, fit for local activities. The answers stay in the case's history."""

from datetime import datetime

from temporalio import activity
from temporalio.exceptions import ApplicationError

from aftersale.commands import CaseRequest
from aftersale.errors import AftersaleError, Problem
from aftersale.facts import Question
from aftersale.intake import admit
from aftersale.kinds import CaseKind
from aftersale.policy.book import Book
from aftersale.policy.deadline import Deadline
from aftersale.schema import Instant, Schema


class Quotation(Schema):
    """Questions of one moment, and the oldest revision of the book that may answer them."""

    questions: tuple[Question, ...]
    revision: int = 0


class Application(Schema):
    """A request on its way in."""

    kind: CaseKind
    request: CaseRequest
    applied_at: Instant
    now: Instant


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
    async def admit(self, application: Application) -> list[Problem]:
        """Why a request opens no case; empty where it does."""
        now: datetime = application.now
        return admit(self._book, application.kind, application.request, application.applied_at, now)
