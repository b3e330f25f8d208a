"""The part of a reconciliation about cases: what becomes of each, by how Temporal has it."""

from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest
from temporalio.testing import ActivityEnvironment

from activities import present
from activities.reconciliation import Reconciling
from aftersale.contract.status import Status
from aftersale.reconciliation.discrepancies import Reconciled, ReconciliationPart
from aftersale.reconciliation.judgement import OVERDUE, QUIET, Execution, ExecutionState, StuckWorkflow
from aftersale.records import Records
from aftersale.vocabulary import CloseReason, DiscrepancyKind, Outcome, State
from tests.support.bookkeeping import claim, hold
from tests.support.drawing import DUE, NOW, entry, status, turn

LATER = DUE + OVERDUE
TERMINATED = Execution(ExecutionState.TERMINATED, "run-1", LATER - QUIET, "was terminated")
COMPLETED = Execution(ExecutionState.COMPLETED, "run-1", LATER - QUIET)
UNKNOWN = Execution(ExecutionState.UNKNOWN)


class Server:
    """Temporal: the cases that it lists as running, how it has the others, and the workflows that are stuck."""

    def __init__(
        self, listed: set[str], others: Mapping[str, Execution], stuck: tuple[StuckWorkflow, ...] = ()
    ) -> None:
        self.listed, self.others, self.told = listed, others, stuck

    async def running_cases(self) -> set[str]:
        return self.listed

    async def of_case(self, case_id: str) -> Execution:
        return self.others[case_id]

    async def end_of(self, case_id: str, run_id: str) -> Status:
        return status(case_id, final=True, timeline=(entry("opened"), entry("paid")))

    async def stuck(self) -> AsyncIterator[StuckWorkflow]:
        for each in self.told:
            yield each


async def reconciled(kept: Records, server: Server) -> Reconciled:
    """What the part comes to an hour after the cases here were due."""
    nobody: Any = None
    reconciling = Reconciling(nobody, kept, None)
    reconciling._executions = server  # type: ignore[assignment]
    with present.read_from(lambda: LATER):
        found: Reconciled = await ActivityEnvironment().run(reconciling.reconcile, ReconciliationPart.CASES)
    return found


@pytest.fixture
def opened(kept: Records) -> Records:
    """C-1, open by the records, whose money is held."""
    hold(kept.ledger, claim("C-1"))
    kept.turns.write([turn("C-1", 1, "opened")], now=NOW)
    return kept


def kinds(kept: Records) -> dict[str, DiscrepancyKind]:
    """What does not agree now, by what it is about."""
    return {each.subject: each.kind for each in kept.reconciliation.open_discrepancies()}


def holds(kept: Records, case_id: str) -> bool:
    """Whether the case still reserves something of its order."""
    books = kept.ledger.order_books("O-1")
    assert books is not None
    return any(each.closed_at is None for each in books.cases if each.case_id == case_id)


async def test_a_case_that_runs_and_is_late_is_told_and_left_alone(opened: Records) -> None:
    assert await reconciled(opened, Server({"C-1"}, {})) == Reconciled(found=1, new=1)
    assert kinds(opened) == {"C-1": DiscrepancyKind.CASE_OVERDUE}
    assert opened.cases.is_running("C-1") and holds(opened, "C-1")


async def test_a_case_whose_task_fails_is_told_as_stuck_and_not_as_late_too(opened: Records) -> None:
    stuck = StuckWorkflow("case/C-1", 7, NOW)
    assert (await reconciled(opened, Server({"C-1"}, {}, (stuck,)))).found == 1
    assert kinds(opened) == {"case/C-1": DiscrepancyKind.WORKFLOW_STUCK}


async def test_a_case_that_the_list_lacks_and_the_server_runs_is_left_alone(opened: Records) -> None:
    """A list of the server's lags behind what it runs."""
    running = Server(set(), {"C-1": Execution(ExecutionState.RUNNING)})
    assert await reconciled(opened, running) == Reconciled()
    assert opened.cases.is_running("C-1")


async def test_a_case_that_ends_while_the_server_is_asked_is_left_alone(opened: Records) -> None:
    class Ending(Server):
        async def of_case(self, case_id: str) -> Execution:
            opened.turns.write([turn(case_id, 2, final=True)], now=NOW)
            return await super().of_case(case_id)

    assert await reconciled(opened, Ending(set(), {"C-1": COMPLETED})) == Reconciled()


async def test_a_terminated_case_is_closed_once(opened: Records) -> None:
    server = Server(set(), {"C-1": TERMINATED})
    assert await reconciled(opened, server) == Reconciled(found=1, new=1, closed=1)
    record = opened.turns.record("C-1")
    assert record is not None and (record.state, record.close_reason) == (State.CLOSED, CloseReason.TERMINATED)
    assert not holds(opened, "C-1")
    assert await reconciled(opened, server) == Reconciled()
    assert kinds(opened) == {}


async def test_a_case_that_temporal_does_not_know_keeps_its_record_and_its_money(opened: Records) -> None:
    assert await reconciled(opened, Server(set(), {"C-1": UNKNOWN})) == Reconciled(found=1, new=1)
    assert opened.cases.is_running("C-1") and holds(opened, "C-1")


async def test_the_end_of_a_completed_case_is_taken_over_and_its_money_stays(opened: Records) -> None:
    assert (await reconciled(opened, Server(set(), {"C-1": COMPLETED}))).closed == 1
    record = opened.turns.record("C-1")
    assert record is not None and record.outcome is Outcome.REFUNDED
    assert [each.says for each in record.timeline] == ["C-1 1: opened", "paid"]
    assert holds(opened, "C-1")


async def test_what_a_case_holds_that_ended_before_its_first_turn_is_released(kept: Records) -> None:
    hold(kept.ledger, claim("C-1"))
    assert (await reconciled(kept, Server(set(), {"C-1": TERMINATED}))).found == 1
    assert not holds(kept, "C-1")
    assert await reconciled(kept, Server(set(), {})) == Reconciled()
