"""A watch hears acts, scans and books, late, twice, out of order, while workers come and go."""

import asyncio
from typing import Any

import pytest

from aftersale.client import Refusal
from aftersale.times import SECOND
from aftersale.vocabulary import WatchEnd, WatchState
from aftersale.watch.status import Violation
from tests.support.cases import BUYER, CARRIER, MERCHANT, PLATFORM, at, quiet, refusal, stamp, working
from tests.support.places import records_of
from tests.support.platform_fixtures import StandIn
from tests.support.shipments import (
    SF1,
    click,
    clicked,
    due,
    ended,
    entries,
    paid,
    picked_up,
    seen,
    violations,
)
from trial.environment import Workplace
from trial.watches import LiveWatch

JUNE = "2024-06-03 10:00:00"
LATE = "2024-06-05 10:00:00"
"""The last second in which an order paid at JUNE may be dispatched."""


async def kept(place: Workplace, violation: Violation) -> Violation:
    """The violation as the records have it, once they do."""
    with records_of(place) as opened:
        async with asyncio.timeout(60):
            while True:
                for found in opened.violations.find(order=violation.order_id):
                    if found.violation_id == violation.violation_id and found.cleared_at == violation.cleared_at:
                        return found
                await asyncio.sleep(0.02)


async def told(stand_in: StandIn, live: LiveWatch, to: str, event: str) -> dict[str, Any]:
    """The message that a party was sent about the shipment."""
    shipment_id = live.handle.id.removeprefix("watch/")
    async with asyncio.timeout(60):
        while True:
            for message in await stand_in.inbox():
                if (message.get("shipment_id"), message.get("to"), message.get("event")) == (shipment_id, to, event):
                    return dict(message)
            await asyncio.sleep(0.02)


# A shipment that goes well, and one that does not


async def test_a_true_track_ends_the_watch(place: Workplace) -> None:
    live = await picked_up(place, JUNE, "2024-06-03 20:00:00")
    await live.scan(SF1, "hub", at("2024-06-03 20:00:00"), "hub")
    final = await ended(live)
    assert (final.state, final.end, final.violations) == (WatchState.ENDED, WatchEnd.CHECKED, ())
    assert (final.parcels[0].picked_up_at, final.parcels[0].hub_at) == (at("2024-06-03 20:00:00"),) * 2


async def test_a_violation_is_kept_in_the_records_and_told_to_the_merchant(place: Workplace, stand_in: StandIn) -> None:
    live = await paid(place, JUNE)
    await live.until(at(LATE) + 2 * SECOND)
    found = await seen(live, "dispatch")
    assert await kept(place, found) == found
    message = await told(stand_in, live, "merchant", "violation")
    assert (message["recipient"], message["order_id"]) == ("M-7", found.order_id)
    assert "2024-06-05T10:00:00" in message["says"] and "counts for the experience score" in message["says"]


async def test_without_any_scan_a_watch_ends_once_nothing_late_can_be_heard_any_more(place: Workplace) -> None:
    live = await clicked(place, JUNE)
    assert await live.until(at("2024-06-06 10:00:00"))
    await live.until(at("2024-06-06 10:00:05"))
    final = await ended(live)
    assert [found.clock for found in final.violations] == ["false_dispatch_pickup", "false_tracking_pickup"]


async def test_goods_that_leave_late_are_watched_on(place: Workplace) -> None:
    live = await paid(place, JUNE)
    await live.until(at("2024-06-07 09:00:00"))
    status = await click(live, "2024-06-07 09:00:00")
    assert (len(status.violations), due(status, "false_dispatch_pickup", SF1)) == (1, at("2024-06-08 09:00:00"))


# Late, twice, out of order


async def test_a_scan_under_a_known_id_does_not_move_the_present_of_a_watch(place: Workplace) -> None:
    live = await clicked(place, JUNE)
    await live.scan(SF1, "picked_up", at(JUNE), "scan-1")
    await live.scan(SF1, "picked_up", at("2031-06-03 10:00:00"), "scan-1")
    status = await live.act("click", *MERCHANT, carrier="sf", tracking_no="SF2")
    assert entries(status, "Dispatched")[-1].recorded_at < at("2024-06-04 10:00:00")


async def test_a_scan_in_time_that_arrives_before_the_lapse_is_taken_clears_the_check(idle: Workplace) -> None:
    async with working(idle):
        live = await clicked(idle, JUNE)
        await quiet(live)
    await live.until(at("2024-06-04 10:00:02"), handled=False)
    given = {"event_id": "late", "leg": "outbound", "tracking_no": SF1, "event": "picked_up"}
    await live.handle.signal("parcel_event", {**given, "occurred_at": stamp("2024-06-04 10:00:00")})
    async with working(idle):
        await live.update("open", {})
        status = await live.status()
        assert status.violations == ()
        assert [entry.clock for entry in entries(status, "Met")][1:] == [
            "false_dispatch_pickup",
            "false_tracking_pickup",
        ]


async def test_a_scan_in_time_that_arrives_after_the_violation_clears_it_and_says_so(
    place: Workplace, stand_in: StandIn
) -> None:
    live = await clicked(place, JUNE)
    await live.until(at("2024-06-04 18:00:00"))
    assert (await seen(live, "false_dispatch_pickup", SF1)).cleared_at is None
    await live.scan(SF1, "picked_up", at("2024-06-04 10:00:00"), "late")
    found = await seen(live, "false_dispatch_pickup", SF1)
    assert found.cleared_at and found.cleared_by and "in time after all, at 2024-06-04T10:00:00" in found.cleared_by
    (scan,) = entries(await live.status(), "ParcelScanned")
    assert scan.late_report
    assert not found.counts_for_score and await kept(place, found) == found
    for party in ("merchant", "platform"):
        assert "counts no more" in (await told(stand_in, live, party, "violation_cleared"))["says"]


async def test_a_scan_that_happened_late_clears_nothing(place: Workplace) -> None:
    live = await clicked(place, JUNE)
    await live.until(at("2024-06-04 18:00:00"))
    await live.scan(SF1, "picked_up", at("2024-06-04 10:00:01"), "late")
    assert (await seen(live, "false_dispatch_pickup", SF1)).cleared_at is None
    assert not violations(await live.status(), "false_tracking_pickup", SF1)


async def test_a_first_scan_that_is_learned_late_leaves_the_grace_for_the_hub(place: Workplace) -> None:
    live = await clicked(place, JUNE)
    await live.until(at("2024-06-04 20:00:00"))
    await live.scan(SF1, "picked_up", at("2024-06-03 12:00:00"), "late")
    assert due(await live.status(), "false_dispatch_hub", SF1) >= at("2024-06-05 20:00:00")


async def test_the_earliest_pickup_counts_though_it_is_told_last_and_repeats_are_dropped(place: Workplace) -> None:
    live = await clicked(place, JUNE)
    await live.until(at("2024-06-03 12:04:00"))
    for _ in range(2):
        await live.scan(SF1, "picked_up", at("2024-06-03 12:03:00"), "second")
    await live.scan(SF1, "picked_up", at("2024-06-03 12:01:00"), "first")
    status = await live.status()
    assert len(entries(status, "ParcelScanned")) == 2
    assert due(status, "false_dispatch_hub", SF1) == at("2024-06-04 12:01:00")
    assert entries(status, "DeadlineChanged")[0].says.endswith("what is known of the shipment has changed")


@pytest.mark.parametrize(("text", "is_hub"), [("快件离开【杭州转运中心】", True), ("已由【西湖营业部】揽收", False)])
async def test_a_scan_is_of_a_hub_by_its_words(place: Workplace, text: str, is_hub: bool) -> None:
    live = await picked_up(place, JUNE, "2024-06-03 12:00:00")
    await live.scan(SF1, "failed", at("2024-06-03 12:00:00"), "words", text)
    assert (await live.handle.describe()).close_time is not None or not is_hub
    assert (await live.status()).is_final is is_hub


async def test_what_cannot_be_a_scan_of_the_shipment_is_noted_and_not_kept(place: Workplace) -> None:
    live = await clicked(place, JUNE)
    await live.scan(SF1, "picked_up", at("2024-06-03 09:59:59"), "before")
    await live.scan(SF1, "picked_up", at("2024-06-03 10:09:00"), "ahead")
    await live.handle.signal("parcel_event", {"event_id": "broken"})
    await live.update("open", {})
    status = await live.status()
    assert len(entries(status, "SignalRefused")) == 3 and status.parcels[0].picked_up_at is None


# Acts


async def test_a_shipment_in_two_parcels_is_dispatched_with_its_last(place: Workplace) -> None:
    live = await paid(place, JUNE)
    one = [{"order_line_id": "L1", "quantity": 1}]
    status = await click(live, "2024-06-03 10:00:00", "SF1", lines=one)
    assert status.state is WatchState.AWAITING_DISPATCH and due(status, "dispatch") == at(LATE)
    await live.until(at("2024-06-03 18:00:00"))
    status = await click(live, "2024-06-03 18:00:00", "SF2", lines=one)
    assert (status.state, status.dispatched_at) == (WatchState.AWAITING_SCANS, at("2024-06-03 18:00:00"))
    assert due(status, "false_dispatch_pickup", "SF1") == at("2024-06-04 10:00:00")
    assert due(status, "false_dispatch_pickup", "SF2") == at("2024-06-04 18:00:00")
    await live.scan("SF2", "picked_up", at("2024-06-03 18:00:00"), "second")
    await live.until(at("2024-06-04 10:00:02"))
    await seen(live, "false_dispatch_pickup", "SF1")
    assert not violations(await live.status(), "false_dispatch_pickup", "SF2")


async def test_half_a_shipment_is_a_late_dispatch(place: Workplace) -> None:
    live = await paid(place, JUNE)
    await click(live, JUNE, lines=[{"order_line_id": "L1", "quantity": 1}])
    await live.scan(SF1, "picked_up", at(JUNE), "pickup")
    await live.scan(SF1, "hub", at(JUNE), "hub")
    await live.until(at(LATE) + 2 * SECOND)
    assert (await seen(live, "dispatch")).tracking_no is None


async def test_an_order_cancelled_in_time_ends_the_watch_without_a_violation(place: Workplace) -> None:
    live = await paid(place, JUNE)
    await live.until(at(LATE) - 2 * SECOND)
    await live.act("cancel_order", *PLATFORM, occurred_at=stamp(LATE), note="refunded")
    final = await ended(live)
    assert (final.end, final.violations, final.dispatched_at) == (WatchEnd.ORDER_CANCELLED, (), None)


async def test_a_cancellation_after_the_breach_leaves_it_standing(place: Workplace) -> None:
    live = await paid(place, JUNE)
    await live.until(at(LATE) + 2 * SECOND)
    await live.act("cancel_order", *BUYER)
    final = await ended(live)
    assert (final.end, [found.cleared_at for found in final.violations]) == (WatchEnd.ORDER_CANCELLED, [None])


async def test_the_merchant_s_own_delay_binds_by_when_it_was_set(place: Workplace) -> None:
    live = await paid(place, "2024-02-05 09:00:00")
    await live.until(at("2024-02-05 10:00:00"))
    status = await live.act("set_delay", *MERCHANT, limit="P20D")
    assert due(status, "dispatch") == at("2024-02-22 23:59:59"), "set after the payment"
    status = await live.act("set_delay", *MERCHANT, set_at="2024-02-05T08:59:59", limit="P20D")
    assert due(status, "dispatch") == at("2024-02-25 09:00:00")
    status = await live.act("cancel_delay", *MERCHANT)
    assert due(status, "dispatch") == at("2024-02-25 09:00:00"), "cancelled after the payment"
    status = await live.act("cancel_delay", *MERCHANT, cancelled_at="2024-02-05T08:59:59")
    assert due(status, "dispatch") == at("2024-02-25 09:00:00"), "set again at the second of the cancellation"
    (changed,) = entries(await live.status(), "DeadlineChanged")
    assert (changed.previous_due_at, changed.rules) == (at("2024-02-22 23:59:59"), ("S17",))


async def test_an_extension_that_was_cancelled_before_the_payment_does_not_hold(place: Workplace) -> None:
    live = await paid(place, "2024-02-05 09:00:00")
    status = await live.act("cancel_delay", *MERCHANT, cancelled_at="2024-02-05T08:59:59")
    assert due(status, "dispatch") == at("2024-02-07 09:00:00")
    assert entries(status, "DeadlineChanged")[0].rules == ()


async def test_what_is_not_to_be_done_is_refused_with_what_to_do_instead(place: Workplace) -> None:
    live = await paid(place, JUNE)

    async def said(command: str, actor: Any = MERCHANT, **given: Any) -> str:
        found: Refusal = await refusal(live.act(command, *actor, **given))
        return str(found)

    parcel: dict[str, Any] = {"carrier": "sf", "tracking_no": SF1}
    assert "not by buyer" in await said("click", BUYER, **parcel)
    assert "is not this order's merchant" in await said("click", ("merchant", "M-8"), **parcel)
    assert "lies in the future" in await said("click", **parcel, occurred_at="2024-06-03T11:00:00")
    assert "lies before the payment" in await said("click", **parcel, occurred_at="2024-06-03T09:59:59")
    three = [{"order_line_id": "L1", "quantity": 3}]
    assert "of which 2 are left" in await said("click", **parcel, lines=three)
    assert "give either limit" in await said("set_delay")
    assert "set_at: lies in the future" in await said("set_delay", limit="P4D", set_at="2024-06-04T00:00:00")
    assert "not by carrier" in await said("cancel_order", CARRIER)
    await click(live, JUNE)
    assert "was clicked at 2024-06-03T10:00:00" in await said("click", **parcel)
    assert "a refund after that is a case" in await said("cancel_order", BUYER)
    assert "use one of click, set_delay, cancel_delay, cancel_order" in str(await refusal(live.update("approve", {})))
