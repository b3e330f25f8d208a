"""Cases around the Spring Festival 2024, drawn by a seed, the window's edges often."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any

from aftersale.times import SECOND, local
from aftersale.vocabulary import CaseKind, ClaimType
from tests.support.cases import at, yuan

FROM, TO = at("2024-01-15 00:00:00"), at("2024-02-25 23:59:59")

REVIEW_EDGES = tuple(
    map(at, ("2024-01-29 23:59:59", "2024-01-30 00:00:00", "2024-02-15 23:59:59", "2024-02-16 00:00:00"))
)
"""Applications whose 48 hours end at an edge of the after-sale window (S22), or a second beside it."""

PURCHASE_EDGES = tuple(
    map(at, ("2024-01-28 23:59:59", "2024-01-29 00:00:00", "2024-02-17 23:59:59", "2024-02-18 00:00:00"))
)
"""Purchases at an edge of the tagged regime (S11), or a second beside it."""

NONSTOP = "spring_festival_nonstop"
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@dataclass(frozen=True)
class Person:
    """One case: what was bought, and when, and when what is asked for it; what then happens, `chance` decides."""

    number: int
    kind: CaseKind
    applied_at: datetime
    paid_at: datetime
    dispatched_at: datetime | None
    labelled: bool
    claim_type: ClaimType | None
    chance: int = field(repr=False)

    @property
    def order(self) -> dict[str, Any]:
        """What a rule may read of the order (R6)."""
        allergy = self.claim_type is ClaimType.COSMETIC_ALLERGY
        guaranteed = {
            "services": ["cosmetic_allergy" if allergy else "fresh_damage"],
            "categories": ["cosmetics" if allergy else "fresh"],
        }
        return {
            "paid_at": local(self.paid_at),
            "labels": [NONSTOP] if self.labelled else [],
            **(guaranteed if self.claim_type else {}),
        }

    @property
    def request(self) -> dict[str, Any]:
        """The request that opens the case."""
        name, pieces = f"F-{self.number}", {"order_line_id": "L1", "quantity": 1}
        left = self.dispatched_at
        travel = {
            "dispatched_at": local(left) if left else None,
            "signed_for_at": local(max(self.applied_at - HOUR, left)) if left else None,
        }
        claim = {"claim_type": self.claim_type, "evidence": [{"uri": "https://evidence.example/1"}]}
        return {
            "case_id": name,
            "order_id": f"O-{name}",
            "merchant_id": "M-7",
            "buyer_ref": "B-5",
            "reason_code": "quality",
            "items": [{**pieces, "requested": yuan()}],
            "order": {**self.order, **travel, "lines": [{**pieces, "paid": yuan()}]},
            **(claim if self.claim_type else {}),
        }


def population(size: int, seed: int) -> list[Person]:
    """So many cases, of every kind in turn; the same ones for the same seed."""
    chance = Random(seed)
    kinds = list(CaseKind)
    return [_person(number, kinds[number % len(kinds)], chance) for number in range(size)]


def instant(chance: Random, start: datetime, end: datetime) -> datetime:
    """Any second from the one to the other."""
    return start + chance.randint(0, int((end - start) / SECOND)) * SECOND


def _person(number: int, kind: CaseKind, chance: Random) -> Person:
    applied_at = chance.choice(REVIEW_EDGES) if chance.randrange(4) == 0 else instant(chance, FROM, TO)
    labelled = chance.randrange(3) == 0
    before = [edge for edge in PURCHASE_EDGES if edge < applied_at - 6 * HOUR]
    if labelled and before and chance.randrange(2):
        paid_at = chance.choice(before)
    else:
        paid_at = instant(chance, applied_at - 10 * DAY, applied_at - 6 * HOUR)
    unsent = kind is CaseKind.REFUND and chance.randrange(2) == 0
    claim_type = chance.choice([ClaimType.FRESH_DAMAGE, ClaimType.COSMETIC_ALLERGY]) if kind is CaseKind.CLAIM else None
    dispatched_at = None if unsent else instant(chance, paid_at + HOUR, applied_at - 2 * HOUR)
    return Person(number, kind, applied_at, paid_at, dispatched_at, labelled, claim_type, chance.randrange(2**32))
