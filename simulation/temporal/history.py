"""The history of a run: its completed workflow tasks, and the replay that must lead to the same commands."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from temporalio.api.failure.v1 import Failure
from temporalio.bridge.proto.activity_result import ActivityResolution
from temporalio.bridge.proto.workflow_activation import NotifyHasPatch, WorkflowActivationJob
from temporalio.bridge.proto.workflow_commands import WorkflowCommand
from temporalio.worker import WorkflowRunner

from simulation.temporal.instance import Born, Instance

EVENTS_OF_A_TASK = 3
"""Scheduled, started, completed."""


class Diverged(AssertionError):
    """A replay gave other commands than history has: no worker can take the run up again, for ever."""


@dataclass
class WorkflowTask:
    """A workflow task as history has it: when it started, what it brought, what it led to.

    `resolved` are the answers of local activities that came in it, by their numbers, in the order of their markers.
    """

    at: datetime
    length: int
    size: int
    jobs: list[WorkflowActivationJob]
    resolved: dict[int, ActivityResolution] = field(default_factory=dict)
    commands: list[WorkflowCommand] = field(default_factory=list)

    def brings(self, seq: int) -> bool:
        """Tell whether it brings the answer of a normal activity: to cancel that is nothing any more."""
        answers = (job.resolve_activity for job in self.jobs if job.HasField("resolve_activity"))
        return any(answer.seq == seq and not answer.is_local for answer in answers)

    @property
    def patches(self) -> list[WorkflowActivationJob]:
        """Give the jobs that tell of the patches which it marked: a replay takes the path that was taken."""
        marked = [
            command.set_patch_marker.patch_id for command in self.commands if command.HasField("set_patch_marker")
        ]
        return [WorkflowActivationJob(notify_has_patch=NotifyHasPatch(patch_id=patch_id)) for patch_id in marked]

    @property
    def events(self) -> int:
        """How many events it adds to the history, about as many as the server's."""
        return EVENTS_OF_A_TASK + len(self.jobs) + len(self.resolved) + len(self.commands)

    @property
    def bytes(self) -> int:
        """How many bytes it adds to the history, about as many as the server's: a local activity leaves its answer."""
        commands = [each for each in self.commands if not each.HasField("schedule_local_activity")]
        return sum(each.ByteSize() for each in [*self.jobs, *self.resolved.values(), *commands])


class History:
    """The completed tasks of one run."""

    def __init__(self, born: Born) -> None:
        """Nothing has been completed yet."""
        self.born = born
        self.tasks: list[WorkflowTask] = []
        self.length, self.size = 1, 0
        """How many events there are, and how many bytes."""

    def append(self, task: WorkflowTask) -> None:
        """Add a completed task."""
        self.tasks.append(task)
        self.length += task.events
        self.size += task.bytes

    def replay(self, runner: WorkflowRunner, *, together: bool = True) -> tuple[Instance, list[WorkflowCommand]]:
        """Make the run's workflow object anew from history, as a worker does that has it no more.

        Beside it: the local activities that no task has an answer of, which must be done anew. What one answered in a
        later task than it was scheduled in comes `together` with what else that task brought, as the SDK's core has it
        unless the marker says otherwise; or after that, as it was when the task was live. Both must be one.
        Raises Diverged, TaskFailed.
        """
        instance = Instance(self.born, runner)
        waiting: dict[int, WorkflowCommand] = {}
        for number, task in enumerate(self.tasks):
            told = list(_replayed(instance, task, waiting, together))
            compare(task.commands, told, f"task {number + 1} of {self.born.workflow_id}")
        return instance, list(waiting.values())


def _replayed(
    instance: Instance, task: WorkflowTask, waiting: dict[int, WorkflowCommand], together: bool
) -> Iterator[WorkflowCommand]:
    late = [resolution(seq, task.resolved[seq]) for seq in task.resolved if seq in waiting]
    jobs, behind = ([*task.jobs, *late], []) if together or not task.jobs else (list(task.jobs), late)
    jobs = [*task.patches, *jobs]
    for seq in task.resolved:
        waiting.pop(seq, None)
    while jobs:
        given = instance.activate(task.at, jobs, task.length, task.size, replaying=True)
        jobs, sent = [], []
        for command in given:
            match command.WhichOneof("variant"):
                case "schedule_local_activity":
                    seq = command.schedule_local_activity.seq
                    if seq in task.resolved:
                        jobs.append(resolution(seq, task.resolved[seq]))
                    else:
                        waiting[seq] = command
                case "request_cancel_activity":
                    seq = command.request_cancel_activity.seq
                    if not task.brings(seq):
                        jobs.append(cancelled(seq))
                        sent.append(command)
                case _:
                    sent.append(command)
        yield from sent
        if not jobs:
            jobs, behind = behind, []


def compare(wanted: Sequence[WorkflowCommand], told: Sequence[WorkflowCommand], where: str) -> None:
    """Make sure that a replay's commands are those of history. Raises Diverged, with the first that differs."""
    for number in range(max(len(wanted), len(told))):
        was = wanted[number] if number < len(wanted) else None
        now = told[number] if number < len(told) else None
        if was != now:
            raise Diverged(f"{where}, command {number + 1}: history has {_short(was)}, the replay {_short(now)}")


def resolution(seq: int, result: ActivityResolution, *, local: bool = True) -> WorkflowActivationJob:
    """Return the job that brings an activity's answer."""
    job = WorkflowActivationJob()
    job.resolve_activity.seq, job.resolve_activity.is_local = seq, local
    job.resolve_activity.result.CopyFrom(result)
    return job


def cancelled(seq: int) -> WorkflowActivationJob:
    """Return the job that tells at once that an activity is cancelled: nobody waits for what it says itself."""
    result = ActivityResolution()
    failure = result.cancelled.failure
    failure.message = "Activity cancelled"
    failure.activity_failure_info.SetInParent()
    failure.cause.CopyFrom(Failure(message="Cancelled"))
    failure.cause.canceled_failure_info.SetInParent()
    return resolution(seq, result, local=False)


def _short(command: WorkflowCommand | None) -> str:
    return "nothing" if command is None else " ".join(str(command).split())[:600]
