"""The cost of a case on the engine, counted from its history: the budget that the records must keep within."""

import asyncio

from aftersale.client import Cases
from aftersale.contract.commands import Approve, ParcelEvent
from aftersale.times import floor
from aftersale.vocabulary import CaseKind, Clock, Outcome
from bench.cost import Cost, cost
from tests.support.cases import request
from tests.support.market import ACTORS, confirm_receipt, ship_back
from trial.environment import Workplace

MOST = Cost(events=65, size=40_000, tasks=7, actions=25)
"""For a return that is approved, sent back, signed off, taken in and paid, with a message at every turn.

Five events, a task and an action of it are the reservation of its money, which waits for the database.
"""


async def test_a_happy_return_costs_no_more_than_its_budget(place: Workplace) -> None:
    cases, wanted = Cases(place.client), request()
    case_id = wanted["case_id"]
    with place.env.with_time_skipping_disabled():
        await cases.open(CaseKind.RETURN, wanted)
    await cases.act(case_id, Approve(actor=ACTORS["merchant"]))
    shipped = (await cases.act(case_id, ship_back())).timeline[-1].at
    sign_off = {"event_id": "s", "leg": "return", "tracking_no": "SF1", "event": "signed_for"}
    await cases.scan(case_id, ParcelEvent.model_validate({**sign_off, "occurred_at": floor(shipped)}))
    await _inspected(cases, case_id)
    await cases.act(case_id, confirm_receipt())
    handle = place.client.get_workflow_handle(f"case/{case_id}")
    await handle.result()
    assert (await cases.status(case_id, live=True)).outcome is Outcome.REFUNDED
    spent = cost(await handle.fetch_history())
    over = {name: (have, most) for name, have, most in zip(Cost._fields, spent, MOST, strict=True) if have > most}
    assert not over, f"spent {spent}"


async def _inspected(cases: Cases, case_id: str) -> None:
    """Wait until the sign-off has had a task of its own, so that the count is the same every time."""
    async with asyncio.timeout(60):
        while Clock.MERCHANT_INSPECTION not in (
            view.clock for view in (await cases.status(case_id, live=True)).deadlines
        ):
            await asyncio.sleep(0.02)
