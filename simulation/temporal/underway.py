"""Calls of a run that are under way: timers, activities, updates, and results that wait for a workflow task."""

import asyncio
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from temporalio.api.failure.v1 import Failure
from temporalio.api.update.v1 import Outcome
from temporalio.api.workflow.v1 import PendingActivityInfo
from temporalio.bridge.proto.workflow_activation import WorkflowActivationJob
from temporalio.bridge.proto.workflow_commands import WorkflowCommand

if TYPE_CHECKING:
    from simulation.temporal.run import Run


@dataclass
class Update:
    """An update that was sent: whether it was taken, and how it ended."""

    accepted: bool = False
    outcome: "asyncio.Future[Outcome | None]" = field(default_factory=asyncio.Future)


class Underway:
    """What one run has set going; `mailbox` is what its next task will bring."""

    def __init__(self, run: "Run", first: WorkflowActivationJob) -> None:
        """Nothing but the first task's job is there."""
        self._run = run
        self.mailbox = [first]
        self.updates: dict[str, Update] = {}
        self.timers: dict[int, asyncio.TimerHandle] = {}
        self.activities: dict[int, asyncio.Task[None]] = {}
        self.types: dict[int, str] = {}
        self.failures: dict[int, Failure] = {}

    @property
    def busy(self) -> bool:
        """Whether something is in hand, timers aside."""
        return bool(self.mailbox) or any(not each.done() for each in self.activities.values())

    @property
    def pending(self) -> list[PendingActivityInfo]:
        """The activities in hand, each with why it failed last."""
        in_hand = [seq for seq, activity in self.activities.items() if not activity.done()]
        return [PendingActivityInfo(activity_id=str(seq), last_failure=self.failures.get(seq)) for seq in in_hand]

    def awaits(self, types: Collection[str]) -> bool:
        """Tell whether an activity of one of these types has not been heard of yet."""
        heard = {job.resolve_activity.seq for job in self.mailbox if job.HasField("resolve_activity")}
        going = (seq for seq, task in self.activities.items() if not task.done() or seq in heard)
        return any(self.types[seq] in types for seq in going)

    @property
    def unseen(self) -> bool:
        """Whether something has come that the server lets no run end without; updates are turned away instead."""
        return any(not job.HasField("do_update") for job in self.mailbox)

    def end(self) -> None:
        """End the run: nothing is heard of any more, and whoever waits for an update learns that."""
        self.mailbox.clear()
        for timer in self.timers.values():
            timer.cancel()
        for activity in self.activities.values():
            activity.cancel()
        for update in self.updates.values():
            if not update.outcome.done():
                update.outcome.set_result(None)

    def carry_out(self, command: WorkflowCommand) -> None:
        """Do what a command of a completed workflow task asks of the server."""
        activities = self._run.server.activities
        match command.WhichOneof("variant"):
            case "start_timer":
                seq, span = command.start_timer.seq, command.start_timer.start_to_fire_timeout.ToTimedelta()
                self.timers[seq] = self._run.server.loop.at(self._run.server.now + span, self._ring, seq)
            case "cancel_timer":
                self._cancel_timer(command.cancel_timer.seq)
            case "schedule_activity":
                scheduled = command.schedule_activity
                self.types[scheduled.seq] = scheduled.activity_type
                self.activities[scheduled.seq] = asyncio.create_task(activities.carry_out(self._run, scheduled))
            case "request_cancel_activity":
                activities.cancel(self._run, command.request_cancel_activity.seq)
            case "update_response":
                self._answer(command)
            case "start_child_workflow_execution":
                self._run.server.start_child(self._run, command.start_child_workflow_execution)
            case _:
                pass  # shown to operators, and nothing follows from it

    def _ring(self, seq: int) -> None:
        del self.timers[seq]
        job = WorkflowActivationJob()
        job.fire_timer.seq = seq
        self._run.post(job)

    def drop_answer(self, seq: int) -> None:
        """Nobody waits for an activity any more: what it said, unheard, is forgotten."""
        self.mailbox = [
            job for job in self.mailbox if not (job.HasField("resolve_activity") and job.resolve_activity.seq == seq)
        ]

    def _cancel_timer(self, seq: int) -> None:
        """Forget a timer, and its ring where it has rung unheard."""
        if seq in self.timers:
            self.timers.pop(seq).cancel()
        self.mailbox = [job for job in self.mailbox if not (job.HasField("fire_timer") and job.fire_timer.seq == seq)]

    def _answer(self, command: WorkflowCommand) -> None:
        response = command.update_response
        known = self.updates[response.protocol_instance_id]
        if response.HasField("completed"):
            outcome = Outcome()
            outcome.success.payloads.add().CopyFrom(response.completed)
            known.outcome.set_result(outcome)
        elif response.HasField("rejected"):
            known.outcome.set_result(Outcome(failure=response.rejected))
