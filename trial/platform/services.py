"""The stand-ins of the services outside, each in one row: what it is asked, and what it answers.

The stand-in platform has its routes, faults and books by this table, and the simulator's platform its answers. Payments
are no row: they are looked up, move money, and refuse a key that another instruction holds.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from activities.approvals import Approvals
from activities.carriers import Carriers
from activities.insurance import Insurance
from aftersale.guarantees.claims import Approval, ClaimReview
from aftersale.guarantees.freight_insurance import InsurerAnswer, InsurerRequest
from aftersale.guarantees.home_pickup import Pickup, PickupOrder
from aftersale.money import Money
from aftersale.schema import Schema

PAYMENTS = ("refunds", "clawbacks")
"""Where the payment service is asked."""

Body = Mapping[str, Any]

TARIFF = Money(amount_minor=1_000, currency="CNY")
"""What the insurer pays for a return whose cost nobody told."""


@dataclass(frozen=True)
class StandIn:
    """A service as it is played: `answer` gives the fields of an answer, but for its key, to what it is asked.

    One key gets one answer, however often it is asked about. Beside what it is asked the service is told something: why
    it is to decline, if it is, as `reason`; or, where people decide beforehand (`decided`), what they decided.
    """

    path: str
    asked: type[Schema]
    answered: type[Schema]
    answer: Callable[[Body, Body], dict[str, Any]]
    decided: bool = False
    cancels: bool = False
    """Whether `POST <path>/cancel` takes back what was asked under a key."""

    @property
    def paths(self) -> list[str]:
        """Where it can be called."""
        return [self.path, *([f"{self.path}/cancel"] if self.cancels else [])]


def _review(_: Body, told: Body) -> dict[str, Any]:
    """What is not decided beforehand waits for a person."""
    return {"decision": "pending", **told}


def _insure(asked: Body, told: Body) -> dict[str, Any]:
    """Pay what is claimed; where nobody knows the cost, a tariff."""
    if told:
        return {"decision": "declined", **told}
    return {"decision": "paid", "amount": asked.get("amount") or TARIFF.model_dump(), "reference": "freight-1"}


def _book(asked: Body, told: Body) -> dict[str, Any]:
    if told:
        return {"status": "refused", **told}
    return {"status": "booked", "tracking_no": asked["key"].replace("/", "-")[-64:]}


STAND_INS = {
    each.path: each
    for each in (
        StandIn(Approvals.path, ClaimReview, Approval, _review, decided=True),
        StandIn(Insurance.path, InsurerRequest, InsurerAnswer, _insure),
        StandIn(Carriers.path, PickupOrder, Pickup, _book, cancels=True),
    )
}
