"""Refund, exchange, reshipment and repair, each from its request to its end."""

from typing import Any

import pytest

from aftersale.contract.status import Status
from aftersale.times import SECOND
from aftersale.vocabulary import CaseKind, Clock, CloseReason, MessageEvent, Outcome, RefundState, State
from tests.support.cases import (
    BUYER,
    MERCHANT,
    at,
    ended,
    entries,
    entry,
    refusal,
    request,
    ship_back,
    sign_off,
    stamp,
    told,
)
from tests.support.platform_fixtures import StandIn
from trial.environment import Live, Workplace

JUNE = "2024-06-03 10:00:00"
UNSENT = {"dispatched_at": None, "signed_for_at": None}
ONE_SECOND, TWO_SECONDS = SECOND, 2 * SECOND
SENDING = [CaseKind.EXCHANGE, CaseKind.RESHIP, CaseKind.REPAIR]
"""The kinds that end with goods on their way to the buyer."""

DONE = {
    CaseKind.EXCHANGE: Outcome.EXCHANGED,
    CaseKind.RESHIP: Outcome.RESHIPPED,
    CaseKind.REPAIR: Outcome.REPAIRED,
}


async def opened(place: Workplace, kind: CaseKind, when: str = JUNE, **changes: Any) -> Live:
    """A case of that kind, opened then."""
    return await place.open(kind, request(**changes), at(when))


async def awaiting_dispatch(place: Workplace, kind: CaseKind, when: str = JUNE, **changes: Any) -> Live:
    """A case whose merchant is to send something, everything before having happened in the second it was opened."""
    live = await opened(place, kind, when, **changes)
    await live.act("approve", *MERCHANT, occurred_at=stamp(when))
    if kind is not CaseKind.RESHIP:
        await ship_back(live, when)
        await sign_off(live, when)
        await live.act("confirm_receipt", *MERCHANT, occurred_at=stamp(when))
    return live


async def dispatch(live: Live, when: str) -> Status:
    """The merchant sends it."""
    return await live.act("dispatch", *MERCHANT, carrier="sf", tracking_no="OUT1", occurred_at=stamp(when))


async def delivered(live: Live, when: str) -> Status:
    """The carrier reports that the buyer signed for it."""
    await live.scan("OUT1", "signed_for", at(when), "delivered", leg="outbound")
    return await live.status()


# Refund


@pytest.mark.parametrize(
    ("when", "due", "rules", "order"),
    [
        pytest.param("2024-01-30 00:00:00", "2024-02-04 00:00:00", ("S22", "S24"), {}, id="E1"),
        pytest.param("2024-01-29 23:59:59", "2024-01-31 23:59:59", (), {}, id="E2"),
        pytest.param("2024-02-10 09:30:00", "2024-02-12 09:30:00", ("S22", "S23"), UNSENT, id="E6"),
    ],
)
async def test_a_refund_is_paid_without_goods_when_the_merchant_is_silent(
    place: Workplace, when: str, due: str, rules: tuple[str, ...], order: dict[str, Any]
) -> None:
    live = await opened(place, CaseKind.REFUND, when, order=order)
    review = (await live.status()).deadlines[0]
    assert (review.clock, review.due_at, review.rules) == (Clock.MERCHANT_REVIEW, at(due), rules)
    await live.until(at(due))
    assert (await live.when_settled()).state is State.AWAITING_MERCHANT_REVIEW, "the last second is in time"
    await live.until(at(due) + TWO_SECONDS)
    final = await ended(live)
    assert (final.kind, final.outcome, final.refund.status) == (
        CaseKind.REFUND,
        Outcome.REFUNDED,
        RefundState.SUCCEEDED,
    )
    assert len(entries(final, "Lapsed")) == 1


async def test_a_refund_knows_no_parcel(place: Workplace) -> None:
    live = await opened(place, CaseKind.REFUND)
    said = str(await refusal(ship_back(live, JUNE)))
    assert "legal now: approve, reject, offer, withdraw, add_evidence, agree_limit, hold" in said


# What is sent out


@pytest.mark.parametrize("kind", SENDING)
async def test_goods_that_are_sent_in_time_and_received_complete_the_case(place: Workplace, kind: CaseKind) -> None:
    live = await awaiting_dispatch(place, kind)
    assert (await live.status()).state is State.AWAITING_MERCHANT_DISPATCH
    status = await dispatch(live, JUNE)
    (waiting,) = status.deadlines
    assert (status.state, waiting.clock) == (State.AWAITING_BUYER_RECEIPT, Clock.STALLED)
    status = await delivered(live, JUNE)
    assert (status.deadlines[0].clock, status.next.respond_by) == (Clock.BUYER_RECEIPT, at("2024-06-10 10:00:00"))
    await live.act("confirm_delivery", *BUYER)
    final = await ended(live)
    assert (final.outcome, final.refund.status) == (DONE[kind], RefundState.NONE)


@pytest.mark.parametrize("kind", SENDING)
async def test_a_buyer_who_is_silent_after_the_sign_off_has_received(place: Workplace, kind: CaseKind) -> None:
    live = await awaiting_dispatch(place, kind)
    await dispatch(live, JUNE)
    await delivered(live, JUNE)
    await live.until(at("2024-06-10 10:00:02"))
    final = await ended(live)
    assert final.outcome is DONE[kind]
    assert entry(final, "Lapsed").at == at("2024-06-10 10:00:01")


@pytest.mark.parametrize(
    ("kind", "when", "due", "clock", "rules"),
    [
        (CaseKind.EXCHANGE, "2024-02-05 09:00:00", "2024-02-20 09:00:00", Clock.REPLACEMENT_DISPATCH, ("S22", "S27")),
        (CaseKind.RESHIP, "2024-02-15 23:59:59", "2024-03-01 23:59:59", Clock.RESHIP_DISPATCH, ("S22", "S28")),
        (CaseKind.REPAIR, JUNE, "2024-06-10 10:00:00", Clock.REPAIR_DISPATCH, ()),
    ],
    ids=["E16", "E18", "repair"],
)
async def test_what_is_not_sent_in_time_is_a_breach_and_the_buyer_may_take_the_money(
    place: Workplace,
    stand_in: StandIn,
    kind: CaseKind,
    when: str,
    due: str,
    clock: Clock,
    rules: tuple[str, ...],
) -> None:
    live = await awaiting_dispatch(place, kind, when)
    (deadline,) = (await live.status()).deadlines
    assert (deadline.clock, deadline.due_at, deadline.rules) == (clock, at(due), rules)
    said = str(await refusal(live.act("amend", *BUYER, kind="refund")))
    assert "once the merchant's time to send has run out" in said
    await live.until(at(due) + TWO_SECONDS)
    status = await live.when_settled()
    assert entry(status, "Breached").at == at(due) + ONE_SECOND
    (waiting,) = status.deadlines
    assert (status.state, waiting.clock, waiting.started_at) == (
        State.AWAITING_MERCHANT_DISPATCH,
        Clock.STALLED,
        at(due) + ONE_SECOND,
    )
    for party in ("buyer", "merchant"):
        assert await told(stand_in, live, party, MessageEvent.BREACH)
    await live.act("amend", *BUYER, kind="refund")
    final = await ended(live)
    assert (final.kind, final.outcome, final.refund.amount_minor) == (CaseKind.REFUND, Outcome.REFUNDED, 12900)
    assert final.attempts == 1, "it uses no attempt"


async def test_goods_that_are_sent_after_the_breach_go_on_as_if_in_time(place: Workplace) -> None:
    live = await awaiting_dispatch(place, CaseKind.RESHIP)
    await live.until(at("2024-06-05 10:00:02"))
    await live.act("dispatch", *MERCHANT, carrier="sf", tracking_no="OUT1")
    await live.act("confirm_delivery", *BUYER)
    assert (await ended(live)).outcome is Outcome.RESHIPPED


async def test_of_an_exchange_the_replacement_is_due_from_the_sign_off_whether_receipt_is_confirmed_or_not(
    place: Workplace,
) -> None:
    live = await opened(place, CaseKind.EXCHANGE)
    await live.act("approve", *MERCHANT, occurred_at=stamp(JUNE))
    await ship_back(live, JUNE)
    status = await sign_off(live, JUNE)
    (deadline,) = status.deadlines
    assert (deadline.clock, deadline.due_at) == (Clock.REPLACEMENT_DISPATCH, at("2024-06-07 10:00:00"))
    await live.until(at("2024-06-05 10:00:00"))
    status = await live.act("confirm_receipt", *MERCHANT)
    assert status.state is State.AWAITING_MERCHANT_DISPATCH
    assert status.deadlines == (deadline,), "the same clock runs on"
    assert len(entries(await live.status(), "DeadlineSet")) == 4


async def test_of_an_exchange_whose_merchant_never_confirms_the_receipt_the_breach_comes_once(
    place: Workplace,
) -> None:
    live = await opened(place, CaseKind.EXCHANGE)
    await live.act("approve", *MERCHANT, occurred_at=stamp(JUNE))
    await ship_back(live, JUNE)
    await sign_off(live, JUNE)
    await live.until(at("2024-06-07 10:00:02"))
    status = await live.when_settled()
    assert (status.state, len(entries(status, "Lapsed"))) == (State.AWAITING_MERCHANT_DISPATCH, 1)
    assert entry(status, "Breached").at == at("2024-06-07 10:00:01")


@pytest.mark.parametrize("kind", [CaseKind.EXCHANGE, CaseKind.REPAIR])
async def test_goods_that_nobody_signed_for_count_as_received_and_the_merchant_s_clock_starts_then(
    place: Workplace, kind: CaseKind
) -> None:
    live = await opened(place, kind)
    await live.act("approve", *MERCHANT, occurred_at=stamp(JUNE))
    await ship_back(live, JUNE)
    await live.until(at("2024-06-10 10:00:02"))
    status = await live.when_settled()
    assert (status.state, status.deadlines[0].started_at) == (
        State.AWAITING_MERCHANT_DISPATCH,
        at("2024-06-10 10:00:01"),
    )


@pytest.mark.parametrize("kind", [CaseKind.REFUND, *SENDING])
async def test_a_refusal_stands_after_its_seven_days_whatever_the_kind(place: Workplace, kind: CaseKind) -> None:
    live = await opened(place, kind)
    await live.act("reject", *MERCHANT, reason_code="used", occurred_at=stamp(JUNE))
    await live.until(at("2024-06-10 10:00:02"))
    assert (await ended(live)).close_reason is CloseReason.NOT_ESCALATED


@pytest.mark.parametrize("kind", SENDING)
async def test_a_buyer_may_withdraw_until_the_end(place: Workplace, kind: CaseKind) -> None:
    live = await awaiting_dispatch(place, kind)
    await dispatch(live, JUNE)
    await live.act("withdraw", *BUYER)
    assert (await ended(live)).close_reason is CloseReason.WITHDRAWN
