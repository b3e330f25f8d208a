"""Workflows on calendars of their own: for each date that a workflow is started on, a server whose time begins there.

`Calendars` is what a client speaks to; it finds the server by the workflow's id. Time passes on a calendar only where
it is moved, and while something on it is in hand that is waited for: then as slowly as in a real workplace.
"""

import asyncio
import json
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from typing import Any, TypeVar

from temporalio.api.workflowservice import v1
from temporalio.service import RPCError, RPCStatusCode
from temporalio.worker import UnsandboxedWorkflowRunner

from simulation.chance import Calm
from simulation.loop import VirtualLoop, outside_any_loop
from simulation.temporal.activities import Hand
from simulation.temporal.run import Run
from simulation.temporal.server import Server
from simulation.temporal.service import Service
from trial.virtual_time import TEST_CLOCK, TEST_LEAP
from worker import WORKFLOWS

T = TypeVar("T")

_MOMENT = 0.5
"""How many seconds pass on a calendar each time that somebody looks whether what is in hand is done."""


class Calendar:
    """A server, and the loop on whose time it lives."""

    def __init__(self, begins: datetime, hand: Hand, name: str) -> None:
        """Begin at an instant, with this worker at work."""
        self._loop = VirtualLoop(begins.astimezone(UTC))
        self.service = Service()

        async def opened() -> Server:
            return Server(WORKFLOWS, UnsandboxedWorkflowRunner(), self.service, Calm(), name)

        self.server = self.do(opened())
        self.server.activities.hands = [hand]

    @property
    def is_new(self) -> bool:
        """Whether nothing has been started on it yet: what is to be, is on its way."""
        return not self.server.all_runs

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        """Do it at once, whatever loop runs around. Raises what must never happen, if it did."""
        with outside_any_loop():
            done = self._loop.run_until_complete(work)
        if hasattr(self, "server"):
            self.server.check()
        return done

    async def answered(self, call: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Return what a call is answered, from the loop around; calls that are sent at once come together."""
        asked = self._loop.create_task(call())
        try:
            await asyncio.sleep(0)
            while True:
                self.do(self._wait_for(asked))
                if asked.done():
                    return asked.result()
                await asyncio.sleep(_PAUSE)
        finally:
            asked.cancel()

    async def _wait_for(self, asked: "asyncio.Task[Any]") -> None:
        await asyncio.wait({asked}, timeout=_MOMENT)

    def settle(self) -> None:
        """Do what is in hand, or as much of it as a moment lets."""
        self.do(self._settled())

    async def _settled(self) -> None:
        until = self._loop.time() + _MOMENT
        await self._loop.at_once()
        while not self.server.settled and self._loop.time() < until:
            await self._next_event(until)

    def pass_on(self, run: Run, seconds: float) -> bool:
        """Let so many seconds pass, or fewer where the run ends before; whether it is open then."""
        self.settle()
        self.do(self._passed(run, self._loop.time() + seconds))
        self.settle()
        return run.open

    async def _passed(self, run: Run, until: float) -> None:
        while run.open and self._loop.time() < until:
            await self._next_event(until)

    async def _next_event(self, latest: float) -> None:
        self.server.check()
        await self._loop.next_event(latest)
        await self._loop.at_once()

    def finish(self) -> None:
        """Close it. Every run replays from its history. Raises what must never happen, if it did."""
        try:
            self.settle()
            for run in self.server.all_runs:
                for together in (True, False):
                    instance, _ = run.history.replay(self.server.runner, together=together)
                    instance.evict()
                run.evict()
        finally:
            with outside_any_loop():
                self._loop.finish()


_PAUSE = 0.01
"""How many real seconds lie between two looks."""


class Calendars:
    """The workflow service over all calendars."""

    def __init__(self, hand: Hand) -> None:
        """Begin without any; `hand` is the worker of each."""
        self._hand = hand
        self._all: list[Calendar] = []
        self._begun: dict[str, Calendar] = {}

    def of(self, workflow_id: str) -> Calendar:
        """Return the calendar that the workflow lives on. Raises RPCError where no such workflow was started."""
        found = self._find(workflow_id)
        if found is None:
            raise RPCError(f"no workflow {workflow_id}", RPCStatusCode.NOT_FOUND, b"")
        return found

    def settle(self) -> None:
        """Do what is in hand anywhere."""
        for calendar in self._all:
            calendar.settle()

    async def go_on(self) -> None:
        """Have what is in hand go on while nobody asks for it, as it does with workers at work."""
        while True:
            await asyncio.sleep(_PAUSE)
            self.settle()

    def finish(self) -> None:
        """Close all of them, though one has what must never happen."""
        broken: list[BaseException] = []
        for calendar in self._all:
            try:
                calendar.finish()
            except BaseException as error:
                broken.append(error)
        if broken:
            raise broken[0]

    def _find(self, workflow_id: str) -> Calendar | None:
        started = next((each for each in reversed(self._all) if workflow_id in each.server.runs), None)
        return started or self._begun.get(workflow_id)

    def _for(self, wanted: v1.StartWorkflowExecutionRequest) -> Calendar:
        """Return the calendar that a start is for: of the run that stands in its way, or else a new one."""
        known = self._find(wanted.workflow_id)
        if known is not None and (known.is_new or not known.service.may_start(wanted)):
            return known
        told = wanted.memo.fields
        assert TEST_LEAP not in told, "no simulated calendar leaps; a test that has one leap is on the server"
        begins = datetime.fromisoformat(json.loads(told[TEST_CLOCK].data)) if TEST_CLOCK in told else datetime.now(UTC)
        self._all.append(Calendar(begins, self._hand, f"run-{len(self._all) + 1}"))
        self._begun[wanted.workflow_id] = self._all[-1]
        return self._all[-1]

    # The calls

    async def start_workflow_execution(
        self, wanted: v1.StartWorkflowExecutionRequest, **_: Any
    ) -> v1.StartWorkflowExecutionResponse:
        """Start a run on a calendar of its own."""
        calendar = self._for(wanted)
        return await calendar.answered(lambda: calendar.service.start_workflow_execution(wanted))

    async def execute_multi_operation(
        self, wanted: v1.ExecuteMultiOperationRequest, **_: Any
    ) -> v1.ExecuteMultiOperationResponse:
        """Start a run on a calendar of its own with an update."""
        calendar = self._for(wanted.operations[0].start_workflow)
        return await calendar.answered(lambda: calendar.service.execute_multi_operation(wanted))

    async def update_workflow_execution(
        self, wanted: v1.UpdateWorkflowExecutionRequest, **_: Any
    ) -> v1.UpdateWorkflowExecutionResponse:
        """Send an update."""
        calendar = self.of(wanted.workflow_execution.workflow_id)
        return await calendar.answered(lambda: calendar.service.update_workflow_execution(wanted))

    async def poll_workflow_execution_update(
        self, wanted: v1.PollWorkflowExecutionUpdateRequest, **_: Any
    ) -> v1.PollWorkflowExecutionUpdateResponse:
        """Answer with how an update ended."""
        calendar = self.of(wanted.update_ref.workflow_execution.workflow_id)
        return await calendar.answered(lambda: calendar.service.poll_workflow_execution_update(wanted))

    async def signal_workflow_execution(
        self, wanted: v1.SignalWorkflowExecutionRequest, **_: Any
    ) -> v1.SignalWorkflowExecutionResponse:
        """Send a signal."""
        calendar = self.of(wanted.workflow_execution.workflow_id)
        return await calendar.answered(lambda: calendar.service.signal_workflow_execution(wanted))

    async def request_cancel_workflow_execution(
        self, wanted: v1.RequestCancelWorkflowExecutionRequest, **_: Any
    ) -> v1.RequestCancelWorkflowExecutionResponse:
        """Ask a run to end."""
        calendar = self.of(wanted.workflow_execution.workflow_id)
        return await calendar.answered(lambda: calendar.service.request_cancel_workflow_execution(wanted))

    async def query_workflow(self, wanted: v1.QueryWorkflowRequest, **_: Any) -> v1.QueryWorkflowResponse:
        """Have a worker answer a query once what is in hand is done."""
        calendar = self.of(wanted.execution.workflow_id)
        calendar.settle()
        return await calendar.answered(lambda: calendar.service.query_workflow(wanted))

    async def describe_workflow_execution(
        self, wanted: v1.DescribeWorkflowExecutionRequest, **_: Any
    ) -> v1.DescribeWorkflowExecutionResponse:
        """Tell how a run stands once what is in hand is done."""
        calendar = self.of(wanted.execution.workflow_id)
        calendar.settle()
        return await calendar.answered(lambda: calendar.service.describe_workflow_execution(wanted))

    async def get_workflow_execution_history(
        self, wanted: v1.GetWorkflowExecutionHistoryRequest, **_: Any
    ) -> v1.GetWorkflowExecutionHistoryResponse:
        """Give the first event of a run, or wait for its last: for that no calendar is moved."""
        calendar = self.of(wanted.execution.workflow_id)
        calendar.settle()
        while wanted.wait_new_event and calendar.server.runs[wanted.execution.workflow_id].open:
            await asyncio.sleep(_PAUSE)
            calendar.settle()
        return await calendar.answered(lambda: calendar.service.get_workflow_execution_history(wanted))
