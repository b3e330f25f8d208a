"""Carriers' scans: they come late, twice, out of order, about other parcels, and more often than anybody needs."""

import asyncio
from typing import Any

import pytest

from aftersale.times import local
from aftersale.vocabulary import Outcome, State
from tests.support.case_waits import WAITS
from tests.support.cases import (
    BUYER,
    MERCHANT,
    approved,
    at,
    ended,
    entries,
    entry,
    opened,
    seen,
    sent_back,
    ship_back,
    sign_off,
    told,
)
from tests.support.platform_fixtures import StandIn
from tests.support.steps import BACK, DELIVERED, DISPATCH, SignOff
from tests.support.waits import TO_RECEIVE, TO_RESHIP, TO_TAKE_IN, standing
from trial.environment import Workplace

JUNE = "2024-06-03 10:00:00"


async def test_a_scan_that_comes_twice_is_kept_once(place: Workplace) -> None:
    live = await sent_back(place, JUNE)
    for _ in range(3):
        await live.scan("SF1", "picked_up", at("2024-06-03 10:00:00"), "scan-1")
    await live.scan("SF1", "signed_for", at("2024-06-03 10:00:00"), "scan-1")
    status = await live.status()
    assert entry(status, "ParcelScanned").says == "return parcel SF1: picked_up", "what came first under an id stands"
    assert standing(status) == TO_TAKE_IN


async def test_a_scan_under_a_known_id_does_not_move_the_present_of_a_case(place: Workplace) -> None:
    live = await sent_back(place, JUNE)
    await live.scan("SF1", "picked_up", at(JUNE), "scan-1")
    await live.scan("SF1", "picked_up", at("2031-06-03 10:00:00"), "scan-1")
    status = await live.act("agree_limit", *MERCHANT, clock="merchant_receipt", limit="P9D")
    assert entry(status, "LimitProposed").recorded_at < at("2024-06-04 10:00:00")


async def test_scans_out_of_order_are_kept_with_both_instants(place: Workplace) -> None:
    live = await sent_back(place, JUNE)
    await live.until(at("2024-06-04 09:30:00"))
    await live.scan("SF1", "hub", at("2024-06-04 09:00:00"), "scan-2")
    await live.scan("SF1", "picked_up", at("2024-06-03 19:00:00"), "scan-1")
    first, second = entries(await live.status(), "ParcelScanned")
    assert (first.at, second.at) == (at("2024-06-04 09:00:00"), at("2024-06-03 19:00:00"))
    assert first.recorded_at <= second.recorded_at
    assert (first.late_report, second.late_report) == (True, True)
    assert (await live.status()).next.respond_by == at("2024-06-10 10:00:00"), "only a sign-off moves the clock"


async def test_a_pick_up_that_is_reported_after_the_sign_off_moves_nothing(place: Workplace) -> None:
    live = await sent_back(place, JUNE)
    await live.until(at("2024-06-04 12:00:00"))
    signed = await sign_off(live, "2024-06-04 11:58:00")
    await live.scan("SF1", "picked_up", at("2024-06-03 19:00:00"), "late")
    status = await live.status()
    assert status.deadlines == signed.deadlines
    assert [each.at for each in entries(status, "ParcelScanned")] == [
        at("2024-06-04 11:58:00"),
        at("2024-06-03 19:00:00"),
    ]


async def test_a_delivery_reported_before_the_dispatch_counts_once_that_is_recorded(place: Workplace) -> None:
    live = await WAITS["reshipment"].begun(place)
    await live.until(at("2024-02-17 12:00:00"))
    assert standing(await DELIVERED.take(live, at("2024-02-17 11:58:00"))) == TO_RESHIP
    status = await DISPATCH.take(live, at("2024-02-17 11:59:00"))
    assert (standing(status), status.next.respond_by) == (TO_RECEIVE, at("2024-02-24 11:58:00"))


@pytest.mark.parametrize(
    ("name", "leg", "tracking_no", "sign_off"),
    [
        ("sign-off of an exchange", "return", "SF1", BACK),
        ("sign-off of what was missing", "outbound", "OUT1", DELIVERED),
    ],
    ids=["back", "out"],
)
async def test_only_the_sign_off_of_the_parcel_that_is_waited_for_moves_the_clock(
    place: Workplace, name: str, leg: str, tracking_no: str, sign_off: SignOff
) -> None:
    live = await WAITS[name].begun(place)
    before = (await live.status()).deadlines
    other = {"return": "outbound", "outbound": "return"}[leg]
    await live.scan("SF2", "signed_for", at(JUNE), "another-parcel", leg)
    await live.scan(tracking_no, "signed_for", at(JUNE), "another-way", other)
    for event in ("picked_up", "hub", "failed"):
        await live.scan(tracking_no, event, at(JUNE), event, leg)
    await live.scan(tracking_no, "signed_for", at("2024-01-20 08:59:59"), "before-the-payment", leg)
    await live.scan(tracking_no, "signed_for", at("2024-06-03 10:30:00"), "to-come", leg)
    status = await live.status()
    assert (status.deadlines, len(entries(status, "ParcelScanned"))) == (before, 5)
    assert [each.says.split(":")[0] for each in entries(status, "SignalRefused")] == [
        "scan before-the-payment",
        "scan to-come",
    ]
    assert standing(await sign_off.take(live, at(JUNE))) == WAITS[name].leads_to


async def test_a_sign_off_reported_before_the_tracking_number_counts_once_that_is_known(place: Workplace) -> None:
    live = await approved(place, JUNE)
    await live.until(at("2024-06-04 12:00:00"))
    status = await sign_off(live, "2024-06-04 11:58:00")
    assert status.state is State.AWAITING_BUYER_RETURN
    status = await ship_back(live, "2024-06-04 11:59:00")
    assert (status.deadlines[0].clock, status.next.respond_by) == ("merchant_inspection", at("2024-06-06 11:58:00"))


async def test_a_second_sign_off_does_not_start_the_inspection_again(place: Workplace) -> None:
    live = await sent_back(place, JUNE)
    await sign_off(live, JUNE)
    await live.until(at("2024-06-04 10:00:00"))
    status = await sign_off(live, "2024-06-04 10:00:00", event_id="again")
    assert status.next.respond_by == at("2024-06-05 10:00:00")


async def test_a_sign_off_before_the_payment_is_refused_and_noted(place: Workplace) -> None:
    live = await sent_back(place, JUNE)
    status = await sign_off(live, "2024-01-20 08:59:59")
    says = entry(status, "SignalRefused").says
    assert says == ("scan sign-off: occurred_at must lie between the payment at 2024-01-20T09:00:00+08:00 and now")
    assert [view.clock for view in status.deadlines] == ["merchant_receipt"]
    status = await sign_off(live, "2024-01-20 09:00:00")
    assert [view.clock for view in status.deadlines] == ["merchant_inspection"], "back to the payment it counts"


async def test_a_malformed_scan_is_noted_and_harms_nobody(place: Workplace) -> None:
    live = await sent_back(place, JUNE)
    malformed: list[Any] = [None, [], "signed", {"event_id": "e"}, {"event_id": "e", "leg": "sideways", "weight": 3}]
    for given in malformed:
        await live.handle.signal("parcel_event", given)
    for revision in ("newest", 10_001, 10**4000):
        await live.handle.signal("policy_published", {"revision": revision})
    status = await live.when_settled()
    said = [each.says for each in entries(status, "SignalRefused")]
    assert "signal: must be a JSON object with event_id, leg, tracking_no, event, occurred_at" in said
    assert any(
        "leg: should be 'return' or 'outbound'" in each and "weight: is not a known field" in each for each in said
    )
    assert "revision: write a whole number; given 'newest'" in said
    assert sum(each.startswith("revision: should be less than or equal to 10000") for each in said) == 2
    assert (await live.act("confirm_receipt", *MERCHANT)).state is State.REFUNDING, "it waits for no such book"


async def test_a_flood_of_malformed_scans_is_noted_twenty_times(place: Workplace) -> None:
    live = await sent_back(place, JUNE)
    await asyncio.gather(*(live.handle.signal("parcel_event", {"event_id": str(n)}) for n in range(30)))
    assert len(entries(await live.when_settled(), "SignalRefused")) == 20


async def test_a_case_keeps_two_hundred_scans_and_no_more(place: Workplace) -> None:
    live = await sent_back(place, JUNE)

    def scan(number: int) -> dict[str, str]:
        scanned = {"leg": "return", "tracking_no": "SF1", "event": "hub", "occurred_at": local(at(JUNE))}
        return {"event_id": f"hub-{number}", **scanned}

    await asyncio.gather(*(live.handle.signal("parcel_event", scan(number)) for number in range(203)))
    status = await seen(live, lambda status: len(entries(status, "ParcelScanned")) == 200)
    assert entry(status, "SignalRefused").says == "a case keeps at most 200 parcel events; further ones are not kept"
    assert standing(await sign_off(live, JUNE)) == TO_TAKE_IN, "not even a sign-off"
    status = await live.act("confirm_receipt", *MERCHANT)
    assert (await ended(live)).outcome is Outcome.REFUNDED


async def test_a_sign_off_after_the_receipt_had_lapsed_is_the_platform_s_to_correct(
    place: Workplace, stand_in: StandIn
) -> None:
    live = await sent_back(place, JUNE)
    await stand_in.arm("decline", key=live.handle.id, reason="card closed")
    await live.until(at("2024-06-10 10:00:02"))
    before = await seen(live, lambda status: status.state is State.REFUND_FAILED)
    status = await sign_off(live, "2024-06-09 10:00:00")
    correction = entry(status, "CorrectionRequested")
    assert (correction.at, correction.by, correction.late_report) == (at("2024-06-09 10:00:00"), "carrier", True)
    assert "return parcel SF1: signed_for, reported after the receipt had lapsed" in correction.says
    assert (status.state, status.deadlines) == (before.state, before.deadlines), "nothing is undone"
    assert "SF1" in (await told(stand_in, live, "platform", "correction_requested"))["message"]


async def test_a_sign_off_from_before_the_tracking_number_is_a_correction_too(
    place: Workplace, stand_in: StandIn
) -> None:
    live = await approved(place, JUNE)
    await live.until(at("2024-06-04 10:00:00"))
    await live.act("ship_back", *BUYER, carrier="sf", tracking_no="SF1", occurred_at="2024-06-04T10:00:00")
    await stand_in.arm("decline", key=live.handle.id, reason="card closed")
    await live.until(at("2024-06-11 10:00:02"))
    await seen(live, lambda status: status.state is State.REFUND_FAILED)
    assert entry(await sign_off(live, "2024-06-04 09:00:00"), "CorrectionRequested").by == "carrier"


async def test_a_sign_off_that_happened_after_the_lapse_is_only_noted(place: Workplace, stand_in: StandIn) -> None:
    live = await sent_back(place, JUNE)
    await stand_in.arm("decline", key=live.handle.id, reason="card closed")
    await live.until(at("2024-06-10 10:00:02"))
    await seen(live, lambda status: status.state is State.REFUND_FAILED)
    status = await sign_off(live, "2024-06-10 10:00:01")
    assert not entries(status, "CorrectionRequested")
    assert entry(status, "ParcelScanned").at == at("2024-06-10 10:00:01")


async def test_a_scan_before_the_merchant_answered_is_only_noted(place: Workplace) -> None:
    live = await opened(place, JUNE)
    await live.scan("SF0", "picked_up", at(JUNE), "early")
    assert (await live.status()).state is State.AWAITING_MERCHANT_REVIEW
