"""One run of a workflow: what waits for it, its workflow tasks from beginning to end, and what they set going."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from temporalio.api.failure.v1 import Failure
from temporalio.api.update.v1 import Outcome
from temporalio.bridge.proto.workflow_activation import WorkflowActivationJob
from temporalio.bridge.proto.workflow_commands import WorkflowCommand

from simulation.chance import Fault
from simulation.temporal.history import EVENTS_OF_A_TASK, History, WorkflowTask, cancelled, resolution
from simulation.temporal.instance import Born, Instance, RanAhead
from simulation.temporal.underway import Underway, Update

if TYPE_CHECKING:
    from simulation.temporal.server import Server

TASK_TIMEOUT = timedelta(seconds=10)
"""After so long the server gives a workflow task to another worker."""

_ENDS = {
    "complete_workflow_execution": "COMPLETED",
    "fail_workflow_execution": "FAILED",
    "cancel_workflow_execution": "CANCELED",
    "continue_as_new_workflow_execution": "CONTINUED_AS_NEW",
}


class Overlap(AssertionError):
    """Two local activities in hand at once: what follows from their answers depends on the order in which they come."""


class _Abandoned(Exception):
    """An attempt at a workflow task came to nothing."""


@dataclass
class Attempt:
    """One attempt at a workflow task: what came of it so far; nothing of it counts before it is completed."""

    task: WorkflowTask
    accepted: set[str] = field(default_factory=set)
    refused: dict[str, Failure] = field(default_factory=dict)


class Run:
    """One run. It is worked by a coroutine of its own, one task after the other."""

    def __init__(self, server: "Server", born: Born) -> None:
        """Begin: the first task is due."""
        self.server, self.born, self.history = server, born, History(born)
        self.status = "RUNNING"
        self.closing = WorkflowCommand()
        self.closed: asyncio.Future[None] = asyncio.Future()
        self.closed_at: datetime | None = None
        self.children: dict[int, str] = {}
        self.underway = Underway(self, born.first_job())
        self._came = asyncio.Event()
        self._came.set()
        self._instance: Instance | None = None
        self._locals: dict[int, asyncio.Task[None]] = {}
        self._answered: dict[int, WorkflowActivationJob] = {}
        self._heard = asyncio.Event()
        self._one_at_a_time = asyncio.Lock()
        self._working = asyncio.create_task(self._work())

    @property
    def open(self) -> bool:
        """Whether it has not ended."""
        return self.status == "RUNNING"

    @property
    def settled(self) -> bool:
        """Whether nothing of it is in hand, timers aside: no task, no activity, nothing that came."""
        return not self.open or not (self.underway.busy or self._locals or self._one_at_a_time.locked())

    @property
    def midway(self) -> bool:
        """Whether it waits for the house, within a task or after it: what it shows until then is half done."""
        asked = {"quote", "terms", "admit"}
        return self.open and (bool(self._locals) or self.underway.awaits(asked))

    def post(self, job: WorkflowActivationJob) -> None:
        """Have the next task bring this; a run that has ended takes nothing more."""
        if self.open:
            self.underway.mailbox.append(job)
            self._came.set()

    def update(self, update_id: str, job: WorkflowActivationJob) -> Update:
        """Send an update; one that was sent before, whatever it says now, is answered as it was then."""
        known = self.underway.updates.get(update_id)
        if known is None:
            self.underway.updates[update_id] = known = Update()
            self.post(job)
        return known

    async def query(self, job: WorkflowActivationJob) -> WorkflowCommand:
        """Ask between two tasks; a run that no worker has in memory is replayed first. Raises Diverged."""
        while not self.history.tasks:
            await asyncio.sleep(1)  # a run that has not begun yet has nothing to say
        async with self._one_at_a_time:
            instance = self._held()
            (answer,) = instance.activate(
                self.server.now, [job], self.history.length, self.history.size, replaying=True
            )
            return answer

    def evict(self) -> None:
        """Let the workflow object go."""
        if self._instance is not None:
            held, self._instance = self._instance, None
            held.evict()

    def end(self, status: str) -> None:
        """Nothing more is done; whoever still waits for an update learns that the run is over."""
        self.status, self.closed_at = status, self.server.now
        self.underway.end()
        if not self.closed.done():
            self.closed.set_result(None)

    # Workflow tasks

    async def _work(self) -> None:
        try:
            while self.open:
                await self._came.wait()
                await asyncio.sleep(self.server.delay())
                async with self._one_at_a_time:
                    await self._task()
        except BaseException as error:
            if not isinstance(error, asyncio.CancelledError):
                self.server.broke(error)
            raise

    async def _task(self) -> None:
        """Complete one workflow task, however many attempts it takes."""
        jobs: list[WorkflowActivationJob] = []
        while True:
            jobs += self.underway.mailbox
            self.underway.mailbox.clear()
            self._came.clear()
            try:
                attempt = await self._attempt(jobs)
            except _Abandoned:
                self._forget()
                await asyncio.sleep(TASK_TIMEOUT.total_seconds())
                continue
            except RanAhead:
                self._forget()
                continue
            if self._ends(attempt.task.commands) and self.underway.unseen:
                self._forget()  # the server takes no end while there is something that the run has not seen
                continue
            break
        self._complete(attempt)
        if self.open and self.server.chance.happens(Fault.EVICTION) and not self._locals:
            self.evict()

    async def _attempt(self, jobs: list[WorkflowActivationJob]) -> Attempt:
        cold = self._instance is None
        instance = self._held()
        length = self.history.length + EVENTS_OF_A_TASK - 1 + len(jobs)
        attempt = Attempt(WorkflowTask(self.server.now, length, self.history.size, list(jobs)))
        stamp, started = attempt.task.at, length
        if cold and jobs and self.history.tasks and self.server.chance.happens(Fault.RUNS_AHEAD):
            stamp, started = self.history.tasks[-1].at, self.history.tasks[-1].length
        coming = jobs
        while True:
            given = instance.activate(stamp, coming, length, self.history.size, started=started) if coming else []
            coming = self._sort(given, attempt)
            if coming:
                continue
            if not self._locals or self._ends(attempt.task.commands):
                return attempt
            if self.server.chance.happens(Fault.RENEWAL):
                self._came.set()
                return attempt
            coming = await self._next_answers(attempt)

    def _sort(self, given: Iterable[WorkflowCommand], attempt: Attempt) -> list[WorkflowActivationJob]:
        """Keep the commands of one activation; what must be told to the workflow within this task."""
        at_once = []
        for command in given:
            match command.WhichOneof("variant"):
                case "schedule_local_activity":
                    self._set_out(command)
                    continue
                case "request_cancel_activity":
                    seq = command.request_cancel_activity.seq
                    if attempt.task.brings(seq):
                        continue
                    at_once.append(cancelled(seq))
                case "update_response":
                    response = command.update_response
                    update_id = response.protocol_instance_id
                    if response.HasField("accepted"):
                        attempt.accepted.add(update_id)
                    elif response.HasField("rejected") and not self._is_accepted(update_id, attempt):
                        attempt.refused[update_id] = response.rejected
                        continue
                case _:
                    pass
            attempt.task.commands.append(command)
        return at_once

    def _is_accepted(self, update_id: str, attempt: Attempt) -> bool:
        return update_id in attempt.accepted or self.underway.updates[update_id].accepted

    def _set_out(self, command: WorkflowCommand) -> None:
        scheduled = command.schedule_local_activity
        if self._locals:
            raise Overlap(f"{scheduled.activity_type} is asked while another answer is awaited")

        async def work() -> None:
            result = await self.server.activities.locally(self, scheduled)
            self._answered[scheduled.seq] = resolution(scheduled.seq, result)
            self._heard.set()

        self._locals[scheduled.seq] = asyncio.create_task(work())

    async def _next_answers(self, attempt: Attempt) -> list[WorkflowActivationJob]:
        await self._heard.wait()
        if self.server.chance.happens(Fault.DEATH):
            raise _Abandoned
        self._heard.clear()
        came, self._answered = self._answered, {}
        for seq, job in came.items():
            attempt.task.resolved[seq] = job.resolve_activity.result
            del self._locals[seq]
        return list(came.values())

    def _held(self) -> Instance:
        if self._instance is None:
            self._instance, undone = self.history.replay(self.server.runner, together=self.server.chance.one_in(2))
            for command in undone:
                self._set_out(command)
        return self._instance

    def _forget(self) -> None:
        """Lose the attempt with its worker: local activities under way come to nothing for the run."""
        for task in self._locals.values():
            task.cancel()
        self._locals.clear()
        self._answered.clear()
        self._heard.clear()
        self._instance = None

    # What a completed task leads to

    def _complete(self, attempt: Attempt) -> None:
        task = attempt.task
        for update_id in attempt.accepted:
            self.underway.updates[update_id].accepted = True
        for update_id, failure in attempt.refused.items():  # nothing of it stays in history, nor is its id known
            self.underway.updates.pop(update_id).outcome.set_result(Outcome(failure=failure))
        task.jobs = [job for job in task.jobs if job.do_update.id not in attempt.refused]
        if task.jobs or task.resolved or task.commands:
            self.history.append(task)
        for command in task.commands:
            self.underway.carry_out(command)
        if end := self._ends(task.commands):
            self.closing = end
            self.end(_ENDS[str(end.WhichOneof("variant"))])
            self.server.ended(self)

    @staticmethod
    def _ends(commands: Iterable[WorkflowCommand]) -> WorkflowCommand | None:
        return next((command for command in commands if command.WhichOneof("variant") in _ENDS), None)
