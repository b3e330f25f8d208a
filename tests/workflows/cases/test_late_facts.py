"""Facts learned late: they count from when they happened, and leave everyone time to act (R13, R15)."""

from datetime import timedelta

import pytest

from aftersale.times import local
from aftersale.vocabulary import Outcome, State
from tests.support.case_waits import WAITS
from tests.support.cases import (
    BUYER,
    MERCHANT,
    PLATFORM,
    at,
    ended,
    entries,
    entry,
    opened,
    refusal,
    sent_back,
    sign_off,
    stamp,
    told,
)
from tests.support.platform_fixtures import StandIn
from tests.support.steps import BACK, CONFIRM
from trial.environment import Workplace

JUNE = "2024-06-03 10:00:00"
DAY = timedelta(days=1)


async def test_a_sign_off_reported_after_its_deadline_leaves_the_merchant_a_day(place: Workplace) -> None:
    live = await sent_back(place, JUNE)
    await live.until(at("2024-06-08 12:00:00"))
    status = await sign_off(live, "2024-06-04 09:00:00")
    clock, arrived_at = status.deadlines[0], entry(status, "ParcelScanned").recorded_at
    assert (clock.clock, clock.started_at) == ("merchant_inspection", at("2024-06-04 09:00:00"))
    assert clock.due_at == at("2024-06-06 09:00:00"), "computed from when it happened"
    assert clock.respond_by == status.next.respond_by == arrived_at + DAY
    await live.until(arrived_at + DAY)
    status = await live.act("refuse_receipt", *MERCHANT, reason_code="empty", occurred_at=local(arrived_at + DAY))
    assert status.state is State.MERCHANT_REJECTED


async def test_silence_after_a_late_sign_off_takes_effect_when_the_day_is_over(place: Workplace) -> None:
    live = await sent_back(place, JUNE)
    await live.until(at("2024-06-08 12:00:00"))
    status = await sign_off(live, "2024-06-04 09:00:00")
    fires_at = entry(status, "ParcelScanned").recorded_at + DAY + timedelta(seconds=1)
    await live.until(fires_at - timedelta(seconds=1))
    assert (await live.status()).state is State.AWAITING_MERCHANT_RECEIPT
    await live.until(fires_at + timedelta(seconds=1))
    status = await ended(live)
    assert (entry(status, "Lapsed").at, status.outcome) == (fires_at, Outcome.REFUNDED)


async def test_a_late_sign_off_with_time_left_keeps_its_own_deadline(place: Workplace) -> None:
    live = await sent_back(place, JUNE)
    await live.until(at("2024-06-04 09:10:00"))
    status = await sign_off(live, "2024-06-04 09:00:00")
    assert entry(status, "ParcelScanned").late_report
    assert status.next.respond_by == at("2024-06-06 09:00:00")


async def test_a_stage_that_begins_late_leaves_the_buyer_a_day(place: Workplace) -> None:
    live = await opened(place, JUNE)
    await live.act("agree_limit", *PLATFORM, clock="buyer_return", limit="PT1H")
    await live.until(at("2024-06-04 10:00:00"))
    status = await live.act("approve", *MERCHANT, occurred_at="2024-06-03T10:00:00")
    known_at = entry(status, "Approved").recorded_at
    assert status.deadlines[0].due_at == at("2024-06-03 11:00:00")
    assert status.next.respond_by == known_at + DAY
    assert status.state is State.AWAITING_BUYER_RETURN, "nobody lapses at once for what was learned late"


async def test_a_request_that_reaches_us_late_leaves_the_merchant_a_day(place: Workplace) -> None:
    live = await opened(place, "2024-06-04 10:00:00", requested_at="2024-06-03T10:00:01")
    status = await live.status()
    assert status.deadlines[0].started_at == at("2024-06-03 10:00:01")
    assert status.next.respond_by == at("2024-06-05 10:00:01"), "its own deadline is later than the grace"
    assert entry(status, "Opened").late_report


# Marks


@pytest.mark.parametrize(("ago", "late"), [(timedelta(minutes=4), False), (timedelta(minutes=6), True)])
async def test_an_act_reported_more_than_five_minutes_late_is_marked(
    place: Workplace, ago: timedelta, late: bool
) -> None:
    live = await opened(place, JUNE)
    await live.until(at("2024-06-04 10:00:00"))
    happened_at = at("2024-06-04 10:00:00") - ago
    status = await live.act("approve", *MERCHANT, occurred_at=local(happened_at))
    approved = entry(status, "Approved")
    assert (approved.at, approved.late_report) == (happened_at, late)
    assert approved.recorded_at >= at("2024-06-04 10:00:00")


async def test_an_act_without_an_instant_happened_when_it_was_handled(place: Workplace) -> None:
    live = await opened(place, JUNE)
    await live.until(at("2024-06-04 10:00:00"))
    approved = entry(await live.act("approve", *MERCHANT), "Approved")
    assert approved.at == approved.recorded_at >= at("2024-06-04 10:00:00")


# Instants that cannot be


async def test_an_act_from_the_future_is_refused(place: Workplace) -> None:
    live = await opened(place, JUNE)
    refused = await refusal(live.act("approve", *MERCHANT, occurred_at="2024-06-03T10:05:00"))
    assert refused.code == "bad_input"
    assert "occurred_at: lies in the future of the case, which is at 2024-06-03T10:00:0" in str(refused)
    assert "send the instant of the act" in str(refused)


async def test_a_clock_that_runs_a_little_ahead_is_forgiven(place: Workplace) -> None:
    live = await opened(place, JUNE)
    status = await live.act("approve", *MERCHANT, occurred_at="2024-06-03T10:00:04")
    assert status.state is State.AWAITING_BUYER_RETURN
    status = await live.act("ship_back", *BUYER, carrier="sf", tracking_no="SF1")
    assert status.state is State.AWAITING_MERCHANT_RECEIPT, "those whose clocks are right are not late"


async def test_an_act_from_before_the_stage_is_refused(place: Workplace) -> None:
    live = await opened(place, JUNE)
    refused = await refusal(live.act("approve", *MERCHANT, occurred_at="2024-06-03T09:59:59"))
    assert refused.code == "bad_input"
    assert "occurred_at: lies before this stage began at 2024-06-03T10:00:00+08:00; send the instant" in str(refused)


@pytest.mark.parametrize("wrong", ["yesterday", 1717380000, "2024-06-31T10:00:00", "2024-06-03", True, ["now"]])
async def test_an_instant_that_cannot_be_read_is_refused(place: Workplace, wrong: object) -> None:
    live = await opened(place, JUNE)
    refused = await refusal(live.act("approve", *MERCHANT, occurred_at=wrong))
    assert refused.code == "bad_input"
    assert "occurred_at: " in str(refused)
    assert "write" in str(refused)
    assert "2024-02-01T00:00:00+08:00" in str(refused)


# The law's clock (E36)


async def test_the_law_s_alert_fires_at_its_midnight_while_the_inspection_runs_on(
    place: Workplace, stand_in: StandIn
) -> None:
    live = await sent_back(place, "2024-02-08 15:20:00", reason_code="no_longer_wanted")
    status = await sign_off(live, "2024-02-08 15:20:00")
    inspection, law = status.deadlines
    assert (inspection.due_at, inspection.rules) == (at("2024-02-23 15:20:00"), ("S22", "S26"))
    assert (law.clock, law.due_at, law.exclusive) == ("statutory_refund", at("2024-02-16 00:00:00"), True)
    assert law.respond_by == at("2024-02-15 23:59:59")
    await live.until(at("2024-02-15 23:59:59"))
    assert not entries(await live.when_settled(), "Alert")
    await live.until(at("2024-02-16 00:00:01"))
    status = await live.when_settled()
    assert (entry(status, "Alert").at, entry(status, "Alert").clock) == (at("2024-02-16 00:00:00"), "statutory_refund")
    assert (status.state, status.next.respond_by) == (State.AWAITING_MERCHANT_RECEIPT, at("2024-02-23 15:20:00"))
    assert "statutory refund" in (await told(stand_in, live, "platform", "alert"))["message"]
    await live.until(at("2024-02-23 15:20:02"))
    status = await ended(live)
    assert (status.outcome, len(entries(status, "Alert"))) == (Outcome.REFUNDED, 1)


async def test_a_late_sign_off_does_not_lengthen_the_law_s_clock(place: Workplace) -> None:
    live = await sent_back(place, "2024-02-08 15:20:00", reason_code="no_reason")
    await live.until(at("2024-02-20 12:00:00"))
    status = await sign_off(live, "2024-02-08 15:20:00")
    assert entry(status, "Alert").at == at("2024-02-16 00:00:00"), "at once, as of the law's own midnight"
    assert status.state is State.AWAITING_MERCHANT_RECEIPT


async def test_the_law_s_clock_of_a_confirmed_receipt_starts_with_it(place: Workplace, stand_in: StandIn) -> None:
    live = await sent_back(place, JUNE, reason_code="no_reason")
    await stand_in.arm("decline", key=live.handle.id, reason="card closed")
    await live.act("confirm_receipt", *MERCHANT, occurred_at=stamp(JUNE))
    await live.until(at("2024-06-10 23:59:59"))
    status = await live.when_settled()
    assert [(view.clock, view.due_at) for view in status.deadlines] == [("statutory_refund", at("2024-06-11 00:00:00"))]
    await live.until(at("2024-06-11 00:00:01"))
    assert [alert.clock for alert in entries(await live.when_settled(), "Alert")] == ["payout", "statutory_refund"]


async def test_a_return_for_a_fault_has_no_no_reason_clock(place: Workplace) -> None:
    live = await sent_back(place, JUNE, reason_code="quality")
    assert [view.clock for view in (await sign_off(live, JUNE)).deadlines] == ["merchant_inspection"]


async def test_a_sign_off_before_the_receipt_reported_after_it_is_where_the_replacement_counts_from(
    place: Workplace,
) -> None:
    live = await WAITS["sign-off of an exchange"].begun(place)
    await live.until(at("2024-06-04 10:00:00"))
    await CONFIRM.take(live, at("2024-06-04 10:00:00"))
    await live.until(at("2024-06-04 12:00:00"))
    status = await BACK.take(live, at("2024-06-04 09:00:00"))
    (deadline,) = status.deadlines
    assert (deadline.started_at, deadline.due_at) == (at("2024-06-04 09:00:00"), at("2024-06-08 09:00:00"))
    assert entry(status, "DeadlineChanged").previous_due_at == at("2024-06-08 10:00:00")


async def test_a_sign_off_reported_when_its_own_time_is_over_leaves_the_merchant_the_grace(place: Workplace) -> None:
    live = await WAITS["sign-off of an exchange"].begun(place)
    await live.until(at("2024-06-04 10:00:00"))
    await CONFIRM.take(live, at("2024-06-04 10:00:00"))
    await live.until(at("2024-06-08 09:30:00"))
    status = await BACK.take(live, at("2024-06-04 09:00:00"))
    assert status.deadlines[0].due_at == at("2024-06-08 09:00:00")
    assert status.next.respond_by is not None
    assert status.next.respond_by >= at("2024-06-09 09:30:00")
