"""Freight insurance (运费险): a claim on the insurer, opened by a return's refund and never in its way. Pure."""

from datetime import datetime
from typing import Literal, Self

from pydantic import model_validator

from aftersale.case.turn import Turn
from aftersale.contract.message import Message
from aftersale.contract.status import Entry
from aftersale.money import Money
from aftersale.schema import Id, Instant, Note, Schema
from aftersale.vocabulary import MessageEvent, Party

FREIGHT_CLAIM = "FreightClaim"
"""The workflow type that asks the insurer."""


class FreightClaimInput(Schema):
    """What a buyer spent on sending goods back; `cost` is None where nobody told it, and the insurer then knows best.

    The version of the insurance is the one in force at `paid_at` (R14).
    """

    case_id: Id
    order_id: Id
    merchant_id: Id
    buyer_ref: Id
    paid_at: Instant
    tracking_no: Id
    cost: Money | None = None

    @property
    def key(self) -> str:
        """The key under which the insurer is asked, and the workflow's id."""
        return f"insurance/{self.case_id}/freight"


class InsurerRequest(Schema):
    """What the insurer is asked: the claim, and the most that its cover comes to."""

    key: str
    claim: FreightClaimInput
    amount: Money | None = None


class InsurerAnswer(Schema):
    """How the insurer decided; one that is pending is asked for again."""

    key: str
    decision: Literal["paid", "declined", "pending"]
    amount: Money | None = None
    reference: Id | None = None
    reason: Note | None = None

    @model_validator(mode="after")
    def _paid_in_money(self) -> Self:
        if (self.decision == "paid") != (self.amount is not None):
            raise ValueError("amount belongs to what is paid, which needs it; correct one of them")
        return self

    @property
    def words(self) -> str:
        """The end of the claim, as the case shows it."""
        if self.amount is not None:
            return f"freight insurance paid {self.amount.amount_minor} {self.amount.currency} minor ({self.reference})"
        return f"freight insurance declined: {self.reason or 'no reason was given'}"


class FreightEnd(Schema):
    """A freight claim with the decision on it."""

    claim: FreightClaimInput
    answer: InsurerAnswer


def freight_turn(claim: FreightClaimInput, answer: InsurerAnswer, last: Turn, now: datetime, run_id: str) -> Turn:
    """The turn that the end of a freight claim adds to the record of its case, with a message to the buyer."""
    entry = Entry(at=now, recorded_at=now, by=Party.INSURER, event="FreightInsured", says=answer.words)
    message = Message(
        message_id=f"{claim.case_id}/insurance",
        case_id=claim.case_id,
        order_id=claim.order_id,
        to=Party.BUYER,
        recipient=last.subject.buyer_ref if last.subject else None,
        event=MessageEvent.INSURANCE_SETTLED,
        kind=last.status.kind,
        state=last.status.state,
        says=answer.words,
    )
    return last.with_entry(entry, message, now, run_id)
