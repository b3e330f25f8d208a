"""The money of a case in the ledger: reserved as it opens, settled as it is paid, given back as it closes."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from aftersale.contract.status import Status
from aftersale.records import Ledger
from aftersale.vocabulary import CaseKind, Outcome, RefundState, State
from tests.support.cases import (
    BUYER,
    MERCHANT,
    PLATFORM,
    at,
    ended,
    entries,
    entry,
    item,
    line,
    refusal,
    refused,
    request,
    seen,
    ship_back,
    told,
    waiting_activity,
    yuan,
)
from tests.support.outages import locked
from tests.support.places import records_of
from tests.support.platform_fixtures import StandIn, instruction, until
from trial.environment import Live, Workplace

JUNE = "2024-06-03 10:00:00"
RETURN = CaseKind.RETURN


@pytest.fixture
def ledger(place: Workplace) -> Iterator[Ledger]:
    with records_of(place) as opened_records:
        yield opened_records.ledger


async def opened(place: Workplace, order_id: str, **changes: Any) -> Live:
    """A return on an order that is named."""
    return await place.open(RETURN, request(order_id=order_id, **changes), at(JUNE))


async def why_not(place: Workplace, order_id: str, **changes: Any) -> dict[str, str]:
    """Why a return on the order is refused: what is said under each code."""
    status = await refused(await place.start(RETURN, request(order_id=order_id, **changes), at(JUNE)))
    return {problem.code: str(problem) for problem in status.problems}


async def paid(live: Live, items: list[dict[str, Any]] | None = None) -> Status:
    """The record of a return that goes all the way to its refund."""
    await live.act("approve", *MERCHANT)
    await ship_back(live, JUNE)
    given: dict[str, Any] = {"items": items} if items else {}
    await live.act("confirm_receipt", *MERCHANT, **given)
    return await ended(live)


async def test_what_is_asked_for_is_reserved_while_the_case_is_open(place: Workplace) -> None:
    live = await opened(place, "O-reserved")
    assert (await live.status()).refund.status is RefundState.RESERVED
    await live.act("withdraw", *BUYER)
    assert (await ended(live)).refund.status is RefundState.NONE


async def test_a_line_has_one_open_case_of_a_kind(place: Workplace) -> None:
    live = await opened(place, "O-one")
    said = await why_not(place, "O-one")
    assert live.handle.id.removeprefix("case/") in said["open_case"]
    await live.act("withdraw", *BUYER)
    await ended(live)
    assert (await (await opened(place, "O-one")).status()).state is State.AWAITING_MERCHANT_REVIEW


async def test_a_line_has_five_attempts_and_a_withdrawal_gives_none_back(place: Workplace) -> None:
    for _ in range(5):
        live = await opened(place, "O-five")
        await live.act("withdraw", *BUYER)
        await ended(live)
    assert "attempts" in await why_not(place, "O-five")


async def test_equal_partial_refunds_of_one_line_are_both_paid_and_no_more(place: Workplace) -> None:
    half = [item(quantity=1, requested=yuan(6450))]
    for _ in range(2):
        status = await paid(await opened(place, "O-halves", items=half))
        assert (status.outcome, status.refund.amount_minor) == (Outcome.REFUNDED, 6450)
    said = await why_not(place, "O-halves", items=[item(quantity=1, requested=yuan(1))])
    assert "12900" in said["ceiling"]


async def test_what_did_not_arrive_is_not_refunded_and_may_be_claimed_again(place: Workplace) -> None:
    received = [{"order_line_id": "L1", "quantity": 1}]
    status = await paid(await opened(place, "O-partly"), received)
    assert status.refund.amount_minor == 6450
    rest = await opened(place, "O-partly", items=[item(quantity=1, requested=yuan(6450))])
    assert (await paid(rest)).refund.amount_minor == 6450


async def test_what_cost_nothing_is_refunded_without_asking_anybody_to_pay(place: Workplace) -> None:
    lines = [line("L1"), line("GIFT", paid=yuan(0), quantity=1)]
    wanted = [item("L1"), item("GIFT", quantity=1, requested=yuan(0))]
    live = await opened(place, "O-gift", order={"lines": lines}, items=wanted)
    status = await paid(live, [{"order_line_id": "GIFT", "quantity": 1}])
    assert (status.outcome, status.refund.instructions) == (Outcome.REFUNDED, ())


async def test_an_order_is_told_the_same_by_all_its_cases(place: Workplace) -> None:
    await opened(place, "O-same")
    dearer = {"lines": [line(paid=yuan(99900))]}
    said = await why_not(place, "O-same", order=dearer, items=[item(requested=yuan(99900))])
    assert "12900" in said["order_mismatch"]


async def test_a_refund_goes_back_to_the_tenders_that_it_was_paid_with(place: Workplace, ledger: Ledger) -> None:
    tenders = [{"tender": "cash", "amount_minor": 12000}, {"tender": "points", "amount_minor": 900}]
    live = await opened(place, "O-tenders", order={"lines": [line(tenders=tenders)]})
    assert (await paid(live)).outcome is Outcome.REFUNDED
    spread = {row.tender: row.amount_minor for row in ledger.export() if row.order_id == "O-tenders"}
    assert spread == {"cash": 12000, "points": 900}


async def test_a_chargeback_freezes_the_order_until_it_is_lifted(place: Workplace, ledger: Ledger) -> None:
    live = await opened(place, "O-frozen")
    ledger.freeze("O-frozen", "CB-1", "the buyer's bank took the payment back", datetime.now(UTC))
    await live.act("approve", *MERCHANT)
    await ship_back(live, JUNE)
    await live.act("confirm_receipt", *MERCHANT)
    status = await seen(live, lambda status: status.state is State.REFUND_FAILED)
    assert "CB-1" in entry(status, "RefundDeclined").says
    assert "retry_refund" in status.next.commands
    ledger.lift("O-frozen", datetime.now(UTC))
    await live.act("retry_refund", *PLATFORM)
    status = await ended(live)
    assert [each.status for each in status.refund.instructions] == [RefundState.FAILED, RefundState.SUCCEEDED]


async def frozen(place: Workplace, ledger: Ledger, order_id: str) -> Live:
    """A return whose refund the ledger declined, since its order is frozen."""
    live = await opened(place, order_id)
    ledger.freeze(order_id, "CB-1", "not recognised", datetime.now(UTC))
    await live.act("approve", *MERCHANT)
    await ship_back(live, JUNE)
    await live.act("confirm_receipt", *MERCHANT)
    await seen(live, lambda status: status.state is State.REFUND_FAILED)
    return live


async def test_a_refund_of_a_frozen_order_is_not_retried_and_no_number_is_given_away(
    place: Workplace, ledger: Ledger
) -> None:
    live = await frozen(place, ledger, "O-burnt")
    for _ in range(2):
        said = await refusal(live.act("retry_refund", *PLATFORM))
        assert said.code == "order_frozen"
        assert "order O-burnt is frozen by chargeback CB-1" in str(said)
        assert "run `aftersale ledger lift O-burnt`, then retry the refund" in str(said)
    status = await live.status()
    assert (status.state, len(status.refund.instructions)) == (State.REFUND_FAILED, 1)
    assert not entries(status, "RefundRetried")
    ledger.lift("O-burnt", datetime.now(UTC))
    await live.act("retry_refund", *PLATFORM)
    assert [each.status for each in (await ended(live)).refund.instructions] == [
        RefundState.FAILED,
        RefundState.SUCCEEDED,
    ]


async def test_a_payment_after_the_worker_gave_up_is_made_once_though_a_freeze_came_between(
    place: Workplace, ledger: Ledger, stand_in: StandIn
) -> None:
    live = await opened(place, "O-late")
    await live.act("approve", *MERCHANT)
    await ship_back(live, JUNE)
    await stand_in.arm("slow", key=live.handle.id, seconds=15)  # a worker waits for ten
    await live.act("confirm_receipt", *MERCHANT)
    await until(lambda: sendings(ledger, "O-late"), [1])
    ledger.freeze("O-late", "CB-1", "not recognised", datetime.now(UTC))
    status = await ended(live)
    assert (status.outcome, status.refund.amount_minor) == (Outcome.REFUNDED, 12900)
    assert [each.status for each in status.refund.instructions] == [RefundState.SUCCEEDED]
    assert (await stand_in.payments())[f"{live.handle.id}/refund/1"] == ("succeeded", 1)
    assert [each for each in ledger.check() if each.order_id == "O-late"] == []
    for party in ("platform", "merchant"):
        said = (await told(stand_in, live, party, "charged_back"))["message"]
        assert "CB-1" in said and f"12900 by {live.handle.id}/refund/1 as transfer-" in said


async def sendings(ledger: Ledger, order_id: str) -> list[int]:
    """How often each instruction of an order was sent."""
    books = ledger.order_books(order_id)
    return [] if books is None else [each.attempts for each in books.instructions]


async def test_a_refund_that_was_paid_though_the_ledger_had_declined_it_is_not_paid_again(
    place: Workplace, ledger: Ledger, stand_in: StandIn
) -> None:
    live = await frozen(place, ledger, "O-found")
    case_id = live.handle.id.removeprefix("case/")
    await stand_in.refund(
        instruction(case_id, order_id="O-found", lines=({"order_line_id": "L1", "amount_minor": 12900},))
    )
    ledger.lift("O-found", datetime.now(UTC))
    await live.act("retry_refund", *PLATFORM)
    status = await ended(live)
    assert (status.outcome, status.refund.status, status.refund.amount_minor) == (
        Outcome.REFUNDED,
        RefundState.SUCCEEDED,
        12900,
    )
    assert [each.status for each in status.refund.instructions] == [RefundState.SUCCEEDED, RefundState.FAILED]
    assert "/refund/1 counted as declined, and was paid all the same" in entry(status, "FoundPaid").says
    assert "/refund/1 counted as declined" in (await told(stand_in, live, "platform", "found_paid"))["message"]
    moved = {key: times for key, (_, times) in (await stand_in.payments()).items() if case_id in key}
    assert moved == {f"{live.handle.id}/refund/1": 1}


async def test_a_chargeback_on_a_refunded_order_is_told_to_platform_and_merchant_with_the_amount(
    place: Workplace, ledger: Ledger, stand_in: StandIn
) -> None:
    live = await opened(place, "O-back", items=[item(quantity=1, requested=yuan(6450))])
    await paid(live)
    ledger.freeze("O-back", "CB-1", "not recognised", datetime.now(UTC))
    for party in ("platform", "merchant"):
        said = (await told(stand_in, live, party, "charged_back"))["message"]
        assert "CB-1" in said and f"6450 by {live.handle.id}/refund/1 as transfer-" in said


async def test_a_case_whose_ledger_is_away_opens_when_it_is_back(place: Workplace) -> None:
    wanted = request()
    with locked(place.settings.records_url):
        live = await place.start(RETURN, wanted, at(JUNE))
        opening = asyncio.create_task(live.when_settled())
        await waiting_activity(live)
        assert not opening.done()
        waiting = await live.status()
        assert (waiting.next.party, waiting.next.commands) == (None, ()), "nobody's move yet"
    assert (await asyncio.wait_for(opening, 60)).refund.status is RefundState.RESERVED


async def test_a_case_id_is_used_once_for_ever(place: Workplace) -> None:
    wanted = request(order_id="O-once")
    live = await place.open(RETURN, wanted, at(JUNE))
    await live.act("withdraw", *BUYER)
    await ended(live)
    again = await refused(await place.start(RETURN, wanted, at(JUNE)))
    assert [problem.code for problem in again.problems] == ["case_id_conflict"]
    with records_of(place) as kept:
        record = kept.turns.record(wanted["case_id"])
        assert record is not None and record.timeline, "the first one's record is left alone"
