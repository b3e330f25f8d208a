"""Admit a case, and release what it held: the policy book judges its request, the ledger its money.

These wait for the database, however long it is away: a claim that was not written down could be made twice.
"""

from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities import present
from aftersale.case.intake import Application, admit, bars
from aftersale.errors import Problem, first_problems
from aftersale.ledger.reservation import Reservation
from aftersale.policy.book import Book
from aftersale.records import Ledger


class Intake:
    """Who may open a case, by this book and this ledger."""

    def __init__(self, book: Book, ledger: Ledger) -> None:
        self._book, self._ledger = book, ledger

    # A time limit must not raise in the midst of a transaction: the database has limits of its own.
    @activity.defn(name="admit", no_thread_cancel_exception=True)
    def admit(self, application: Application) -> list[Problem]:
        """Return what speaks against a request; where nothing bars it, its money is reserved.

        The same owner may ask again.

        Raises a retryable error where the book says nothing of the number of attempts, so that a corrected book can.
        """
        problems = admit(self._book, application)
        if barring := list(filter(bars, problems)):
            return first_problems(barring, "items")
        if self._book.most_attempts is None:
            said = "the policy book has no ceiling attempts_per_order_line; publish a book that sets it"
            raise ApplicationError(said, type="policy_gap")
        claim = Reservation.of(application.kind, application.request, application.owner, application.applied_at)
        most, now = self._book.most_attempts, present.now()
        if application.attempt > 1:
            found = self._ledger.amend(claim, application.attempt, most, now)
        else:
            found = self._ledger.reserve(claim, most, now)
        return first_problems(found or problems, "items")

    @activity.defn(name="release", no_thread_cancel_exception=True)
    def release(self, case_id: str) -> None:
        """Give back what a case that is over had reserved and not spent; repeatable."""
        self._ledger.release(case_id, present.now())
