"""The server: every run under its id, the queue they share, and the client that speaks to it."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from types import SimpleNamespace
from typing import Any

from temporalio.api.common.v1 import Payload
from temporalio.bridge.proto.child_workflow import (
    ParentClosePolicy,
    StartChildWorkflowExecutionFailedCause,
)
from temporalio.bridge.proto.workflow_activation import WorkflowActivationJob
from temporalio.bridge.proto.workflow_commands import StartChildWorkflowExecution
from temporalio.client import Client
from temporalio.worker import WorkflowRunner

from simulation.chance import Chance, Fault
from simulation.loop import VirtualLoop
from simulation.temporal.activities import Activities
from simulation.temporal.instance import CONVERTER, Born, definition_of
from simulation.temporal.run import Run
from simulation.temporal.service import Service


class Server:
    """Temporal, with its workers, in one object. It must be made while its loop runs."""

    def __init__(
        self,
        workflows: Sequence[type],
        runner: WorkflowRunner,
        service: Service,
        chance: Chance,
        name: str = "run",
    ) -> None:
        """Serve these workflow types, run by `runner`; no worker does activities yet. Ids of runs begin with `name`."""
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        self.loop, self.runner, self.chance, self._name = loop, runner, chance, name
        self.runs: dict[str, Run] = {}
        self.all_runs: list[Run] = []
        self.broken: BaseException | None = None
        self._driver = asyncio.current_task()
        self._away_until = 0.0
        self._types: Mapping[str, type] = {str(definition_of(each).name): each for each in workflows}
        service.serve(self)
        self.client = connected(service)
        self.activities = Activities(self, self.client)

    @property
    def now(self) -> datetime:
        """The server's time."""
        return self.loop.now

    @property
    def settled(self) -> bool:
        """Whether nothing is in hand in any run, timers aside."""
        return all(run.settled for run in self.all_runs)

    def away(self, seconds: float) -> None:
        """Have no worker take up anything for so long."""
        self._away_until = self.loop.time() + seconds

    def delay(self) -> float:
        """Say how many seconds a task waits for a worker: mostly none, sometimes hours."""
        if self._away_until > self.loop.time():
            return self._away_until - self.loop.time()
        if self.chance.happens(Fault.AWAY):
            return self.chance.pick([2.0, 60.0, 400.0, 4000.0, 100_000.0])
        return self.moment()

    def moment(self) -> float:
        """Return a moment such as a network needs: some milliseconds."""
        return self.chance.between(0, 20) / 1000

    def start(self, type_: str, workflow_id: str, given: Sequence[Payload], first_run_id: str | None = None) -> Run:
        """Begin a run; the caller has seen to it that no other is open under the id."""
        run_id = f"{self._name}-{len(self.all_runs) + 1}"
        run = Run(self, Born(self._types[type_], workflow_id, run_id, given, self.now, first_run_id or run_id))
        self.runs[workflow_id] = run
        self.all_runs.append(run)
        return run

    def ended(self, run: Run) -> None:
        """Note that a run ended: it may go on in a new one, and its parent may wait to hear of it."""
        if run.status == "CONTINUED_AS_NEW":
            following = run.closing.continue_as_new_workflow_execution
            self.start(run.born.type, run.born.workflow_id, following.arguments, run.born.first_run_id)

    def start_child(self, parent: Run, wanted: StartChildWorkflowExecution) -> None:
        """Start a child that outlives its parent; where its id is taken, the parent learns that."""
        assert wanted.parent_close_policy == ParentClosePolicy.PARENT_CLOSE_POLICY_ABANDON, "only such are simulated"
        job = WorkflowActivationJob()
        told = job.resolve_child_workflow_execution_start
        told.seq = wanted.seq
        known = self.runs.get(wanted.workflow_id)
        if known is not None and known.open:
            taken = StartChildWorkflowExecutionFailedCause
            told.failed.workflow_id, told.failed.workflow_type = wanted.workflow_id, wanted.workflow_type
            told.failed.cause = taken.START_CHILD_WORKFLOW_EXECUTION_FAILED_CAUSE_WORKFLOW_ALREADY_EXISTS
        else:
            told.succeeded.run_id = self.start(wanted.workflow_type, wanted.workflow_id, wanted.input).born.run_id
        parent.post(job)

    def broke(self, error: BaseException) -> None:
        """Keep the first thing that must never happen, and stop whoever drives the simulation, who raises it."""
        self.broken = self.broken or error
        if self._driver is not None:
            self._driver.cancel()

    def check(self) -> None:
        """Raise what must never happen, if it did."""
        if self.broken is not None:
            raise self.broken

    async def settle(self, within: float = 3600.0) -> None:
        """Wait until nothing is in hand, timers aside; so many virtual seconds at most."""
        until = self.loop.time() + within
        while not self.settled and self.loop.time() < until:
            self.check()
            await self.loop.next_event()
        self.check()


def connected(service: Any) -> Client:
    """Return the SDK's own client, connected to this service."""
    connection: Any = _Connection(service)
    return Client(connection, data_converter=CONVERTER)


class _Connection:
    """What the SDK's client expects of a connection."""

    def __init__(self, service: Any) -> None:
        self.workflow_service = service
        self.config = SimpleNamespace(identity="simulation", lazy=False)
