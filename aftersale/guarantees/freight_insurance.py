"""Freight insurance (运费险): a claim on the insurer, opened by a return's refund and never in its way. Pure."""

from collections.abc import Mapping
from typing import Literal, Self

from pydantic import model_validator

from aftersale.money import Currency, Money
from aftersale.schema import Id, Instant, Note, Schema

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
        """The key under which the insurer is asked, and the id of the workflow that asks."""
        return f"insurance/{self.case_id}/freight"


class InsurerRequest(Schema):
    """What the insurer is asked: the claim, and the most that the cover comes to; None where nobody knows the cost."""

    key: str
    claim: FreightClaimInput
    amount: Money | None = None


class InsurerAnswer(Schema):
    """How the insurer decided; a pending claim is put to it again under the same key."""

    key: str
    decision: Literal["paid", "declined", "pending"]
    amount: Money | None = None
    reference: Note | None = None
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


def insured_amount(cover: Mapping[Currency, int], actual: Money) -> Money:
    """Return what is claimed of the insurer for sending goods back: what it cost, and no more than the cover.

    Where no cover is set it is what it cost: the insurer pays, and its own terms decide. A currency that a cover does
    not name is not covered.
    """
    most = cover.get(actual.currency, 0) if cover else actual.amount_minor
    return actual.model_copy(update={"amount_minor": min(actual.amount_minor, most)})
