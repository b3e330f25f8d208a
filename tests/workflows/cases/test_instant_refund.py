"""Instant refund: paid before the case is decided, once; what is not owed in the end goes back (S1)."""

from typing import Any

import pytest

from aftersale.contract.status import Status
from aftersale.errors import Refusal
from aftersale.vocabulary import CaseKind, CloseReason, Command, MessageEvent, Outcome, RefundState, State
from tests.support.cases import BUYER, MERCHANT, PLATFORM, at, ended, entries, entry, item, line, request, seen, told
from tests.support.cases import sent_back as plainly_sent_back
from tests.support.platform_fixtures import StandIn
from trial.environment import Live, Workplace

JUNE = "2024-06-03 10:00:00"
UNSENT = {
    "services": ["instant_refund"],
    "paid_at": "2024-06-01T09:00:00+08:00",
    "dispatched_at": None,
    "signed_for_at": None,
}
SENT = {**UNSENT, "dispatched_at": "2024-06-01T10:00:00+08:00", "signed_for_at": "2024-06-02T10:00:00+08:00"}


def advanced(status: Status) -> bool:
    return status.refund.status is RefundState.SUCCEEDED


async def applied(place: Workplace, **changes: Any) -> Live:
    """A refund of what was not dispatched, paid ahead."""
    live = await place.open(CaseKind.REFUND, request(**{"order": UNSENT, **changes}), at(JUNE))
    await seen(live, advanced)
    return live


async def sent_back(place: Workplace, **changes: Any) -> Live:
    """A return on its way, of which no carrier has said anything yet."""
    return await plainly_sent_back(place, JUNE, **{"order": SENT, **changes})


async def scanned(place: Workplace, **changes: Any) -> Live:
    """A return on its way, paid ahead on the carrier's first scan."""
    live = await sent_back(place, **changes)
    await live.scan("SF1", "picked_up", at(JUNE), "first")
    await seen(live, advanced)
    return live


async def moved(stand_in: StandIn, live: Live) -> list[tuple[str, int, str, int]]:
    """What the payment service holds for the case: which instruction, how much, how it ended, how often money moved."""
    prefix = f"{live.handle.id}/"
    return [
        (each["key"].removeprefix(prefix), each["amount_minor"], each["status"], each["times_moved"])
        for each in (await stand_in.http.get("/payments")).json()
        if each["key"].startswith(prefix)
    ]


ADVANCE = ("refund/1", 12900, "succeeded", 1)
BACK = ("clawback/1", 12900, "succeeded", 1)


# Paid ahead


async def test_before_dispatch_the_application_is_paid_while_the_merchant_still_has_its_time(
    place: Workplace, stand_in: StandIn
) -> None:
    live = await applied(place)
    status = await live.status()
    assert (status.state, status.next.respond_by) == (State.AWAITING_MERCHANT_REVIEW, at("2024-06-05 10:00:00"))
    assert (status.refund.amount_minor, status.refund.instructions[0].payer) == (12900, "platform_advance")
    assert (await told(stand_in, live, "buyer", MessageEvent.REFUND_ADVANCED))["says"].startswith("12900 CNY minor")
    await live.act("approve", *MERCHANT)
    status = await ended(live)
    assert (status.outcome, status.refund.status) == (Outcome.REFUNDED, RefundState.SUCCEEDED)
    assert await moved(stand_in, live) == [ADVANCE]


async def test_a_return_is_paid_on_its_first_scan_and_never_a_second_time(place: Workplace, stand_in: StandIn) -> None:
    live = await sent_back(place)
    assert not (await live.status()).refund.instructions
    for number, event in enumerate(("picked_up", "hub", "signed_for")):
        await live.scan("SF1", event, at(JUNE), f"scan-{number}")
    await seen(live, advanced)
    await live.act("confirm_receipt", *MERCHANT)
    status = await ended(live)
    assert (status.outcome, len(entries(status, "AdvanceInstructed"))) == (Outcome.REFUNDED, 1)
    assert not entries(status, "RefundInstructed") and await moved(stand_in, live) == [ADVANCE]


@pytest.mark.parametrize("scan", [("SF2", "picked_up"), ("SF1", "failed")], ids=["another parcel", "a failure"])
async def test_what_is_no_scan_of_the_goods_pays_nothing(
    place: Workplace, stand_in: StandIn, scan: tuple[str, str]
) -> None:
    live = await sent_back(place)
    await live.scan(*scan, at(JUNE), "scan")
    await live.act("confirm_receipt", *MERCHANT)
    status = await ended(live)
    assert not entries(status, "AdvanceInstructed") and await moved(stand_in, live) == [ADVANCE]


async def test_without_the_service_nothing_is_paid_ahead(place: Workplace, stand_in: StandIn) -> None:
    live = await place.open(CaseKind.REFUND, request(order={**UNSENT, "services": []}), at(JUNE))
    await live.act("withdraw", *BUYER)
    assert (await ended(live)).refund.instructions == () and await moved(stand_in, live) == []


async def test_an_answer_still_outstanding_when_the_money_is_owed_is_waited_for_and_not_paid_again(
    place: Workplace, stand_in: StandIn
) -> None:
    await stand_in.arm("hold", path="/refunds", key="/refund/1")
    live = await place.open(CaseKind.REFUND, request(order=UNSENT), at(JUNE))
    await seen(live, lambda status: bool(entries(status, "AdvanceInstructed")))
    status = await live.act("approve", *MERCHANT)
    assert status.state is State.REFUNDING
    await stand_in.http.post("/faults/release")
    assert (await ended(live)).outcome is Outcome.REFUNDED and await moved(stand_in, live) == [ADVANCE]


async def test_a_declined_advance_leaves_the_case_to_its_course(place: Workplace, stand_in: StandIn) -> None:
    await stand_in.arm("decline", path="/refunds", key="/refund/1", reason="no such account")
    live = await place.open(CaseKind.REFUND, request(order=UNSENT), at(JUNE))
    status = await seen(live, lambda status: bool(entries(status, "AdvanceDeclined")))
    assert (status.state, status.refund.status) == (State.AWAITING_MERCHANT_REVIEW, RefundState.RESERVED)
    await live.act("approve", *MERCHANT)
    assert (await ended(live)).outcome is Outcome.REFUNDED
    assert await moved(stand_in, live) == [("refund/1", 12900, "declined", 0), ("refund/2", 12900, "succeeded", 1)]


async def test_nothing_is_paid_ahead_while_the_platform_holds_the_case(place: Workplace, stand_in: StandIn) -> None:
    live = await sent_back(place)
    await live.act("hold", *PLATFORM)
    await live.scan("SF1", "picked_up", at(JUNE), "first")
    assert not entries(await live.status(), "AdvanceInstructed")
    await live.act("resume", *PLATFORM)
    await seen(live, advanced)


# Taken back


@pytest.mark.parametrize("way", ["withdrawn", "not sent back", "cancelled"])
async def test_what_is_not_owed_in_the_end_is_taken_back_before_the_case_ends(
    place: Workplace, stand_in: StandIn, way: str
) -> None:
    live = await applied(place)
    if way == "withdrawn":
        await live.act("withdraw", *BUYER)
    elif way == "cancelled":
        await live.handle.cancel()
    else:
        await live.act("reject", *MERCHANT, reason_code="left_already")
        await live.until(at("2024-06-20 10:00:00"))
    status = await ended(live)
    assert (status.state, status.refund.status, status.refund.amount_minor) == (
        State.CLOSED,
        RefundState.CLAWED_BACK,
        0,
    )
    assert await moved(stand_in, live) == [ADVANCE, BACK]
    await told(stand_in, live, "buyer", MessageEvent.CLAWED_BACK)


async def test_of_a_return_that_came_back_in_part_the_rest_is_taken_back(place: Workplace, stand_in: StandIn) -> None:
    live = await scanned(place)
    items = [{"order_line_id": "L1", "quantity": 1, "condition": "good"}]
    await live.act("confirm_receipt", *MERCHANT, items=items)
    status = await ended(live)
    assert (status.outcome, status.refund.status, status.refund.amount_minor) == (
        Outcome.REFUNDED,
        RefundState.SUCCEEDED,
        6450,
    )
    assert await moved(stand_in, live) == [ADVANCE, ("clawback/1", 6450, "succeeded", 1)]


async def test_a_ruling_for_the_merchant_takes_it_back(place: Workplace, stand_in: StandIn) -> None:
    live = await scanned(place)
    await live.act("refuse_receipt", *MERCHANT, reason_code="worn")
    await live.act("escalate", *BUYER, reason_code="not_worn")
    await live.act("rule", *PLATFORM, outcome="dismissal", liability="buyer")
    status = await ended(live)
    assert (status.close_reason, status.refund.status) == (CloseReason.DISMISSED, RefundState.CLAWED_BACK)
    assert await moved(stand_in, live) == [ADVANCE, BACK]


async def test_a_parcel_that_had_left_already_is_amended_to_a_return_and_stays_paid(
    place: Workplace, stand_in: StandIn
) -> None:
    live = await applied(place)
    await live.act("reject", *MERCHANT, reason_code="left_already")
    await live.act("amend", *BUYER, kind="return", dispatched_at=JUNE.replace(" ", "T"))
    await live.act("approve", *MERCHANT)
    await live.act("ship_back", *BUYER, carrier="sf", tracking_no="SF1")
    await live.scan("SF1", "signed_for", at(JUNE), "sign-off")
    await live.act("confirm_receipt", *MERCHANT)
    assert (await ended(live)).outcome is Outcome.REFUNDED and await moved(stand_in, live) == [ADVANCE]


async def test_lines_that_are_short_are_paid_and_lines_that_are_over_are_taken_back(
    place: Workplace, stand_in: StandIn
) -> None:
    two = {**SENT, "lines": [line("L1"), line("L2")]}
    live = await scanned(place, order=two, items=[item("L1"), item("L2")])
    await live.act("refuse_receipt", *MERCHANT, reason_code="worn")
    await live.act("escalate", *BUYER, reason_code="not_worn")
    lines = [{"order_line_id": "L1", "amount_minor": 12900}, {"order_line_id": "L2", "amount_minor": 900}]
    await live.act("rule", *PLATFORM, outcome="refund", liability="merchant", lines=lines)
    status = await ended(live)
    assert (status.outcome, status.refund.amount_minor) == (Outcome.REFUNDED, 13800)
    assert await moved(stand_in, live) == [
        ("refund/1", 25800, "succeeded", 1),
        ("clawback/1", 12000, "succeeded", 1),
    ]


@pytest.mark.parametrize("fault", ["status", "reset", "lose_answer"])
async def test_a_service_that_fails_is_asked_again_and_takes_back_once(
    place: Workplace, stand_in: StandIn, fault: str
) -> None:
    live = await applied(place)
    await stand_in.arm(fault, path="/clawbacks", key=live.handle.id)
    await live.act("withdraw", *BUYER)
    assert (await ended(live)).close_reason is CloseReason.WITHDRAWN
    assert await moved(stand_in, live) == [ADVANCE, BACK]


async def test_a_declined_clawback_waits_for_an_operator_who_has_it_sent_again(
    place: Workplace, stand_in: StandIn
) -> None:
    live = await applied(place)
    await stand_in.arm("decline", path="/clawbacks", key=live.handle.id, reason="account empty")
    status = await live.act("withdraw", *BUYER)
    status = await seen(live, lambda status: status.state is State.REFUND_FAILED)
    assert (status.refund.status, status.is_final) == (RefundState.SUCCEEDED, False)
    assert entry(status, "ClawbackDeclined").says.endswith("declined: account empty")
    await live.act("retry_refund", *PLATFORM)
    status = await ended(live)
    assert (status.close_reason, status.refund.status) == (CloseReason.WITHDRAWN, RefundState.CLAWED_BACK)
    assert (await moved(stand_in, live))[1:] == [
        ("clawback/1", 12900, "declined", 0),
        ("clawback/2", 12900, "succeeded", 1),
    ]


async def test_a_case_that_is_withdrawn_under_a_hold_is_held_no_more(place: Workplace, stand_in: StandIn) -> None:
    live = await applied(place)
    await stand_in.arm("decline", path="/clawbacks", key=live.handle.id, reason="account empty")
    await live.act("hold", *PLATFORM)
    await live.act("withdraw", *BUYER)
    status = await seen(live, lambda status: status.state is State.REFUND_FAILED)
    assert (status.held_since, Command.RETRY_REFUND in status.next.commands) == (None, True)
    with pytest.raises(Refusal, match="withdraw is not legal in state refund_failed"):
        await live.act("withdraw", *BUYER)
    await live.act("retry_refund", *PLATFORM)
    assert (await ended(live)).refund.status is RefundState.CLAWED_BACK


async def test_an_operator_who_cancels_leaves_the_advance_with_the_buyer_and_the_case_ends_as_it_was_to(
    place: Workplace, stand_in: StandIn
) -> None:
    live = await applied(place)
    await stand_in.arm("decline", path="/clawbacks", key=live.handle.id, reason="account empty")
    await live.act("withdraw", *BUYER)
    await seen(live, lambda status: status.state is State.REFUND_FAILED)
    await live.handle.cancel()
    status = await ended(live)
    assert (status.close_reason, status.refund.status) == (CloseReason.WITHDRAWN, RefundState.SUCCEEDED)
    assert len(entries(status, "ClawbackAbandoned")) == 1 and await moved(stand_in, live) == [
        ADVANCE,
        ("clawback/1", 12900, "declined", 0),
    ]
