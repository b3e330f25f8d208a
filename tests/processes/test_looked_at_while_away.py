"""Deadlines pass and operators look while the worker is away: what cases decide once it is back, every replay decides.

A look that has waited for the worker may reach it before the task of the deadline does. Without the guard of
`aftersale/temporal/steady_clock.py` the case then goes on by the clock of the task before.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from temporalio.bridge.proto.workflow_activation import WorkflowActivation
from temporalio.bridge.proto.workflow_completion import WorkflowActivationCompletion
from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer, UnsandboxedWorkflowRunner, WorkflowInstance

from aftersale.contract.commands import AgreeLimit
from aftersale.contract.status import Status
from aftersale.errors import AftersaleError
from aftersale.temporal.plugin import plugin
from aftersale.temporal.steady_clock import InstanceAround, RunnerAround
from aftersale.times import SECOND
from aftersale.vocabulary import Clock, CloseReason
from tests.support.cases import all_of
from tests.support.market import ACTORS, Market, market
from worker import worker
from workflows.cases.types import Return

CASES = 12
"""Without the guard more than half of them go astray."""

BETWEEN_LOOKS = 1 / 6
"""How long whoever looks at a case waits after an answer, in seconds."""


async def test_cases_whose_deadlines_pass_while_the_worker_is_away_lapse_and_replay(tmp_path: Path) -> None:
    async with market(tmp_path, working=False) as place:
        async with worker(place.client, place.settings) as hand, hand:
            due = dict(await all_of(_hurried(place) for _ in range(CASES)))
        async with _looked_at(place, list(due)):
            await asyncio.gather(*(_until_a_task_waits(place, name) for name in due))
            async with worker(place.client, place.settings) as hand, hand:
                histories = await asyncio.gather(*(_ended(place, name) for name in due))
        assert [failure for history in histories for failure in _failures(history)] == []
        records = {name: await place.record(name) for name in due}
    assert {record.close_reason for record in records.values()} == {CloseReason.NOT_SENT_BACK}
    lapses = {name: [entry.at for entry in records[name].timeline if entry.event == "Lapsed"] for name in due}
    assert lapses == {name: [respond_by + SECOND] for name, respond_by in due.items()}
    replayed = Endings()
    replayer = Replayer(workflows=[Return], plugins=[plugin(replayed)])
    for history in histories:
        await replayer.replay_workflow(history)
    assert replayed.of == {f"case/{name}": record for name, record in records.items()}


class Endings(RunnerAround):
    """Runs cases as production does, and keeps how each of them ended."""

    def __init__(self) -> None:
        super().__init__(UnsandboxedWorkflowRunner())
        self.of: dict[str, Status] = {}

    def create_instance(self, det: Any) -> WorkflowInstance:
        return _Heard(super().create_instance(det), det.info.workflow_id, self.of)


class _Heard(InstanceAround):
    def __init__(self, inner: WorkflowInstance, workflow_id: str, endings: dict[str, Status]) -> None:
        super().__init__(inner)
        self._id, self._endings = workflow_id, endings

    def activate(self, act: WorkflowActivation) -> WorkflowActivationCompletion:
        completion = super().activate(act)
        for command in completion.successful.commands:
            if command.HasField("complete_workflow_execution"):
                self._endings[self._id] = Status.model_validate_json(command.complete_workflow_execution.result.data)
        return completion


async def _hurried(place: Market) -> tuple[str, datetime]:
    """An approved return whose buyer has some seconds left, and until when."""
    case_id = await place.approved()
    hurry = AgreeLimit(actor=ACTORS["platform"], clock=Clock.BUYER_RETURN, limit="PT15S")
    due_at = (await place.cases.act(case_id, hurry)).next.respond_by
    assert due_at is not None
    return case_id, due_at


@asynccontextmanager
async def _looked_at(place: Market, names: Sequence[str]) -> AsyncIterator[None]:
    """Have somebody look at each of the cases all the time."""

    async def look(case_id: str) -> None:
        while True:
            with suppress(AftersaleError):
                await place.cases.status(case_id, live=True)
            await asyncio.sleep(BETWEEN_LOOKS)

    looking = [asyncio.create_task(look(name)) for name in names]
    try:
        yield
    finally:
        for each in looking:
            each.cancel()
        await asyncio.gather(*looking, return_exceptions=True)


async def _until_a_task_waits(place: Market, case_id: str) -> None:
    """Wait until a worker is needed, or, where the one before was slow to leave, the case is over."""
    await _history(place, case_id, "workflow_task_scheduled", "workflow_execution_completed")


async def _ended(place: Market, case_id: str) -> WorkflowHistory:
    """The history of the case once it is over, or one of its tasks has failed."""
    return await _history(place, case_id, "workflow_task_failed", "workflow_execution_completed")


async def _history(place: Market, case_id: str, *last: str) -> WorkflowHistory:
    """The history of the case once it ends with such an event."""
    handle = place.client.get_workflow_handle(f"case/{case_id}")
    async with asyncio.timeout(300):
        while True:
            history = await handle.fetch_history()
            if history.events[-1].WhichOneof("attributes") in [f"{event}_event_attributes" for event in last]:
                return history
            await asyncio.sleep(0.2)


def _failures(history: WorkflowHistory) -> list[str]:
    """What is said by the workflow tasks that failed."""
    failed = [event for event in history.events if event.HasField("workflow_task_failed_event_attributes")]
    return [event.workflow_task_failed_event_attributes.failure.message for event in failed]
