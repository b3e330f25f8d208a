"""Replays of histories as production would replay them, and what each leads to."""

from typing import Any

from temporalio.api.enums.v1 import WorkflowTaskFailedCause
from temporalio.bridge.proto.workflow_activation import WorkflowActivation
from temporalio.bridge.proto.workflow_completion import WorkflowActivationCompletion
from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer, UnsandboxedWorkflowRunner, WorkflowInstance, WorkflowInstanceDetails

from aftersale.temporal.plugin import plugin
from aftersale.temporal.steady_clock import InstanceAround, RunnerAround
from trial.virtual_time import CalendarRunner
from worker import WORKFLOWS

_OF_THE_CODE = {
    WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_WORKFLOW_WORKER_UNHANDLED_FAILURE,
    WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_NON_DETERMINISTIC_ERROR,
}
"""Why a task fails by our doing; others fail as they are drawn up anew, which is the server's way."""


class Replays:
    """Replays one history after the other. `ended` keeps the result of each run that came to its end."""

    def __init__(self) -> None:
        """Nothing has been replayed yet."""
        self.ended: dict[str, bytes] = {}
        self._replayer = Replayer(workflows=WORKFLOWS, plugins=[plugin(CalendarRunner(_Hearing(self.ended)))])

    async def failure(self, history: WorkflowHistory) -> str | None:
        """Replay a history, and say why that fails; None where it does not."""
        found = await self._replayer.replay_workflow(history, raise_on_replay_failure=False)
        return None if found.replay_failure is None else str(found.replay_failure)


def failed_task(history: WorkflowHistory) -> str | None:
    """Say why the first workflow task failed that failed by our doing; None where none did."""
    for event in history.events:
        if event.HasField("workflow_task_failed_event_attributes"):
            failed = event.workflow_task_failed_event_attributes
            if failed.cause in _OF_THE_CODE:
                return failed.failure.message
    return None


class _Hearing(RunnerAround):
    """Runs workflows as production does, and hears with what each of them ends."""

    def __init__(self, ended: dict[str, bytes]) -> None:
        super().__init__(UnsandboxedWorkflowRunner())
        self._ended = ended

    def create_instance(self, det: WorkflowInstanceDetails) -> WorkflowInstance:
        return _Heard(super().create_instance(det), det.info.workflow_id, self._ended)


class _Heard(InstanceAround):
    def __init__(self, inner: WorkflowInstance, workflow_id: str, ended: dict[str, Any]) -> None:
        super().__init__(inner)
        self._id, self._ended = workflow_id, ended

    def activate(self, act: WorkflowActivation) -> WorkflowActivationCompletion:
        completion = super().activate(act)
        for command in completion.successful.commands:
            if command.HasField("complete_workflow_execution"):
                self._ended[self._id] = command.complete_workflow_execution.result.data
        return completion
