"""Act against silence, and act against act: one outcome, by when a thing happened, not when it arrived."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from aftersale.vocabulary import CaseKind, State
from tests.support.cases import (
    BUYER,
    MERCHANT,
    at,
    ended,
    entries,
    entry,
    opened,
    quiet,
    refusal,
    request,
    sent_back,
    ship_back,
    sign_off,
    told,
    working,
)
from tests.support.outages import locked
from tests.support.platform_fixtures import StandIn
from tests.support.posting import sending
from trial.environment import Live, Workplace

JUNE = "2024-06-03 10:00:00"
ACTOR = {"party": "buyer", "id": "B-5"}


async def left_alone(place: Workplace, until: str) -> Live:
    """A return opened on 3 June whose calendar stands at `until`, with nobody at work for the half hour before.

    Reminders are sent by then.
    """
    async with working(place):
        live = await opened(place, JUNE)
        await live.until(at(until) - timedelta(minutes=30))
        await quiet(live)
    await live.until(at(until), handled=False)
    return live


def evidence(*names: str) -> dict[str, Any]:
    """The buyer's evidence of these names."""
    return {"actor": ACTOR, "evidence": [{"uri": f"oss://{name}"} for name in names]}


# The worker is down while the deadline passes


async def test_a_request_that_waited_for_a_worker_counts_from_when_it_was_sent(idle: Workplace) -> None:
    live = await idle.start(CaseKind.RETURN, request(), at(JUNE))
    await asyncio.sleep(1.1)
    async with working(idle):
        status = await live.when_settled()
    assert status.deadlines[0].started_at == at(JUNE)
    assert status.next.respond_by == at("2024-06-05 10:00:00")


async def test_an_approval_from_after_the_deadline_finds_the_lapse(idle: Workplace) -> None:
    live = await left_alone(idle, "2024-06-05 10:00:01")
    approval = await sending(live, lambda live: live.act("approve", *MERCHANT))
    async with working(idle):
        refused = await refusal(approval)
        assert refused.code == "illegal_move"
        assert "approve is not legal in state awaiting_buyer_return" in str(refused)
        assert "legal now: ship_back, withdraw, add_evidence, agree_limit, hold" in str(refused)
        status = await live.status()
    assert entry(status, "Lapsed").at == at("2024-06-05 10:00:01")
    assert not entries(status, "Approved")


async def test_an_approval_in_time_that_is_handled_late_wins(idle: Workplace) -> None:
    live = await left_alone(idle, "2024-06-05 10:00:01")
    approval = await sending(live, lambda live: live.act("approve", *MERCHANT, occurred_at="2024-06-05T09:55:00"))
    async with working(idle):
        status = await approval
    approved = entry(status, "Approved")
    assert (approved.at, approved.late_report) == (at("2024-06-05 09:55:00"), True)
    assert approved.recorded_at >= at("2024-06-05 10:00:01"), "both instants are kept"
    assert not entries(status, "Lapsed")
    assert status.deadlines[0].started_at == at("2024-06-05 09:55:00")


async def test_who_has_answered_is_not_reminded_of_it(idle: Workplace, idle_stand_in: StandIn) -> None:
    live = await left_alone(idle, "2024-06-04 22:00:00")
    approval = await sending(live, lambda live: live.act("approve", *MERCHANT, occurred_at="2024-06-04T21:00:00"))
    async with working(idle):
        status = await approval
        await told(idle_stand_in, live, "buyer", "move_awaited")
        case_id = status.case_id
        events = [each["event"] for each in await idle_stand_in.inbox() if each.get("case_id") == case_id]
    assert not entries(status, "Reminded")
    assert "reminder" not in events


async def test_a_sending_during_a_lapsed_review_is_judged_after_the_lapse(idle: Workplace) -> None:
    live = await left_alone(idle, "2024-06-05 10:00:01")
    sending_back = await sending(live, lambda live: ship_back(live, "2024-06-05 10:00:01"))
    async with working(idle):
        assert (await sending_back).state is State.AWAITING_MERCHANT_RECEIPT
        status = await live.status()
    happened = [each.event for each in status.timeline if each.event not in ("DeadlineSet", "Reminded")]
    assert happened == ["Opened", "Lapsed", "SentBack"]


# Requests that are sent twice


async def test_a_refused_request_is_judged_anew_when_it_is_repeated(place: Workplace) -> None:
    live = await opened(place, JUNE)
    sent = {"actor": ACTOR, "carrier": "sf", "tracking_no": "SF1"}
    refused = await refusal(live.update("ship_back", sent, id="request-1"))
    assert "ship_back is not legal in state awaiting_merchant_review" in str(refused)
    await live.act("approve", *MERCHANT)
    assert (await live.update("ship_back", sent, id="request-1")).state is State.AWAITING_MERCHANT_RECEIPT


# Facts for a stage whose silence was executed


async def test_an_approval_in_time_after_the_executed_lapse_is_a_correction(
    place: Workplace, stand_in: StandIn
) -> None:
    live = await opened(place, JUNE)
    await live.until(at("2024-06-05 12:00:00"))
    before = await live.status()
    status = await live.act("approve", *MERCHANT, occurred_at="2024-06-05T10:00:00")
    assert (status.state, status.deadlines) == (before.state, before.deadlines), "nothing is undone"
    correction = entry(status, "CorrectionRequested")
    assert (correction.at, correction.by, correction.late_report) == (at("2024-06-05 10:00:00"), "merchant", True)
    assert correction.recorded_at >= at("2024-06-05 12:00:00")
    assert "approve 同意 at 2024-06-05T10:00:00+08:00 came after the lapse" in correction.says
    assert "approve" in (await told(stand_in, live, "platform", "correction_requested"))["message"]


@pytest.mark.parametrize(("command", "given"), [("reject", {"reason_code": "used"}), ("approve", {})])
async def test_a_correction_needs_no_state_in_which_its_command_is_legal(
    place: Workplace, command: str, given: dict[str, Any]
) -> None:
    live = await opened(place, JUNE)
    await live.until(at("2024-06-05 10:00:10"))
    status = await live.act(command, *MERCHANT, occurred_at="2024-06-03T10:00:00", **given)
    assert entry(status, "CorrectionRequested").at == at("2024-06-03 10:00:00")
    assert status.state is State.AWAITING_BUYER_RETURN


async def test_a_sending_that_was_reported_after_the_case_had_moved_on_twice_is_a_correction(place: Workplace) -> None:
    live = await sent_back(place, JUNE)
    await live.until(at("2024-06-04 10:00:00"))
    refused = await refusal(ship_back(live, "2024-06-03 10:00:00", "SF2"))
    assert refused.code == "illegal_move", "the buyer's stage ended by an act, not by silence"
    await sign_off(live, "2024-06-04 10:00:00")


async def test_a_late_correction_reaches_a_case_that_waits_for_its_records(place: Workplace, stand_in: StandIn) -> None:
    live = await opened(place, JUNE)
    await live.until(at("2024-06-05 12:00:00"))
    await quiet(live)
    with locked(place.settings.records_url):
        status = await live.act("withdraw", *BUYER)
        assert status.is_final
        late = live.act("approve", *MERCHANT, occurred_at="2024-06-05T09:00:00")
        status = await asyncio.wait_for(late, 60)
        assert entry(status, "CorrectionRequested").by == "merchant"
    assert len(entries(await ended(live), "CorrectionRequested")) == 1
    assert await told(stand_in, live, "platform", "correction_requested")


async def test_a_scan_does_not_keep_a_case_from_ending_that_waits_for_its_records(place: Workplace) -> None:
    live = await sent_back(place, JUNE)
    with locked(place.settings.records_url):
        await live.act("withdraw", *BUYER)
        await asyncio.wait_for(live.scan("SF1", "hub", at(JUNE), "late"), 60)
        refused = await refusal(asyncio.wait_for(live.act("confirm_receipt", *MERCHANT), 60))
        assert "confirm_receipt is not legal in state closed" in str(refused)
        assert "legal now: nothing, the case is final" in str(refused)
    assert len(entries(await ended(live), "ParcelScanned")) == 1
