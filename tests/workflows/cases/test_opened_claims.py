"""Claims that open by themselves: where the policy prices a late dispatch or an unsent replacement, and only there."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import pytest
from temporalio.client import WorkflowExecutionStatus
from temporalio.service import RPCError

from aftersale.client import Cases
from aftersale.contract.status import Status
from aftersale.errors import CaseNotFound
from aftersale.times import SECOND
from aftersale.vocabulary import CaseKind, ClaimType, CloseReason, Outcome, State
from tests.support.cases import MERCHANT, at, entries, entry, quiet, request, stamp, working
from tests.support.cases import seen as shown
from tests.support.offers import priced
from tests.support.shipments import click, ended, paid, seen, shipment
from trial import virtual_time
from trial.environment import Live, Workplace
from trial.watches import LiveWatch, watch

JUNE, LATE = "2024-06-03 10:00:00", "2024-06-05 10:00:00"
BOOK = priced(ClaimType.LATE_DISPATCH, ClaimType.NON_PERFORMANCE, base="paid", rate=1_000)


@pytest.fixture(scope="module")
async def tenth(ground: Workplace) -> AsyncIterator[Workplace]:
    """A workplace whose book gives a tenth of what was paid."""
    async with working(ground, BOOK):
        yield ground


async def claim(place: Workplace, case_id: str) -> Live:
    """The claim, once it is open; fails without it."""
    live = Live(place.env, place.client.get_workflow_handle(f"case/{case_id}", result_type=Status))
    async with asyncio.timeout(60):
        while True:
            with suppress(RPCError):
                if (await live.handle.describe()).status is not WorkflowExecutionStatus.RUNNING:
                    return live
                await live.update("open", {})
                return live
            await asyncio.sleep(0.05)


async def shown_claim(live: LiveWatch) -> None:
    """Wait until the watch says that its claim is open."""
    async with asyncio.timeout(60):
        while not any(entry.event == "ClaimOpened" for entry in (await live.status()).timeline):
            await asyncio.sleep(0.02)


async def claim_withdrawn(place: Workplace, case_id: str) -> None:
    """The buyer takes the claim back, unless that is done."""
    with suppress(RPCError):
        await (await claim(place, case_id)).act("withdraw", "buyer", "B-5")


async def breached(place: Workplace, **changes: Any) -> LiveWatch:
    """A watch whose shipment did not leave in time; everything that follows from it is done."""
    live = await paid(place, JUNE, **changes)
    await live.until(at(LATE) + 2 * SECOND)
    await seen(live, "dispatch")
    await quiet(live)
    return live


async def test_a_late_dispatch_opens_the_claim_that_the_policy_prices(tenth: Workplace) -> None:
    live = await breached(tenth)
    status = await live.status()
    shipment_id = status.shipment_id
    assert (await seen(live, "dispatch")).claim_case_id == f"{shipment_id}.late"
    case = await claim(tenth, f"{shipment_id}.late")
    found = await case.status()
    assert (found.kind, found.state, found.refund.amount_minor) == (
        CaseKind.CLAIM,
        State.AWAITING_CLAIM_REVIEW,
        1290,
    )
    await virtual_time.advance(tenth.env, case.handle, at("2024-06-07 10:00:05"))
    final = await asyncio.wait_for(case.handle.result(), 60)
    assert (final.outcome, final.refund.amount_minor) == (Outcome.COMPENSATED, 1290)
    assert "borne by merchant" in entry(final, "Granted").says


async def test_nothing_opens_where_the_policy_leaves_the_price_unset(place: Workplace) -> None:
    live = await breached(place)
    status = await live.status()
    assert status.violations[0].claim_case_id is None and not [e for e in status.timeline if e.event == "ClaimOpened"]
    with pytest.raises(CaseNotFound):
        await Cases(place.client).status(f"{status.shipment_id}.late", live=True)


async def test_goods_that_leave_in_time_open_nothing(tenth: Workplace) -> None:
    live = await paid(tenth, JUNE)
    await click(live, JUNE)
    await live.until(at(LATE) + 2 * SECOND)
    assert not any(found.claim_case_id for found in (await live.status()).violations)


async def test_a_claim_that_was_opened_already_stays_the_only_one_though_it_is_over(tenth: Workplace) -> None:
    given = shipment(JUNE)
    case_id = f"{given['shipment_id']}.late"
    for _ in range(2):  # an operator starts the watch again
        live = await watch(tenth, given, at(JUNE))
        await live.until(at(LATE) + 2 * SECOND)
        await shown_claim(live)
        await claim_withdrawn(tenth, case_id)
        await live.act("cancel_order", "system", "orders")
        await ended(live)
    handle = tenth.client.get_workflow_handle(f"case/{case_id}")
    runs = [each async for each in tenth.client.list_workflows(f"WorkflowId = '{handle.id}'")]
    assert len(runs) == 1


async def test_a_replacement_that_is_not_sent_opens_the_claim_that_the_policy_prices(tenth: Workplace) -> None:
    half = [{"order_line_id": "L1", "quantity": 1, "requested": {"amount_minor": 6450, "currency": "CNY"}}]
    live = await tenth.open(CaseKind.RESHIP, request(items=half), at(JUNE))
    await live.act("approve", *MERCHANT, occurred_at=stamp(JUNE))
    await live.until(at(LATE) + 2 * SECOND)
    status = await shown(live, lambda status: bool(entries(status, "ClaimOpened")))
    case_id = f"{status.case_id}.unsent"
    assert entry(status, "ClaimOpened").says.startswith(f"non-performance claim {case_id} was opened")
    found = await (await claim(tenth, case_id)).status()
    assert (found.state, found.refund.amount_minor) == (State.AWAITING_CLAIM_REVIEW, 645)
    await live.act("amend", "buyer", "B-5", kind="refund")
    assert (await asyncio.wait_for(live.handle.result(), 60)).outcome is Outcome.REFUNDED


async def test_a_claim_beyond_what_is_left_of_the_order_is_refused_and_says_why(tenth: Workplace) -> None:
    live = await tenth.open(CaseKind.RESHIP, request(), at(JUNE))
    await live.act("approve", *MERCHANT, occurred_at=stamp(JUNE))
    await live.until(at(LATE) + 2 * SECOND)
    status = await shown(live, lambda status: bool(entries(status, "ClaimOpened")))
    handle = tenth.client.get_workflow_handle(f"case/{status.case_id}.unsent", result_type=Status)
    refused = await asyncio.wait_for(handle.result(), 60)
    assert refused.close_reason is CloseReason.REFUSED and refused.problems[0].code == "ceiling"


async def test_an_unsent_replacement_opens_nothing_where_the_price_is_unset(place: Workplace) -> None:
    live = await place.open(CaseKind.RESHIP, request(), at(JUNE))
    await live.act("approve", *MERCHANT, occurred_at=stamp(JUNE))
    await live.until(at(LATE) + 2 * SECOND)
    await shown(live, lambda status: bool(entries(status, "Breached")))
    await quiet(live)
    assert not entries(await live.status(), "ClaimOpened")
