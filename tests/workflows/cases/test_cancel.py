"""An operator cancels a case in the Temporal UI: it ends tidily wherever it stands; money under way is waited for."""

import asyncio

import pytest
from temporalio.api.enums.v1 import EventType, PendingActivityState

from aftersale.vocabulary import CaseKind, CloseReason, MessageEvent, Outcome, RefundState, State
from tests.support.cases import (
    MERCHANT,
    PLATFORM,
    approved,
    at,
    ended,
    opened,
    rejected,
    seen,
    sent_back,
    signed_off,
    told,
)
from tests.support.cases import request as wanted
from tests.support.outages import locked
from tests.support.places import records_of
from tests.support.platform_fixtures import StandIn, until
from trial.environment import Live, Workplace

RETURN = CaseKind.RETURN
JUNE = "2024-06-03 10:00:00"


@pytest.mark.parametrize("stage", [opened, approved, sent_back, signed_off, rejected], ids=lambda stage: stage.__name__)
async def test_a_cancelled_case_closes_tells_both_sides_and_gives_back_what_it_had_reserved(
    place: Workplace, stand_in: StandIn, stage: object
) -> None:
    assert callable(stage)
    live = await stage(place, JUNE)
    await live.handle.cancel()
    final = await ended(live)
    assert (final.state, final.close_reason) == (State.CLOSED, CloseReason.CANCELLED)
    assert final.refund.status is RefundState.NONE
    assert (await told(stand_in, live, "buyer", MessageEvent.CASE_CLOSED))["says"] == "cancelled 平台取消"
    assert (await told(stand_in, live, "merchant", MessageEvent.CASE_CLOSED))["says"] == "cancelled 平台取消"
    with records_of(place) as kept:
        assert kept.ledger.check() == []
        assert kept.turns.record(final.case_id) == final


async def taken_in(live: Live) -> None:
    """Wait until the case has handled its cancellation."""
    async with asyncio.timeout(60):
        while True:
            kinds = [event.event_type async for event in live.handle.fetch_history_events()]
            asked = kinds.index(EventType.EVENT_TYPE_WORKFLOW_EXECUTION_CANCEL_REQUESTED)
            if EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED in kinds[asked:]:
                return
            await asyncio.sleep(0.02)


async def under_way(live: Live) -> None:
    """Wait until an activity of the case is in a worker's hands."""
    async with asyncio.timeout(60):
        while not any(
            found.state == PendingActivityState.PENDING_ACTIVITY_STATE_STARTED
            for found in (await live.handle.describe()).raw_description.pending_activities
        ):
            await asyncio.sleep(0.02)


async def test_a_case_on_hold_can_be_cancelled(place: Workplace) -> None:
    live = await opened(place, JUNE)
    await live.act("hold", *PLATFORM)
    await live.handle.cancel()
    assert (await ended(live)).close_reason is CloseReason.CANCELLED


async def test_a_refund_under_way_is_waited_for_and_counts(place: Workplace, stand_in: StandIn) -> None:
    live = await sent_back(place, JUNE)
    await stand_in.arm("hold", key=live.handle.id)
    await live.act("confirm_receipt", *MERCHANT)
    await until(stand_in.holding, [f"{live.handle.id}/refund/1"])
    await live.handle.cancel()
    await taken_in(live)
    assert (await live.status()).state is State.REFUNDING
    await stand_in.http.post("/faults/release")
    assert (await ended(live)).outcome is Outcome.REFUNDED


async def test_a_refund_that_is_declined_meanwhile_closes_the_cancelled_case(
    place: Workplace, stand_in: StandIn
) -> None:
    live = await sent_back(place, JUNE)
    await stand_in.arm("decline", key=live.handle.id)
    await live.act("confirm_receipt", *MERCHANT)
    await seen(live, lambda status: status.state is State.REFUND_FAILED)
    await live.handle.cancel()
    assert (await ended(live)).close_reason is CloseReason.CANCELLED


async def test_a_case_cancelled_before_it_could_open_reserves_nothing_for_good(place: Workplace) -> None:
    order = wanted(order_id="O-cancelled")
    with locked(place.settings.records_url):
        live = await place.start(RETURN, order, at(JUNE))
        await under_way(live)
        await live.handle.cancel()
    assert (await ended(live)).close_reason is CloseReason.CANCELLED
    again = await place.open(RETURN, wanted(order_id="O-cancelled"), at(JUNE))
    assert (await again.status()).state is State.AWAITING_MERCHANT_REVIEW
