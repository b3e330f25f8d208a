"""A case that is terminated wherever its course has brought it: a reconciliation closes it, and the books hold."""

import asyncio
from datetime import timedelta

from temporalio.client import WorkflowHandle

from aftersale.reconciliation.discrepancies import RECONCILIATION, RECONCILIATION_ID, Reconciled
from aftersale.temporal.plugin import TASK_QUEUE
from aftersale.vocabulary import CloseReason, DiscrepancyKind, MessageEvent
from simulation.courses import checks
from simulation.courses.case import CaseCourse
from simulation.courses.course import PATIENCE
from simulation.house import World

_LATER = timedelta(hours=2)
"""How long after the end is reconciled."""

_UNDER_WAY = "SELECT 1 FROM instructions WHERE state = 'processing'"

_TRIES = 20
"""How often is reconciled where workers are away: each time looks at what the others could not."""


async def until_money_moves(world: World, case: CaseCourse) -> bool:
    """Bring a case towards its end as far as the first instruction that is under way; whether it is open there."""
    ending = asyncio.create_task(case.end())
    while not ending.done() and not world.house.records.rows(_UNDER_WAY):
        await world.loop.next_round()
    if ending.done():
        await ending
    ending.cancel()
    await asyncio.gather(ending, return_exceptions=True)  # a call that was under way says so in its own way
    return case.run.open


async def terminate(world: World, case: CaseCourse) -> None:
    """End a case as no operator should, have it reconciled, and hold what is left against the rules."""
    case.say("it is terminated")
    case_id = case.asked["case_id"]
    case.run.end("TERMINATED")
    await world.server.settle(PATIENCE.total_seconds())
    await asyncio.sleep(_LATER.total_seconds())
    first = await reconciled(world)
    case.say(f"it is reconciled: {first.found} discrepancies, {first.closed} cases closed")
    record = world.house.records.turns.record(case_id)
    if record is None:  # it ended before its first turn was written; what it held is free again
        checks.of_no_money(world, case_id)
        return
    with checks.holding("a case that Temporal ended is closed"):
        assert record.is_final and record.next.party is None, f"it stands in {record.state}"
        assert record.close_reason in (CloseReason.TERMINATED, None) or not first.closed, record.close_reason
    checks.of_the_turns(world, record)
    checks.of_no_money(world, case_id)
    _told_of(world, case_id, first)
    again = await reconciled(world)
    with checks.holding("a discrepancy is told once"):
        assert (again.new, again.closed) == (0, 0), f"{again} when nothing had happened since"


def _told_of(world: World, case_id: str, came_to: Reconciled) -> None:
    """Hold what the platform was told against the books: whatever is wrong with them is a refund nobody decided."""
    found = world.house.records.reconciliation.open_discrepancies()
    undecided = {each.subject for each in found if each.kind is DiscrepancyKind.REFUND_UNDECIDED}
    with checks.holding("the ledger finds its books in order, and as the provider states them"):
        wrong = [each.says for each in checks.differences(world) if each.key not in undecided]
        assert not wrong, "; ".join(wrong)
    with checks.holding("the platform is alerted to what a reconciliation finds"):
        query = "SELECT count(*) FROM outbox WHERE event = ? AND case_id = ?"
        [(alerts,)] = world.house.records.rows(query, MessageEvent.DISCREPANCY.value, case_id)
        assert not came_to.closed or alerts, f"{case_id} was closed, and nobody was told"


async def reconciled(world: World) -> Reconciled:
    """Say what a reconciliation came to once every part of it had an answer."""
    sum_ = Reconciled()
    for _ in range(_TRIES):
        handle: WorkflowHandle[object, Reconciled] = await world.server.client.start_workflow(
            RECONCILIATION, id=RECONCILIATION_ID, task_queue=TASK_QUEUE, result_type=Reconciled
        )
        found = await handle.result()
        sum_ = Reconciled(found=found.found, new=sum_.new + found.new, closed=sum_.closed + found.closed)
        if not found.unanswered:
            return sum_
    raise checks.Broken("whatever is asked is answered in the end", f"{found.unanswered}")
