"""The clocks around the Spring Festival 2024, computed from the clauses by hand, without the policy book."""

from datetime import datetime, timedelta

from aftersale.vocabulary import CaseKind, Clock, Tier
from tests.model.population import Person
from tests.support.cases import at

Answer = tuple[datetime, tuple[str, ...]]
"""The last instant in time, and the clauses by which."""

HOUR, DAY = timedelta(hours=1), timedelta(days=1)

ORDINARY = {
    Clock.MERCHANT_REVIEW: 48 * HOUR,
    Clock.BUYER_RETURN: 7 * DAY,
    Clock.MERCHANT_RECEIPT: 7 * DAY,
    Clock.MERCHANT_INSPECTION: 48 * HOUR,
    Clock.REPLACEMENT_DISPATCH: 96 * HOUR,
    Clock.RESHIP_DISPATCH: 48 * HOUR,
    Clock.REPAIR_DISPATCH: 7 * DAY,
    Clock.BUYER_RECEIPT: 7 * DAY,
    Clock.STALLED: 7 * DAY,
    Clock.ESCALATION: 7 * DAY,
    Clock.ARBITRATION_EVIDENCE: 3 * DAY,
    Clock.ARBITRATION_RULING: 5 * DAY,
}
"""Section 4 of the rules."""

OF_THE_MERCHANT = {
    Clock.MERCHANT_REVIEW,
    Clock.MERCHANT_RECEIPT,
    Clock.MERCHANT_INSPECTION,
    Clock.REPLACEMENT_DISPATCH,
    Clock.RESHIP_DISPATCH,
    Clock.REPAIR_DISPATCH,
}

RETURN, EXCHANGE, REPAIR = CaseKind.RETURN, CaseKind.EXCHANGE, CaseKind.REPAIR


def computed(person: Person, clock: Clock, tier: Tier, started_at: datetime) -> Answer:
    """When the clock of that person's case runs out."""
    if clock is Clock.CLAIM_REVIEW:
        return started_at + (48 if tier is Tier.MERCHANT else 72) * HOUR, ()
    point = started_at + ORDINARY[clock]
    if person.labelled:
        bought = at("2024-01-29 00:00:00") <= person.paid_at <= at("2024-02-17 23:59:59")
        return _tagged(person, clock, started_at, point) if bought else (point, ())
    if not at("2024-02-01 00:00:00") <= point <= at("2024-02-17 23:59:59"):
        return point, ()
    return _extended(person, clock, started_at) or (point, ())


def _tagged(person: Person, clock: Clock, started_at: datetime, point: datetime) -> Answer:
    if clock is Clock.BUYER_RETURN and person.kind in {RETURN, EXCHANGE}:
        return started_at + 28 * DAY, ("S11", "S14")
    return point, ("S11", "S13") if clock in OF_THE_MERCHANT else ()


def _extended(person: Person, clock: Clock, started_at: datetime) -> Answer | None:
    fifteen = started_at + 15 * DAY
    match clock:
        case Clock.MERCHANT_REVIEW if person.dispatched_at is None:
            return started_at + 48 * HOUR, ("S22", "S23")
        case Clock.MERCHANT_REVIEW:
            return started_at + 5 * DAY, ("S22", "S24")
        case Clock.MERCHANT_RECEIPT if person.kind in {RETURN, EXCHANGE, REPAIR}:
            return fifteen, ("S22", "S25")
        case Clock.MERCHANT_INSPECTION if person.kind is RETURN:
            return fifteen, ("S22", "S26")
        case Clock.REPLACEMENT_DISPATCH:
            return fifteen, ("S22", "S27")
        case Clock.RESHIP_DISPATCH:
            return fifteen, ("S22", "S28")
        case _:
            return None
