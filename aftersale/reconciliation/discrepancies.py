"""Discrepancies that a reconciliation finds: each says what does not agree, and the command that mends it. Pure."""

from enum import StrEnum

from pydantic import StrictInt

from aftersale.contract.message import Message
from aftersale.schema import Id, Instant, Schema
from aftersale.vocabulary import DiscrepancyKind, MessageEvent, Party


class Discrepancy(Schema):
    """One thing that does not agree: what it is about (`subject`), in words, and the command that mends it.

    Kind and subject make it the same one in every run, so that it is told once.
    """

    kind: DiscrepancyKind
    subject: str
    case_id: Id | None = None
    order_id: Id | None = None
    says: str
    command: str

    @property
    def discrepancy_id(self) -> str:
        """What it is known by from run to run."""
        return f"{self.kind}/{self.subject}"

    def alert(self, times: int) -> Message:
        """Return the message to the platform for the `times`-th finding of it."""
        return Message(
            message_id=f"reconciliation/{self.discrepancy_id}/{times}",
            discrepancy_id=self.discrepancy_id,
            case_id=self.case_id,
            order_id=self.order_id,
            to=Party.PLATFORM,
            event=MessageEvent.DISCREPANCY,
            says=f"{self.kind.words}: {self.says}; run: {self.command}",
        )


class RecordedDiscrepancy(Discrepancy):
    """A discrepancy that stands: since when, and how often it has come up."""

    found_at: Instant
    times: StrictInt


class Reconciled(Schema):
    """What a reconciliation came to: how many discrepancies stand, how many of them are new, how many cases it closed.

    `unanswered` says of each part that could not be looked at why.
    """

    found: StrictInt = 0
    new: StrictInt = 0
    closed: StrictInt = 0
    unanswered: dict[str, str] = {}

    def plus(self, other: "Reconciled") -> "Reconciled":
        """Return both together."""
        return Reconciled(
            found=self.found + other.found,
            new=self.new + other.new,
            closed=self.closed + other.closed,
            unanswered={**self.unanswered, **other.unanswered},
        )


class ReconciliationPart(StrEnum):
    """What is looked at by itself, in this order."""

    CASES = "cases"
    MESSAGES = "messages"
    MONEY = "money"
    STATEMENT = "statement"


RECONCILIATION = "Reconciliation"
"""The workflow type that reconciles."""

RECONCILIATION_ID = "reconciliation"
"""The id of the schedule that starts it, and of the workflow that is started by hand."""
