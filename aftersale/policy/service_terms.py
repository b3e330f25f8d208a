"""Terms of a version of a guarantee service: figures, what a claim takes, what it brings. No arithmetic.

Figures that no source gives stay unset, and each says below what unset means: a service without its figure never makes
one up (S2, S6).
"""

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import Field, StrictInt, model_validator

from aftersale.money import Currency
from aftersale.policy.clauses import Codes, RuleId, Text
from aftersale.schema import Code, Hour, MinorUnits, Schema
from aftersale.vocabulary import ClaimType, Clock, Service

Amounts = dict[Currency, Annotated[MinorUnits, Field(gt=0)]]
"""An amount in the minor unit of each currency that it is set for."""

Payer = Literal["merchant", "merchant_deposit", "platform_advance", "insurer"]
"""Who bears what a claim is paid."""

WHOLE = 10_000
"""A rate of 100 %, in basis points."""


class Compensation(Schema):
    """What a granted claim pays: `rate` basis points of `base`, by the grade of the damage, in the bounds given (S6).

    Without a rate the reviewer must state the amount; bounds hold for it all the same. `grades` name per cent of what
    the rate comes to; where they are given, the reviewer names one. A bound binds in the currencies that it is set for.
    """

    payer: Payer
    base: Literal["paid", "requested"] = "requested"
    rate: Annotated[StrictInt, Field(ge=1, le=10 * WHOLE)] | None = None
    floor: Amounts = {}
    cap: Amounts = {}
    grades: dict[Code, Annotated[StrictInt, Field(ge=10, le=100)]] = {}

    @model_validator(mode="after")
    def _bounded_in_order(self) -> Self:
        for currency in self.floor.keys() & self.cap.keys():
            if self.floor[currency] > self.cap[currency]:
                raise ValueError(f"the floor lies above the cap in {currency}; correct one of them")
        if self.grades and self.rate is None:
            raise ValueError("grades are parts of a rate; give the rate, or leave grades out")
        return self


class ClaimWindow(Schema):
    """The window of a claim: the clock by which it may be filed, and the fact that it counts from (S4, S5)."""

    clock: Clock
    since: Literal["sign_off", "confirmation"]


class Guarantee(Schema):
    """What it takes to file a claim of one type, and what one that is granted brings.

    It takes the file's service on the order or the line, one of `categories` where there are any, the window, at least
    `evidence` pieces of it, and that the `missed` clock has run out. `remedies` are what may be asked for: "refund" is
    paid at once, "return" once the goods are back. `assumed` says which of this is ours, and why.
    """

    type: ClaimType
    says: Text
    categories: tuple[Code, ...] = ()
    window: ClaimWindow | None = None
    missed: Literal[Clock.DISPATCH] | None = None
    evidence: Annotated[StrictInt, Field(ge=0, le=50)] = 0
    remedies: Annotated[tuple[Literal["refund", "return"], ...], Field(min_length=1)] = ("refund",)
    compensation: Compensation
    assumed: Text | None = None


class Exclusion(Schema):
    """Goods that cannot be sent back without a reason.

    `confirmed_by` is the label that an order or line carries where the buyer confirmed that at the purchase; without it
    the exclusion does not hold. Absent: it holds without a confirmation.
    """

    id: RuleId
    says: Text
    categories: Codes
    confirmed_by: Code | None = None


class Advance(Schema):
    """How much the platform advances before the goods are back: for one order, and to one buyer at a time.

    A text in `uncapped` says why there is no bound. The platform's own money is never unbounded because nobody spoke.
    """

    per_order: Amounts = {}
    per_buyer: Amounts = {}
    uncapped: Text | None = None

    @model_validator(mode="after")
    def _bounded_or_not(self) -> Self:
        if bool(self.per_order or self.per_buyer) == (self.uncapped is not None):
            raise ValueError("give per_order or per_buyer, or say in uncapped why there is no bound")
        return self


class Settings(Schema):
    """The figures of one service.

    `cut_off`, of same-day dispatch: unset, a merchant must give its own, and cannot enable the service otherwise (S2).
    `advance`, of instant refunds: unset, none is paid without a person. `cover`, of freight insurance: the most that is
    claimed of the insurer; unset, what the return cost. `reschedules`, of home pickup: how often a pickup that failed
    is booked again; unset, as long as the buyer's own clock runs.
    """

    cut_off: Hour | None = None
    advance: Advance | None = None
    cover: Amounts = {}
    reschedules: Annotated[StrictInt, Field(ge=0)] | None = None


SETTINGS: Mapping[Service, str] = {
    Service.SAME_DAY_DISPATCH: "cut_off",
    Service.INSTANT_REFUND: "advance",
    Service.FREIGHT_INSURANCE: "cover",
    Service.HOME_PICKUP: "reschedules",
}
"""The figure that a service has; the others have none."""
