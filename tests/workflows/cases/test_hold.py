"""A hold by an operator: the parties' clocks stand still, the law's do not (R16)."""

from datetime import timedelta
from typing import Any

import pytest

from aftersale.vocabulary import CaseKind, CloseReason, Command, Outcome, Party, State
from tests.support.cases import (
    BUYER,
    MERCHANT,
    PLATFORM,
    approved,
    at,
    ended,
    entries,
    entry,
    opened,
    refusal,
    rejected,
    request,
    sent_back,
    sign_off,
    stamp,
    told,
)
from tests.support.platform_fixtures import StandIn, until
from trial.environment import Live, Workplace

JUNE = "2024-06-03 10:00:00"


async def held(live: Live, when: str) -> None:
    """The platform holds the case at that instant."""
    await live.until(at(when))
    await live.act("hold", *PLATFORM, note="fraud check", occurred_at=stamp(when))


async def resumed(live: Live, when: str) -> Any:
    """The platform lets the clocks run on; the status after it."""
    await live.until(at(when))
    return await live.act("resume", *PLATFORM, occurred_at=stamp(when))


async def test_a_hold_adds_its_length_to_the_running_clock(place: Workplace) -> None:
    live = await approved(place, JUNE)
    await held(live, "2024-06-04 10:00:00")
    status = await live.status()
    assert (status.held_since, status.next.party) == (at("2024-06-04 10:00:00"), Party.PLATFORM)
    assert (status.next.respond_by, status.next.on_timeout) == (None, None)
    status = await resumed(live, "2024-06-06 13:00:00")
    assert (status.held_since, status.next.party) == (None, Party.BUYER)
    assert status.next.respond_by == at("2024-06-10 10:00:00") + timedelta(days=2, hours=3)
    changed = entry(status, "DeadlineChanged")
    assert (changed.previous_due_at, changed.due_at) == (at("2024-06-10 10:00:00"), at("2024-06-12 13:00:00"))
    assert "the platform's hold is over" in changed.says
    await live.until(at("2024-06-12 13:00:02"))
    assert entry(await ended(live), "Lapsed").at == at("2024-06-12 13:00:01")


async def test_a_deadline_that_passes_during_a_hold_does_not_lapse(place: Workplace) -> None:
    live = await opened(place, JUNE)
    await held(live, "2024-06-05 09:00:00")
    await live.until(at("2024-06-20 10:00:00"))
    assert (await live.when_settled()).state is State.AWAITING_MERCHANT_REVIEW
    status = await resumed(live, "2024-06-20 10:00:00")
    assert status.next.respond_by == at("2024-06-20 11:00:00"), "the hour that was left is left"
    status = await live.act("approve", *MERCHANT)
    assert not entries(status, "Lapsed")


async def test_two_holds_add_up(place: Workplace) -> None:
    live = await approved(place, JUNE)
    await held(live, "2024-06-04 10:00:00")
    await resumed(live, "2024-06-04 11:00:00")
    await held(live, "2024-06-05 10:00:00")
    status = await resumed(live, "2024-06-05 12:00:00")
    assert status.next.respond_by == at("2024-06-10 13:00:00")


async def test_a_hold_and_an_extension_add_up(place: Workplace) -> None:
    live = await sent_back(place, JUNE)
    await held(live, "2024-06-09 10:00:00")
    await resumed(live, "2024-06-09 11:00:00")
    status = await live.act("extend", *MERCHANT)
    assert status.next.respond_by == at("2024-06-17 11:00:00")


@pytest.mark.parametrize(
    ("command", "who", "given"),
    [
        ("confirm_receipt", MERCHANT, {}),
        ("refuse_receipt", MERCHANT, {"reason_code": "empty"}),
        ("extend", MERCHANT, {}),
        ("agree_limit", BUYER, {"clock": "merchant_receipt", "limit": "P9D"}),
        ("hold", PLATFORM, {}),
    ],
)
async def test_while_held_nothing_else_is_legal(
    place: Workplace, command: str, who: tuple[str, str], given: dict[str, Any]
) -> None:
    live = await sent_back(place, JUNE)
    await held(live, JUNE)
    refused = await refusal(live.act(command, *who, **given))
    assert refused.code == "illegal_move"
    assert f"{command} is not legal in state awaiting_merchant_receipt" in str(refused)
    assert "on hold" in str(refused)
    assert "legal now: resume, withdraw, add_evidence" in str(refused)
    assert (await live.status()).next.commands == (Command.RESUME, Command.ADD_EVIDENCE)


async def test_while_held_the_buyer_may_withdraw_and_all_may_add_evidence(place: Workplace) -> None:
    live = await sent_back(place, JUNE)
    await held(live, JUNE)
    await live.act("add_evidence", *MERCHANT, evidence=[{"uri": "oss://a"}])
    status = await live.act("withdraw", *BUYER)
    assert (status.close_reason, status.held_since) == (CloseReason.WITHDRAWN, None)
    assert (await ended(live)).is_final


async def test_nothing_can_be_resumed_that_is_not_held(place: Workplace) -> None:
    live = await opened(place, JUNE)
    refused = await refusal(live.act("resume", *PLATFORM))
    assert refused.code == "illegal_move"
    assert "legal now: approve, reject, offer, withdraw, add_evidence, agree_limit, hold" in str(refused)


async def test_a_hold_cannot_end_before_it_began(place: Workplace) -> None:
    live = await opened(place, JUNE)
    await held(live, "2024-06-03 12:00:00")
    refused = await refusal(live.act("resume", *PLATFORM, occurred_at="2024-06-03T11:59:59"))
    assert refused.code == "bad_input"
    assert "occurred_at: lies before this hold began at 2024-06-03T12:00:00+08:00; send the instant" in str(refused)
    status = await live.act("resume", *PLATFORM, occurred_at="2024-06-03T12:00:00")
    assert status.next.respond_by == at("2024-06-05 10:00:00"), "a hold of no length moves nothing"
    assert not entries(status, "DeadlineChanged")


async def test_a_case_that_is_paying_cannot_be_held(place: Workplace, stand_in: Any) -> None:
    live = await sent_back(place, JUNE)
    await stand_in.arm("hold", key=live.handle.id)
    await live.act("confirm_receipt", *MERCHANT)
    assert "hold is not legal in state refunding" in str(await refusal(live.act("hold", *PLATFORM)))
    await until(stand_in.holding, [f"{live.handle.id}/refund/1"])
    await stand_in.http.post("/faults/release")
    assert (await ended(live)).outcome is Outcome.REFUNDED


async def test_the_law_s_clock_runs_on_and_fires_during_a_hold(place: Workplace) -> None:
    live = await sent_back(place, "2024-02-08 15:20:00", reason_code="no_reason")
    await sign_off(live, "2024-02-08 15:20:00")
    await held(live, "2024-02-10 15:20:00")
    await live.until(at("2024-02-16 00:00:01"))
    status = await live.when_settled()
    assert entry(status, "Alert").at == at("2024-02-16 00:00:00")
    assert status.held_since is not None
    status = await resumed(live, "2024-02-20 15:20:00")
    assert [(view.clock, view.due_at) for view in status.deadlines] == [
        ("merchant_inspection", at("2024-03-04 15:20:00"))
    ], "ten days of hold on top of the fifteen"


async def test_a_hold_does_not_lengthen_the_law_s_clock(place: Workplace) -> None:
    live = await sent_back(place, "2024-02-08 15:20:00", reason_code="no_reason")
    await sign_off(live, "2024-02-08 15:20:00")
    await held(live, "2024-02-10 15:20:00")
    status = await resumed(live, "2024-02-12 15:20:00")
    assert {view.clock: view.due_at for view in status.deadlines} == {
        "merchant_inspection": at("2024-02-25 15:20:00"),
        "statutory_refund": at("2024-02-16 00:00:00"),
    }


async def test_a_clock_that_starts_during_a_hold_is_held_from_its_start(place: Workplace) -> None:
    live = await sent_back(place, JUNE)
    await held(live, "2024-06-04 10:00:00")
    await live.until(at("2024-06-05 10:00:00"))
    status = await sign_off(live, "2024-06-05 10:00:00")
    assert [view.clock for view in status.deadlines] == ["merchant_inspection"]
    status = await resumed(live, "2024-06-06 10:00:00")
    assert status.next.respond_by == at("2024-06-08 10:00:00"), "48 h and the one day it was held"


async def test_a_hold_adds_its_length_to_a_grace_too(place: Workplace) -> None:
    live = await sent_back(place, JUNE)
    await live.until(at("2024-06-08 12:00:00"))
    status = await sign_off(live, "2024-06-04 09:00:00")
    grace_ends = status.next.respond_by
    assert grace_ends is not None and grace_ends >= at("2024-06-09 12:00:00")
    await held(live, "2024-06-08 13:00:00")
    status = await resumed(live, "2024-06-10 13:00:00")
    assert status.next.respond_by == grace_ends + timedelta(days=2)
    assert status.state is State.AWAITING_MERCHANT_RECEIPT


async def test_the_end_of_the_escalation_moves_with_a_hold(place: Workplace) -> None:
    live = await rejected(place, JUNE)
    await held(live, "2024-06-04 10:00:00")
    status = await resumed(live, "2024-06-05 10:00:00")
    assert status.escalation is not None
    assert status.escalation.escalate_by == status.next.respond_by == at("2024-06-11 10:00:00")


async def test_a_hold_that_nobody_ends_calls_the_platform_once_and_decides_nothing(
    place: Workplace, stand_in: StandIn
) -> None:
    live = await approved(place, JUNE)
    await held(live, "2024-06-04 10:00:00")
    assert entry(await live.status(), "AlarmSet").due_at == at("2024-06-11 10:00:00"), "as the policy book says"
    await live.until(at("2024-06-11 10:00:00"))
    assert not entries(await live.when_settled(), "Alert")
    await live.until(at("2024-06-30 10:00:00"))
    status = await live.when_settled()
    alert = entry(status, "Alert")
    assert (alert.by, alert.at) == ("timer", at("2024-06-11 10:00:01"))
    assert alert.says == "on hold since 2024-06-04T10:00:00+08:00, and nobody resumed it: look into it"
    assert (status.state, status.held_since) == (State.AWAITING_BUYER_RETURN, at("2024-06-04 10:00:00"))
    message = await told(stand_in, live, "platform", "alert")
    assert "resume" in message["commands"]
    status = await resumed(live, "2024-06-30 10:00:00")
    assert status.next.respond_by == at("2024-06-10 10:00:00") + timedelta(days=26)


async def test_a_hold_that_ends_in_time_calls_nobody_and_the_next_one_has_an_alarm_of_its_own(place: Workplace) -> None:
    live = await approved(place, JUNE)
    await held(live, "2024-06-04 10:00:00")
    await resumed(live, "2024-06-11 10:00:00")
    await live.until(at("2024-06-12 10:00:00"))
    await held(live, "2024-06-12 10:00:00")
    await live.until(at("2024-06-19 10:00:00"))
    assert not entries(await live.when_settled(), "Alert")
    await live.until(at("2024-06-19 10:00:02"))
    assert entry(await live.when_settled(), "Alert").at == at("2024-06-19 10:00:01")


async def test_a_case_that_stalls_already_is_not_forgotten_under_a_hold(place: Workplace) -> None:
    live = await place.open(CaseKind.RESHIP, request(), at(JUNE))
    await live.act("approve", *MERCHANT, occurred_at=stamp(JUNE))
    await live.act("dispatch", *MERCHANT, carrier="sf", tracking_no="OUT1", occurred_at=stamp(JUNE))
    await held(live, "2024-06-05 10:00:00")
    await live.until(at("2024-06-12 10:00:02"))
    assert entry(await live.when_settled(), "Alert").at == at("2024-06-12 10:00:01")
