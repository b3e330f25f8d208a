"""Guarantee claims that tests speak of, and the approvals service that decides on them."""

from typing import Any

from aftersale.vocabulary import CaseKind
from tests.support.cases import at, request
from tests.support.platform_fixtures import StandIn
from trial.environment import Live, Workplace
from trial.virtual_time import Leap

JUNE = "2024-06-03 10:00:00"

FRESH: dict[str, Any] = {
    "claim_type": "fresh_damage",
    "reason_code": "rotten",
    "evidence": [{"uri": "https://evidence.example/rotten"}],
    "order": {
        "services": ["fresh_damage"],
        "categories": ["fresh"],
        "paid_at": "2024-06-01T09:00:00+08:00",
        "dispatched_at": "2024-06-01T12:00:00+08:00",
        "signed_for_at": "2024-06-02T18:00:00+08:00",
    },
}
"""Spoiled fresh goods: what is claimed for them is money."""

RASH: dict[str, Any] = {
    "claim_type": "cosmetic_allergy",
    "reason_code": "rash",
    "evidence": [{"uri": "https://evidence.example/rash"}],
    "order": {**FRESH["order"], "services": ["cosmetic_allergy"], "categories": ["cosmetics"]},
}
"""Cosmetics that caused an allergy: the goods may have to come back for it."""


async def filed(
    place: Workplace, when: str = JUNE, given: dict[str, Any] = FRESH, leap: Leap | None = None, **changes: Any
) -> Live:
    """A claim filed at that instant."""
    return await place.open(CaseKind.CLAIM, request(**{**given, **changes}), at(when), leap)


async def decide(stand_in: StandIn, key: str, decision: str, **given: Any) -> None:
    """Have the approvals service decide so on claims whose key contains this."""
    answer = await stand_in.http.post("/decisions", json={"key": key, "decision": decision, **given})
    assert answer.status_code == 204, answer.text


async def asked(stand_in: StandIn, live: Live) -> dict[str, int]:
    """How often the approvals service was asked about the case, by tier."""
    claims = (await stand_in.http.get("/claims")).json()
    return {each["tier"]: each["asked"] for each in claims if f"case/{each['case_id']}" == live.handle.id}
