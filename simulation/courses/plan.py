"""The plan of a course: what is opened and when, and the steps that follow, each with a chance of its own.

A step says only what sort of thing happens; what exactly, its chance decides when it sees where things stand. So steps
can be left out of a plan, and those that remain draw as they did.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Literal

from aftersale.times import local, parse_instant
from aftersale.vocabulary import CaseKind, ClaimType
from simulation.chance import Chance
from simulation.courses.decisions import BOUGHT_WITH
from simulation.courses.people import lines, yuan
from simulation.courses.sendings import EVIDENCE
from simulation.courses.walks import KINDS

DATES = ["2024-01-29 23:59:59", "2024-01-30 00:00:00", "2024-02-15 23:59:59", "2024-06-03 10:00:00"]
"""Around the festival's window, in its last second, and far from it."""

MOST_STEPS = 6


class Sort(StrEnum):
    """What may happen at a step."""

    MOVE = "move"
    EDGE = "edge"
    TOGETHER = "together"
    SCAN = "scan"
    TIME = "time"
    SPOILED = "spoiled"
    REPEAT = "repeat"
    PUBLISH = "publish"
    CHARGEBACK = "chargeback"
    CANCEL = "cancel"


_OFTEN = [*[Sort.MOVE] * 6, *[Sort.EDGE] * 3, *[Sort.TOGETHER] * 3, *[Sort.SCAN, Sort.TIME, Sort.SPOILED] * 2]
_SORTS = [*_OFTEN, Sort.REPEAT, Sort.PUBLISH, Sort.CHARGEBACK, Sort.CANCEL]


@dataclass(frozen=True)
class Step:
    """One step as it is drawn."""

    sort: Sort
    chance: int


@dataclass(frozen=True)
class Plan:
    """A course as it is drawn. `answers` are those of the approvals service, by tier; none: a person decides."""

    seed: int
    subject: Literal["case", "watch", "crowd"]
    begins: datetime
    kind: CaseKind
    asked: dict[str, Any]
    answers: dict[str, dict[str, Any]] = field(default_factory=dict)
    steps: Sequence[Step] = ()

    def only(self, kept: Sequence[int]) -> "Plan":
        """Return the plan with these of its steps alone, counted from 0."""
        return replace(self, steps=[self.steps[place] for place in kept if place < len(self.steps)])


def draw(seed: int) -> Plan:
    """Draw a plan; the same seed draws the same."""
    chance = Chance(seed, ())
    begins = parse_instant(chance.pick(DATES))
    steps = [Step(chance.pick(_SORTS), chance.between(0, 10**6)) for _ in range(chance.between(0, MOST_STEPS))]
    if chance.one_in(200):
        return Plan(seed, "crowd", begins, CaseKind.RETURN, _request(chance, begins, CaseKind.RETURN))
    if chance.one_in(6):
        return Plan(seed, "watch", begins, CaseKind.REFUND, _shipment(chance, begins), steps=steps)
    kind = chance.pick([*KINDS, CaseKind.RETURN, CaseKind.CLAIM])
    asked = _request(chance, begins, kind)
    answers = _answers(chance, asked) if kind is CaseKind.CLAIM else {}
    return Plan(seed, "case", begins, kind, asked, answers, steps)


def _request(chance: Chance, begins: datetime, kind: CaseKind) -> dict[str, Any]:
    bought, claimed = lines(chance)
    order: dict[str, Any] = {
        "paid_at": local(begins - timedelta(days=10)),
        "dispatched_at": local(begins - timedelta(days=8)),
        "signed_for_at": local(begins - timedelta(hours=6)),
        "lines": bought,
        "services": [],
    }
    asked: dict[str, Any] = {
        "case_id": "C-1",
        "order_id": "O-1",
        "merchant_id": "M-7",
        "buyer_ref": "B-5",
        "reason_code": chance.pick(["quality", "no_longer_wanted"]),
        "items": claimed,
        "order": order,
    }
    if chance.one_in(3):
        order["labels"] = ["spring_festival_nonstop"]
        order["paid_at"] = local(begins - timedelta(hours=12 if begins.day == 15 else 240))
        order["dispatched_at"] = order["signed_for_at"] = local(begins - timedelta(hours=6))
    if kind is CaseKind.REFUND and chance.one_in(2):
        order |= {"dispatched_at": None, "signed_for_at": None}
    if chance.one_in(3):
        order["services"] = ["freight_insurance", "home_pickup", "instant_refund", "no_reason_return"]
        asked["pickup"] = {"address_ref": "A-9"}
    return _claim(chance, asked) if kind is CaseKind.CLAIM else asked


def _claim(chance: Chance, asked: dict[str, Any]) -> dict[str, Any]:
    type_ = chance.pick(list(ClaimType))
    bought_with = BOUGHT_WITH[type_]
    services = [*bought_with.get("services", ()), *asked["order"]["services"]]
    order = {**asked["order"], **bought_with, "services": services}
    return {**asked, "claim_type": type_.value, "evidence": EVIDENCE, "order": order}


def _answers(chance: Chance, asked: dict[str, Any]) -> dict[str, dict[str, Any]]:
    most = sum(item["requested"]["amount_minor"] for item in asked["items"])
    ways: list[dict[str, Any]] = [
        {},
        {},
        {"decision": "decline"},
        {"decision": "approve", "amount": yuan(most)},
        {"decision": "approve", "amount": yuan(10**8)},
    ]
    return {tier: chance.pick(ways) for tier in ("merchant", "platform")}


def _shipment(chance: Chance, begins: datetime) -> dict[str, Any]:
    bought, _ = lines(chance)
    order: dict[str, Any] = {"paid_at": local(begins), "lines": bought}
    if chance.one_in(3):
        order["labels"] = ["spring_festival_nonstop"]
    if chance.one_in(3):
        order["services"] = [chance.pick(["dispatch_in_24h", "remote_area_logistics"])]
    if chance.one_in(3):
        order["dispatch_promise"] = chance.pick(["PT72H", "P5D"])
    return {"shipment_id": "S-1", "order_id": "O-1", "merchant_id": "M-7", "buyer_ref": "B-5", "order": order}
