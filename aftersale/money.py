"""Money as integer minor units, and what is said to the payment service about it."""

from typing import Annotated, Literal

from pydantic import Field

from aftersale.schema import Code, Id, MinorUnits, Schema

Currency = Annotated[str, Field(strict=True, pattern=r"^[A-Z]{3}$")]
"""An ISO 4217 code."""


class Money(Schema):
    """An amount of one currency in its minor unit."""

    amount_minor: MinorUnits
    currency: Currency


class RefundInstruction(Schema):
    """One order to the payment service to give money back to the buyer.

    `key` is `case/<case_id>/refund/<n>`: stable over every retry, new only after a definitive decline.
    """

    key: str
    case_id: Id
    order_id: Id
    merchant_id: Id
    buyer_ref: Id
    amount_minor: MinorUnits
    currency: Currency
    tender: Code | None = None


class Settlement(Schema):
    """The payment service's definitive answer to an instruction."""

    key: str
    status: Literal["succeeded", "declined"]
    provider_ref: str | None = None
    reason: str | None = None


def share(amount_minor: int, part: int, whole: int) -> int:
    """The part of an amount that `part` of `whole` pieces are worth, rounded down: never more than was asked."""
    return amount_minor * part // whole
