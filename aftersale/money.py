"""Money as integer minor units, and what is said to the payment service about it."""

from collections.abc import Iterable, Sequence
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from aftersale import bounds
from aftersale.schema import Code, Id, MinorUnits, Schema

Currency = Annotated[str, Field(strict=True, pattern=r"^[A-Z]{3}$")]
"""An ISO 4217 code."""


Purpose = Literal["refund", "clawback"]
"""What an instruction does: give money back to the buyer, or take a refund back."""


class Money(Schema):
    """An amount of one currency in its minor unit."""

    amount_minor: MinorUnits
    currency: Currency


class TenderShare(Schema):
    """What one tender (cash, points, a coupon, a subsidy of the platform's) paid of an order line."""

    tender: Annotated[Code, Field(pattern=r"^[^\x00-\x1f\x7f]*$")]
    amount_minor: MinorUnits


class LineAmount(Schema):
    """The part of a refund that one order line is the reason for."""

    order_line_id: Id
    amount_minor: MinorUnits


class Sum(Schema):
    """What may name money: an `amount` in all, or `lines` that say how much of it each order line is for."""

    amount: Money | None = None
    lines: Annotated[tuple[LineAmount, ...], Field(min_length=1, max_length=bounds.ITEMS)] | None = None

    @model_validator(mode="after")
    def _said_once(self) -> Self:
        if self.amount is not None and self.lines is not None:
            raise ValueError("gives amount and lines; give one of them")
        return self

    @property
    def stated_minor(self) -> int | None:
        """The money that is named, in all; None where none is."""
        if self.lines is not None:
            return total(self.lines)
        return None if self.amount is None else self.amount.amount_minor


class Allocation(Schema):
    """The part of a refund that goes back to one tender of one order line."""

    order_line_id: Id
    tender: Code
    amount_minor: Annotated[MinorUnits, Field(gt=0)]


class RefundInstruction(Schema):
    """One order to the payment service to give money back to the buyer, or to take an advance back.

    `key` is `case/<case_id>/refund/<n>`, or `case/<case_id>/clawback/<n>` of money that is taken back: stable over
    every retry, new only after a definitive decline. `lines` say what the money is for, and add up to the amount.
    `allocations`, which the ledger adds, say which tenders the buyer had paid with it goes back to; `tender` is another
    way that an operator chose, for all of it. `payer` says who bears it where a guarantee names somebody.
    """

    key: str
    case_id: Id
    order_id: Id
    merchant_id: Id
    buyer_ref: Id
    amount_minor: MinorUnits
    currency: Currency
    tender: Code | None = None
    lines: tuple[LineAmount, ...] = ()
    payer: Code | None = None
    allocations: tuple[Allocation, ...] = ()

    @model_validator(mode="after")
    def _in_full(self) -> Self:
        names = [line.order_line_id for line in self.lines]
        if len(set(names)) < len(names):
            raise ValueError("lines name an order_line_id twice; put all of a line into one amount")
        told = total(self.lines)
        if names and told != self.amount_minor:
            raise ValueError(f"lines add up to {told}, not to amount_minor {self.amount_minor}; correct one of them")
        return self


class Settlement(Schema):
    """The payment service's definitive answer to an instruction."""

    key: str
    status: Literal["succeeded", "declined"]
    provider_ref: str | None = None
    reason: str | None = None


class PaymentAnswer(Settlement):
    """How an instruction was settled, once every earlier key of its case was looked up.

    `earlier` are those that counted as declined and turned out to be paid: then nothing was sent under this one.
    """

    earlier: tuple[Settlement, ...] = ()


def total(lines: Iterable[LineAmount]) -> int:
    """Return what the lines come to."""
    return sum(line.amount_minor for line in lines)


def share(amount_minor: int, part: int, whole: int) -> int:
    """Return the part of an amount that `part` of `whole` pieces are worth, rounded down: never more than was asked."""
    return amount_minor * part // whole


def allocate(amount_minor: int, weights: Sequence[int]) -> list[int]:
    """Spread an amount in proportion to weights, to the last minor unit; the part of each, in the weights' order.

    Every part is its exact proportion rounded down, and one more for those whose remainders are the largest; where
    those are equal, for the larger weight, then the earlier. So parts add up to the amount, none is above its weight
    while the amount is not above their sum, and the order of the weights decides only among equal ones.

    Raises ValueError for a negative figure, and for an amount over weights that are all zero.
    """
    whole = sum(weights)
    if amount_minor < 0 or any(weight < 0 for weight in weights):
        raise ValueError("amounts and weights are zero or more; correct the negative one")
    if not whole:
        if amount_minor:
            raise ValueError(f"there is nothing to spread {amount_minor} over; give a weight that is not zero")
        return [0] * len(weights)
    parts = [amount_minor * weight // whole for weight in weights]
    by_remainder = sorted(range(len(weights)), key=lambda at: (-(amount_minor * weights[at] % whole), -weights[at], at))
    for at in by_remainder[: amount_minor - sum(parts)]:
        parts[at] += 1
    return parts
