"""Every way through a return, by the parties' acts and by their silence."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from aftersale.vocabulary import CloseReason, Command, OnTimeout, Outcome, Party, State
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
    sent_back,
    ship_back,
    sign_off,
    signed_off,
)
from tests.support.platform_fixtures import StandIn, until
from trial.environment import Live, Workplace

Begin = Callable[[Workplace, str], Awaitable[Live]]

JUNE = "2024-06-03 10:00:00"
TWO_LINES: dict[str, Any] = {
    "order": {
        "lines": [
            {"order_line_id": "L1", "quantity": 3, "paid": {"amount_minor": 1000, "currency": "CNY"}},
            {"order_line_id": "L2", "quantity": 1, "paid": {"amount_minor": 500, "currency": "CNY"}},
        ]
    },
    "items": [
        {"order_line_id": "L1", "quantity": 3, "requested": {"amount_minor": 1000, "currency": "CNY"}},
        {"order_line_id": "L2", "quantity": 1, "requested": {"amount_minor": 500, "currency": "CNY"}},
    ],
}


async def test_goods_go_back_and_the_money_follows(place: Workplace, stand_in: StandIn) -> None:
    live = await opened(place, JUNE)
    await live.until(at("2024-06-03 12:00:00"))
    status = await live.act("approve", *MERCHANT, occurred_at="2024-06-03T10:30:00")
    assert (status.state, status.next.party) == (State.AWAITING_BUYER_RETURN, Party.BUYER)
    status = await ship_back(live, "2024-06-03 11:00:00")
    assert (status.state, status.next.party) == (State.AWAITING_MERCHANT_RECEIPT, Party.MERCHANT)
    await sign_off(live, "2024-06-03 12:00:00")
    await live.act("confirm_receipt", *MERCHANT)
    status = await ended(live)
    assert (status.state, status.outcome, status.is_final) == (State.COMPLETED, Outcome.REFUNDED, True)
    assert (status.refund.status, status.refund.amount_minor) == ("succeeded", 12900)
    assert (await stand_in.payments())[f"{live.handle.id}/refund/1"] == ("succeeded", 1)
    assert [each.event for each in status.timeline if each.event != "DeadlineSet"] == [
        "Opened",
        "Approved",
        "SentBack",
        "ParcelScanned",
        "ReceiptConfirmed",
        "RefundInstructed",
        "RefundSucceeded",
        "Completed",
    ]


async def test_silence_all_the_way_gives_the_request_up(place: Workplace) -> None:
    live = await opened(place, JUNE)
    assert (await live.status()).next.on_timeout is OnTimeout.AUTO_APPROVE
    await live.until(at("2024-06-05 10:00:02"))
    assert (await live.status()).next.on_timeout is OnTimeout.AUTO_CLOSE
    assert not await live.until(at("2024-06-12 10:00:03"))
    status = await ended(live)
    assert (status.state, status.close_reason) == (State.CLOSED, CloseReason.NOT_SENT_BACK)
    assert [lapse.clock for lapse in entries(status, "Lapsed")] == ["merchant_review", "buyer_return"]
    assert (status.refund.status, status.refund.instructions) == ("none", ())


async def test_a_merchant_that_never_takes_the_goods_in_has_received_them(place: Workplace) -> None:
    live = await sent_back(place, JUNE)
    await live.until(at("2024-06-10 10:00:02"))
    status = await ended(live)
    assert (status.outcome, status.refund.amount_minor) == (Outcome.REFUNDED, 12900)
    assert "auto confirm" in entry(status, "Lapsed").says


async def test_a_merchant_that_never_inspects_has_received_them(place: Workplace) -> None:
    live = await signed_off(place, JUNE)
    await live.until(at("2024-06-05 10:00:02"))
    status = await ended(live)
    assert status.outcome is Outcome.REFUNDED
    assert entry(status, "Lapsed").clock == "merchant_inspection"


async def test_a_refusal_stays_open_for_escalation_then_closes(place: Workplace) -> None:
    live = await opened(place, JUNE)
    status = await live.act("reject", *MERCHANT, reason_code="used", note="worn", occurred_at="2024-06-03T10:00:00")
    assert (status.state, status.is_final, status.next.party) == (State.MERCHANT_REJECTED, False, Party.BUYER)
    assert status.escalation is not None
    assert (status.escalation.reason_code, status.escalation.escalate_by) == ("used", at("2024-06-10 10:00:00"))
    assert not await live.until(at("2024-06-10 10:00:02"))
    assert (await ended(live)).close_reason is CloseReason.NOT_ESCALATED


@pytest.mark.parametrize("begin", [sent_back, signed_off])
async def test_refused_goods_stay_open_for_escalation_then_close(place: Workplace, begin: Begin) -> None:
    live = await begin(place, JUNE)
    await live.until(at("2024-06-03 12:00:00"))
    status = await live.act("refuse_receipt", *MERCHANT, reason_code="empty_box", occurred_at="2024-06-03T12:00:00")
    assert status.state is State.MERCHANT_REJECTED
    assert [view.clock for view in status.deadlines] == ["escalation"]
    assert status.next.respond_by == at("2024-06-10 12:00:00")
    assert not await live.until(at("2024-06-10 12:00:02"))
    status = await ended(live)
    assert (status.close_reason, status.refund.instructions) == (CloseReason.NOT_ESCALATED, ())


# Withdrawing


@pytest.mark.parametrize("begin", [opened, approved, sent_back, signed_off, rejected])
async def test_the_buyer_may_withdraw_while_a_party_is_awaited(place: Workplace, begin: Begin) -> None:
    live = await begin(place, JUNE)
    status = await live.act("withdraw", *BUYER, note="solved")
    assert (status.state, status.close_reason, status.next.party) == (State.CLOSED, CloseReason.WITHDRAWN, None)
    assert (await ended(live)).deadlines == ()


async def test_a_withdrawal_comes_too_late_once_the_refund_has_started(place: Workplace, stand_in: StandIn) -> None:
    live = await sent_back(place, JUNE)
    await stand_in.arm("hold", key=live.handle.id)
    status = await live.act("confirm_receipt", *MERCHANT)
    assert (status.state, status.next.party) == (State.REFUNDING, Party.SYSTEM)
    refused = await refusal(live.act("withdraw", *BUYER))
    assert refused.code == "illegal_move"
    assert "withdraw is not legal in state refunding" in str(refused)
    assert "legal now: add_evidence" in str(refused)
    await until(stand_in.holding, [f"{live.handle.id}/refund/1"])
    await stand_in.http.post("/faults/release")
    assert (await ended(live)).outcome is Outcome.REFUNDED


# The merchant's one extension


async def test_the_merchant_extends_its_receipt_once_in_its_last_two_days(place: Workplace) -> None:
    live = await sent_back(place, "2024-02-10 12:00:00")
    await live.until(at("2024-02-23 12:00:00"))
    assert Command.EXTEND in (await live.status()).next.commands
    status = await live.act("extend", *MERCHANT, occurred_at="2024-02-23T12:00:00")
    assert status.next.respond_by == at("2024-03-03 12:00:00")
    assert status.deadlines[0].rules == ("S22", "S25")
    assert Command.EXTEND not in status.next.commands
    changed = entry(status, "DeadlineChanged")
    assert (changed.previous_due_at, changed.due_at) == (at("2024-02-25 12:00:00"), at("2024-03-03 12:00:00"))
    assert "extended by the merchant" in changed.says
    await live.until(at("2024-03-02 12:00:00"))
    refused = await refusal(live.act("extend", *MERCHANT))
    assert "was extended 1 time(s) already, and may not be again" in str(refused)
    assert "legal now: confirm_receipt, refuse_receipt" in str(refused)
    await live.until(at("2024-03-03 12:00:02"))
    assert entry(await ended(live), "Lapsed").at == at("2024-03-03 12:00:01")


async def test_no_extension_while_more_than_two_days_remain(place: Workplace) -> None:
    live = await sent_back(place, JUNE)
    await live.until(at("2024-06-08 09:59:00"))
    refused = await refusal(live.act("extend", *MERCHANT, occurred_at="2024-06-08T09:59:00"))
    assert refused.code == "illegal_move"
    assert "the merchant_receipt clock may be extended when P2D or less remain" in str(refused)
    await live.until(at("2024-06-08 10:00:00"))
    status = await live.act("extend", *MERCHANT, occurred_at="2024-06-08T10:00:00")
    assert status.next.respond_by == at("2024-06-17 10:00:00")


async def test_an_inspection_has_no_extension(place: Workplace) -> None:
    live = await signed_off(place, JUNE)
    refused = await refusal(live.act("extend", *MERCHANT))
    assert "the merchant_inspection clock has no extension for the merchant" in str(refused)


async def test_the_buyer_has_no_extension(place: Workplace) -> None:
    live = await sent_back(place, JUNE)
    refused = await refusal(live.act("extend", *BUYER))
    assert refused.code == "wrong_party"
    assert "actor.party: extend is given by merchant, not by buyer" in str(refused)


# What was received


async def test_what_arrived_is_refunded_line_by_line(place: Workplace, stand_in: StandIn) -> None:
    live = await sent_back(place, JUNE, **TWO_LINES)
    arrived = [{"order_line_id": "L1", "quantity": 2, "condition": "as_new"}, {"order_line_id": "L2", "quantity": 1}]
    await live.act("confirm_receipt", *MERCHANT, items=arrived)
    status = await ended(live)
    assert status.refund.amount_minor == 666 + 500, "two thirds of 1000, rounded down, and the whole of the other"
    assert (await stand_in.payments())[f"{live.handle.id}/refund/1"] == ("succeeded", 1)


async def test_a_line_that_is_not_named_did_not_arrive(place: Workplace) -> None:
    live = await sent_back(place, JUNE, **TWO_LINES)
    await live.act("confirm_receipt", *MERCHANT, items=[{"order_line_id": "L2", "quantity": 1}])
    assert (await ended(live)).refund.amount_minor == 500


@pytest.mark.parametrize(
    ("items", "field", "remedy"),
    [
        ([{"order_line_id": "L9", "quantity": 1}], "items.0.order_line_id", "the lines claimed are L1"),
        ([{"order_line_id": "L1", "quantity": 3}], "items.0.quantity", "is more than the 2 that were claimed"),
        ([{"order_line_id": "L1", "quantity": 1}] * 2, "items.1.order_line_id", "is named twice"),
        ([{"order_line_id": "L1", "quantity": 0}], "items", "nothing arrived; send refuse_receipt"),
    ],
)
async def test_a_receipt_of_other_goods_is_not_taken(
    place: Workplace, items: list[object], field: str, remedy: str
) -> None:
    live = await sent_back(place, JUNE)
    refused = await refusal(live.act("confirm_receipt", *MERCHANT, items=items))
    assert refused.code == "bad_input"
    assert f" {field}: " in str(refused)
    assert remedy in str(refused)
    assert (await live.status()).state is State.AWAITING_MERCHANT_RECEIPT


# Evidence


async def test_evidence_changes_nothing_but_the_file(place: Workplace) -> None:
    live = await opened(place, JUNE)
    before = await live.status()
    pictures = [{"uri": "oss://a.jpg", "media_type": "image/jpeg", "sha256": "0" * 64}]
    status = await live.act("add_evidence", *BUYER, evidence=pictures)
    assert (status.state, status.deadlines) == (before.state, before.deadlines)
    assert entry(status, "EvidenceAdded").says.endswith(": evidence of 1 piece")
    await live.act("add_evidence", *MERCHANT, evidence=pictures)
    await live.act("add_evidence", *PLATFORM, evidence=pictures)


async def test_a_return_of_several_lines_asks_for_their_sum(place: Workplace) -> None:
    live = await opened(place, JUNE, **TWO_LINES)
    assert (await live.status()).refund.amount_minor == 1500
