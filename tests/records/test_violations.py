"""Violations on file: kept once with what they owe, listed in order, marked where they turned out to be none."""

from datetime import timedelta
from typing import Any

from aftersale.records import Records
from aftersale.vocabulary import Clock
from aftersale.watch.messages import finding_of
from aftersale.watch.status import Violation
from tests.support.drawing import HOUR, NOW


def violation(shipment_id: str = "S-1", clock: Clock = Clock.DISPATCH, after: int = 0, **changes: Any) -> Violation:
    """A violation that took effect so many hours after NOW."""
    at = NOW + timedelta(hours=after)
    plain = {
        "violation_id": f"{shipment_id}/{clock}",
        "shipment_id": shipment_id,
        "order_id": f"O-{shipment_id}",
        "merchant_id": "M-7",
        "clock": clock,
        "started_at": at - timedelta(days=2),
        "due_at": at - timedelta(seconds=1),
        "respond_by": at - timedelta(seconds=1),
        "breached_at": at,
        "recorded_at": at,
        "rules": ("S16",),
        "policy_version": "made-up",
        "on_timeout": "breach",
        "counts_for_score": True,
    }
    return Violation.model_validate({**plain, **changes})


def test_a_violation_that_is_kept_twice_stands_once_and_is_told_once(kept: Records) -> None:
    for _ in range(2):
        kept.violations.keep(finding_of(violation()))
    assert kept.violations.find() == [violation()]
    leased = kept.outbox.lease("a", 10, NOW + timedelta(days=3650), HOUR)
    assert [(each.message.shipment_id, each.message.to) for each in leased] == [("S-1", "merchant")]


def test_a_violation_that_was_none_stays_on_file_and_says_so(kept: Records) -> None:
    kept.violations.keep(finding_of(violation()))
    cleared = violation(cleared_at=NOW + HOUR, cleared_by="it was in time after all")
    kept.violations.keep(finding_of(cleared))
    assert kept.violations.find() == [cleared]
    leased = kept.outbox.lease("a", 10, NOW + timedelta(days=3650), HOUR)
    assert sorted((each.message.event, each.message.to) for each in leased) == [
        ("violation", "merchant"),
        ("violation_cleared", "merchant"),
        ("violation_cleared", "platform"),
    ]


def test_violations_are_listed_in_the_order_in_which_they_took_effect(kept: Records) -> None:
    later, other = violation("S-2", after=5), violation("S-3", after=3, merchant_id="M-8")
    pickup = violation("S-2", Clock.FALSE_DISPATCH_PICKUP, after=4, tracking_no="SF1")
    for each in (later, other, pickup, violation()):
        kept.violations.keep(finding_of(each))
    assert kept.violations.find() == [violation(), other, pickup, later]
    assert kept.violations.find(merchant="M-8") == [other]
    assert kept.violations.find(order="O-S-2", clock=Clock.DISPATCH) == [later]
    assert kept.violations.find(since=pickup.breached_at) == [later]
    assert kept.violations.find(limit=1) == [violation()]
