"""The pure part of a dispatch watch: facts in any order, one answer of the book for each clock, what comes of it."""

from datetime import datetime
from itertools import permutations
from typing import Any

import pytest

from aftersale.contract.commands import Actor, ParcelEvent
from aftersale.times import SECOND
from aftersale.vocabulary import Clock, Party, WatchCommand, WatchEnd, WatchState
from aftersale.watch.commands import CancelOrder, Click
from aftersale.watch.messages import finding_of
from aftersale.watch.request import WatchRequest
from aftersale.watch.status import Check, Violation
from aftersale.watch.watch import Watch
from tests.support.books import BOOK
from tests.support.cases import at
from tests.support.shipments import SF1, shipment

JUNE = "2024-06-03 10:00:00"
MERCHANT = Actor(party=Party.MERCHANT, id="M-7")
DISPATCH = Check(Clock.DISPATCH)


def watch(**changes: Any) -> Watch:
    """A watch opened with the payment, its first clock running."""
    made = Watch(WatchRequest.model_validate(shipment(JUNE, **changes)), at(JUNE))
    look(made, JUNE)
    return made


def look(watch: Watch, when: str) -> list[Violation]:
    """What a watch desk does whenever it is woken."""
    now = at(when)
    watch.read(watch.unread, [scan for scan in watch.unread if BOOK.is_hub(scan.text or "")])
    while asked := watch.questions(now):
        watch.answer([(each, BOOK.ask(each[1])) for each in asked.items()], "facts", now, now)
    return watch.settle(now)


def click(watch: Watch, when: str, tracking_no: str = SF1, now: str | None = None) -> None:
    act = Click(actor=MERCHANT, carrier="sf", tracking_no=tracking_no)
    watch.take(WatchCommand.CLICK, act, at(when), at(now or when))


def scan(watch: Watch, event: str, when: str, now: str | None = None, **given: Any) -> None:
    known = {
        "event_id": f"{event}-{when[-8:].replace(':', '.')}",
        "leg": "outbound",
        "tracking_no": SF1,
        "event": event,
    }
    moment = at(when)
    watch.scan(ParcelEvent.model_validate({**known, "occurred_at": moment, **given}), at(now or when))


def clocks(watch: Watch) -> dict[str, datetime | None]:
    return {check.clock.value: running.respond_by for check, running in watch.clocks.items()}


def test_a_click_stops_the_dispatch_clock_and_starts_two_of_its_parcel() -> None:
    made = watch()
    click(made, "2024-06-03 18:00:00")
    assert look(made, "2024-06-03 18:00:00") == []
    assert clocks(made) == {
        "false_dispatch_pickup": at("2024-06-04 18:00:00"),
        "false_tracking_pickup": at("2024-06-05 18:00:00"),
    }


def test_of_two_clocks_of_one_parcel_each_runs_out_by_itself() -> None:
    made = watch()
    click(made, JUNE)
    look(made, JUNE)
    assert look(made, "2024-06-04 10:00:00") == []
    [first] = look(made, "2024-06-04 10:00:01")
    assert (first.violation_id, first.clock) == (
        f"{first.shipment_id}/false_dispatch_pickup/SF1",
        "false_dispatch_pickup",
    )
    [second] = look(made, "2024-06-05 10:00:01")
    assert second.clock == "false_tracking_pickup"
    assert made.over(at("2024-06-06 10:00:00")) is None
    assert made.over(at("2024-06-06 10:00:01")) is WatchEnd.CHECKED, "a day later nothing late is to be heard"


def test_scans_clear_alike_in_whatever_order_they_come() -> None:
    facts = [
        ("picked_up", "2024-06-03 12:00:00"),
        ("hub", "2024-06-03 20:00:00"),
        ("signed_for", "2024-06-04 09:00:00"),
    ]
    for order in permutations(facts):
        made = watch()
        click(made, JUNE)
        for event, when in order:
            scan(made, event, when, now="2024-06-04 09:01:00")
            assert look(made, "2024-06-04 09:01:00") == []
        assert made.over(at("2024-06-04 09:01:00")) is WatchEnd.CHECKED
        assert (made.violations, made.clocks) == ({}, {})


def test_a_later_point_of_the_way_shows_the_pickup_too() -> None:
    made = watch()
    click(made, JUNE)
    scan(made, "hub", "2024-06-04 10:00:00")
    assert look(made, "2024-06-04 10:00:00") == [] and made.over(at("2024-06-04 10:00:00")) is WatchEnd.CHECKED


def test_the_earliest_scan_counts_and_one_that_comes_twice_is_kept_once() -> None:
    made = watch()
    click(made, JUNE)
    for when in ("2024-06-03 12:00:09", "2024-06-03 12:00:05", "2024-06-03 12:00:05"):
        scan(made, "picked_up", when, now="2024-06-03 12:01:00")
    look(made, "2024-06-03 12:01:00")
    assert clocks(made)["false_dispatch_hub"] == at("2024-06-04 12:00:05")
    assert [entry.event for entry in made.timeline].count("ParcelScanned") == 2


def test_a_scan_is_of_a_hub_by_its_words() -> None:
    made = watch()
    click(made, JUNE)
    scan(made, "picked_up", JUNE)
    scan(made, "failed", "2024-06-03 12:00:01", text="已由【西湖营业部】揽收")
    look(made, "2024-06-03 12:00:01")
    assert made.clocks.keys() == {Check(Clock.FALSE_DISPATCH_HUB, SF1), Check(Clock.FALSE_TRACKING_HUB, SF1)}
    scan(made, "failed", "2024-06-03 12:00:02", text="快件离开【杭州转运中心】")
    assert look(made, "2024-06-03 12:00:02") == [] and made.clocks == {}


def test_a_shipment_has_left_when_its_last_parcel_did_whichever_is_told_first() -> None:
    made = watch()
    for when, tracking_no in (("2024-06-03 12:00:00", "SF2"), ("2024-06-03 11:00:00", SF1)):
        act = Click.model_validate(
            {
                "actor": MERCHANT,
                "carrier": "sf",
                "tracking_no": tracking_no,
                "lines": [{"order_line_id": "L1", "quantity": 1}],
            }
        )
        assert made.shipment.dispatched_at is None
        made.take(WatchCommand.CLICK, act, at(when), at("2024-06-03 12:00:00"))
    assert made.shipment.dispatched_at == at("2024-06-03 12:00:00")


def test_a_click_that_was_late_is_a_violation_though_it_is_heard_before_the_lapse_is_taken() -> None:
    made = watch()
    click(made, "2024-06-05 10:00:01", now="2024-06-05 10:00:05")
    [found] = look(made, "2024-06-05 10:00:05")
    assert (found.clock, found.breached_at) == ("dispatch", at("2024-06-05 10:00:01"))


def test_a_scan_of_another_parcel_clears_nothing() -> None:
    made = watch()
    click(made, JUNE)
    scan(made, "picked_up", "2024-06-03 12:00:00", tracking_no="SF2")
    look(made, "2024-06-03 12:00:00")
    assert "false_dispatch_pickup" in clocks(made)


def test_a_parcel_may_travel_before_its_click() -> None:
    made = watch()
    scan(made, "picked_up", "2024-06-03 12:00:00")
    click(made, "2024-06-03 13:00:00")
    assert look(made, "2024-06-03 13:00:00") == []
    assert clocks(made).keys() == {"false_dispatch_hub", "false_tracking_hub"}


@pytest.mark.parametrize(("when", "cleared"), [("2024-06-05 10:00:00", True), ("2024-06-05 10:00:01", False)])
def test_a_click_told_after_the_breach_clears_it_where_it_was_in_time(when: str, cleared: bool) -> None:
    made = watch()
    [found] = look(made, "2024-06-05 10:00:01")
    assert found.cleared_at is None
    click(made, when, now="2024-06-05 10:03:00")
    told = look(made, "2024-06-05 10:03:00")
    assert [each.cleared_at for each in told] == ([at("2024-06-05 10:03:00")] if cleared else [])
    assert bool(made.violations[DISPATCH].cleared_at) is cleared and made.state is WatchState.AWAITING_SCANS


def test_an_order_that_is_cancelled_owes_no_dispatch_and_its_watch_is_over() -> None:
    made = watch()
    cancel = CancelOrder(actor=Actor(party=Party.SYSTEM, id="orders"))
    made.take(WatchCommand.CANCEL_ORDER, cancel, at("2024-06-05 10:00:00"), at("2024-06-05 10:00:09"))
    assert look(made, "2024-06-05 10:00:09") == []
    assert made.over(at("2024-06-05 10:00:09")) is WatchEnd.ORDER_CANCELLED
    assert [entry.event for entry in made.timeline] == ["Opened", "DeadlineSet", "OrderCancelled"]


def test_what_was_answered_after_its_check_was_decided_changes_nothing() -> None:
    made = watch()
    asked = made.questions_again(at(JUNE))
    [found] = look(made, "2024-06-05 10:00:01")
    made.answer([(each, BOOK.ask(each[1])) for each in asked.items()], "book", at(JUNE), at("2024-06-05 10:00:01"))
    assert made.clocks == {} and made.violations == {DISPATCH: found}


def test_the_merchant_hears_of_a_violation_and_both_hear_that_it_was_none() -> None:
    made = watch()
    [found] = look(made, "2024-06-05 10:00:01")
    [told] = finding_of(found).messages
    assert (told.to, told.recipient, told.event) == (Party.MERCHANT, "M-7", "violation")
    assert told.says == ("dispatch 发货 was due by 2024-06-05T10:00:00+08:00; it counts for the experience score")
    cleared = found.model_copy(update={"cleared_at": at("2024-06-05 11:00:00"), "cleared_by": "it was in time"})
    both = finding_of(cleared).messages
    assert [(each.to, each.recipient) for each in both] == [("merchant", "M-7"), ("platform", None)]
    assert len({each.message_id for each in (told, *both)}) == 3


def test_a_watch_wakes_for_the_clock_that_ends_first_and_then_for_what_may_be_told_late() -> None:
    made = watch()
    wake = made.next_wake(at(JUNE))
    assert wake and (wake[0], wake[1]) == (at("2024-06-05 10:00:00") + SECOND, DISPATCH)
    click(made, JUNE)
    look(made, JUNE)
    for when in ("2024-06-04 10:00:01", "2024-06-05 10:00:01"):
        wake = made.next_wake(at(when) - SECOND)
        assert wake and wake[0] == at(when)
        look(made, when)
    wake = made.next_wake(at("2024-06-05 10:00:01"))
    assert wake and (wake[0], wake[2]) == (at("2024-06-06 10:00:01"), None)


def test_a_shipment_of_part_of_an_order_is_read_by_its_own_lines() -> None:
    lines = [
        {"order_line_id": "L1", "quantity": 1, "paid": {"amount_minor": 100, "currency": "CNY"}, "labels": ["tagged"]},
        {"order_line_id": "L2", "quantity": 3, "paid": {"amount_minor": 300, "currency": "CNY"}, "category": "tea"},
    ]
    given = shipment(JUNE, lines=[{"order_line_id": "L2", "quantity": 2}], order={"lines": lines})
    request = WatchRequest.model_validate(given)
    assert (request.bought.labels, request.bought.categories, dict(request.pieces)) == ((), ("tea",), {"L2": 2})
