"""Decisions on claims in a course: what is decided and what may not be, by figures computed apart."""

from collections.abc import Mapping
from random import Random
from typing import Any

from aftersale.contract.status import Status
from aftersale.policy.service_terms import Compensation
from aftersale.vocabulary import ClaimType
from simulation.courses.people import yuan

WORTH = {
    ClaimType.FRESH_DAMAGE: Compensation(
        payer="merchant_deposit", base="paid", rate=5_000, grades={"all": 100, "some": 30}, floor={"CNY": 1_000}
    ),
    ClaimType.LATE_DISPATCH: Compensation(payer="merchant", rate=1_000, cap={"CNY": 900}),
    ClaimType.AUTHENTICITY: Compensation(payer="platform_advance", floor={"CNY": 200}, cap={"CNY": 20_000}),
}
"""By grade; by rate alone, so that silence grants it; by a person within bounds. The others by a person."""

BOUGHT_WITH: Mapping[ClaimType, dict[str, Any]] = {
    ClaimType.FRESH_DAMAGE: {"services": ["fresh_damage"], "categories": ["fresh"]},
    ClaimType.COSMETIC_ALLERGY: {"services": ["cosmetic_allergy"], "categories": ["cosmetics"]},
    ClaimType.AUTHENTICITY: {"services": ["authenticity"]},
    ClaimType.LATE_DISPATCH: {},
    ClaimType.NON_PERFORMANCE: {},
}
"""What an order must have for a claim of each type."""

DECLINED = {"decision": "decline"}


def decision(case: Mapping[str, Any], chance: Random) -> dict[str, Any]:
    """Return a decision on a claim, as a reviewer could mean it."""
    if "claim_type" not in case or chance.randrange(3) == 0:
        return {**DECLINED, **chance.choice([{}, {"note": "not to be seen"}])}
    terms, (least, most) = _terms(case), bounds(case)
    ways: list[dict[str, Any]] = [{"grade": grade} for grade in terms.grades]
    if terms.rate and not terms.grades:
        ways.append({})
    if most:
        ways.append({"amount": yuan(chance.randint(max(least, 1), most))})
    for each in case["items"]:
        asked = min(each["requested"]["amount_minor"], most)
        if asked >= max(least, 1):
            amount = chance.randint(max(least, 1), asked)
            ways.append({"lines": [{"order_line_id": each["order_line_id"], "amount_minor": amount}]})
    remedies = [{}, {"remedy": "refund"}] + [{"remedy": "return"}] * 3 * _may_want_the_goods(case)
    return {"decision": "approve"} | chance.choice(ways) | chance.choice(remedies)


def forbidden(case: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return what an approval may not say, wherever the claim stands."""
    terms, (least, most), asked = _terms(case), bounds(case), _asked(case)
    ways: list[dict[str, Any]] = [{"grade": "ruined", "amount": yuan(most)}, {"amount": yuan(asked + 1)}]
    ways.append({"amount": yuan(1, "EUR")})
    if not _may_want_the_goods(case):
        ways.append({"amount": yuan(most), "remedy": "return"})
    if least > 1:
        ways.append({"amount": yuan(least - 1)})
    if most < asked:
        ways.append({"amount": yuan(most + 1)})
    if terms.grades or not terms.rate:
        ways.append({})
    return ways


def bounds(case: Mapping[str, Any]) -> tuple[int, int]:
    """Return the least and the most that the claim pays, in minor units: floor and cap, below what is asked."""
    terms, asked = _terms(case), _asked(case)
    return min(terms.floor.get("CNY", 0), asked, terms.cap.get("CNY", asked)), min(terms.cap.get("CNY", asked), asked)


def rightly_compensated(case: Mapping[str, Any], final: Status, settled: int) -> None:
    """Make sure that what was paid on a claim lies within the policy's bounds, and was granted for what came back."""
    least, most = bounds(case)
    told = {entry.event: entry for entry in final.timeline}
    assert settled <= most, (settled, most)
    assert settled == 0 or "Granted" in told
    came_back = "ReceiptConfirmed" in told or "Ruled" in told
    assert came_back or settled >= least, (settled, least)
    if "ClaimDecided" not in told:
        terms = _terms(case)
        assert terms.rate is not None and not terms.grades, "a silence granted what nobody has priced"
        assert settled == min(_asked(case) * terms.rate // 10_000, most)


def _terms(case: Mapping[str, Any]) -> Compensation:
    return WORTH.get(case["claim_type"], Compensation(payer="merchant"))


def _asked(case: Mapping[str, Any]) -> int:
    return sum(each["requested"]["amount_minor"] for each in case["items"])


def _may_want_the_goods(case: Mapping[str, Any]) -> bool:
    return bool(case["claim_type"] == ClaimType.COSMETIC_ALLERGY)
