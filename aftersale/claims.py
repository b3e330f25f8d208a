"""Guarantee claims (保障赔付): what the policy says of one, what its reviewers are asked, how they answer. Pure."""

from typing import Literal, Self

from pydantic import model_validator

from aftersale.commands import Sum
from aftersale.kinds import ClaimType, Tier
from aftersale.money import Currency, LineAmount
from aftersale.request import CaseRequest, Evidence, Item
from aftersale.schema import Code, Id, Instant, MinorUnits, Note, Schema


class ClaimTerms(Schema):
    """What the policy in force at the purchase says of a claim that is granted (S6).

    `lines` are what its formula comes to; None where the policy sets none, so that a reviewer must state the amount.
    `goods_back` says that the goods are sent back before anything is paid.
    """

    lines: tuple[LineAmount, ...] | None = None
    goods_back: bool = False


class Filed(Schema):
    """A claim as it was filed, to be priced by the policy in force when the order was paid (R14)."""

    request: CaseRequest
    applied_at: Instant


class ClaimReview(Schema):
    """What the approvals service is asked, under a key that stays the same over retries."""

    key: str
    case_id: Id
    claim_type: ClaimType | None
    tier: Tier
    order_id: Id
    merchant_id: Id
    buyer_ref: Id
    reason_code: Code
    note: Note | None = None
    items: tuple[Item, ...]
    evidence: tuple[Evidence, ...] = ()
    lines: tuple[LineAmount, ...] | None = None
    most_minor: MinorUnits
    currency: Currency
    respond_by: Instant | None = None


class Approval(Sum):
    """The approvals service's answer: a decision, or that a person will decide, which comes as `decide_claim`."""

    key: str
    decision: Literal["approve", "decline", "pending"]
    note: Note | None = None

    @model_validator(mode="after")
    def _money_for_a_yes(self) -> Self:
        if self.decision != "approve" and (self.amount is not None or self.lines is not None):
            raise ValueError("names money though nothing is approved; leave amount and lines out")
        return self
