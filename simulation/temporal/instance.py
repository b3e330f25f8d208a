"""Instances of workflows as a worker keeps them, made and driven as the SDK's own worker does."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from temporalio.api.common.v1 import Payload, Payloads
from temporalio.bridge.proto.workflow_activation import WorkflowActivation, WorkflowActivationJob
from temporalio.bridge.proto.workflow_commands import WorkflowCommand
from temporalio.common import MetricMeter, Priority, TypedSearchAttributes
from temporalio.converter import DataConverter
from temporalio.worker import WorkflowInstance, WorkflowInstanceDetails, WorkflowRunner
from temporalio.workflow import Info, _Definition

from aftersale.temporal.plugin import TASK_QUEUE, LeanPayloadConverter
from aftersale.temporal.steady_clock import RAN_AHEAD
from simulation.loop import outside_any_loop

CONVERTER = DataConverter(payload_converter_class=LeanPayloadConverter)
"""What production's plugin gives to clients and workers."""

NAMESPACE = "default"

_EXTERNS: dict[str, Any] = {
    "__temporal_assert_local_activity_valid": lambda name: None,
    "__temporal_get_metric_meter": lambda: MetricMeter.noop,
}


def definition_of(workflow: type) -> _Definition:
    """Return what the SDK knows of a workflow class."""
    definition: _Definition = _Definition.must_from_class(workflow)
    return definition


class TaskFailed(AssertionError):
    """Workflow code raised where it may not: the server would try the task again for ever, and the case hangs."""


class RanAhead(Exception):
    """A worker refused to do what a query brought of a task that has not started: it drops the run."""


class Born:
    """How a run began: all that an instance is made of."""

    def __init__(
        self,
        workflow: type,
        workflow_id: str,
        run_id: str,
        given: Sequence[Payload],
        at: datetime,
        first_run_id: str,
    ) -> None:
        """Keep it."""
        self.first_run_id = first_run_id
        self.definition = definition_of(workflow)
        self.workflow_id, self.run_id, self.at = workflow_id, run_id, at
        self.given = list(given)
        self.seed = sum(map(ord, run_id))

    @property
    def type(self) -> str:
        """The workflow type's name."""
        assert self.definition.name is not None
        return self.definition.name

    def first_job(self) -> WorkflowActivationJob:
        """Return the job with which every instance begins."""
        job = WorkflowActivationJob()
        first = job.initialize_workflow
        first.workflow_id, first.workflow_type, first.randomness_seed = self.workflow_id, self.type, self.seed
        first.arguments.extend(self.given)
        first.first_execution_run_id = self.first_run_id
        first.start_time.FromDatetime(self.at)
        return job


class Instance:
    """One run's workflow object in a worker's memory."""

    def __init__(self, born: Born, runner: WorkflowRunner) -> None:
        """Make it; nothing has happened to it yet."""
        self._run_id = born.run_id
        self._inner: WorkflowInstance = runner.create_instance(_details(born))

    def activate(
        self,
        at: datetime,
        jobs: Iterable[WorkflowActivationJob],
        length: int,
        size: int,
        *,
        started: int | None = None,
        replaying: bool = False,
    ) -> list[WorkflowCommand]:
        """Have it do the jobs; the commands that it gives. Raises TaskFailed, RanAhead.

        `at` is when the task started whose history was `started` long, which is this one unless something is amiss.
        No two start at one nanosecond, though virtual time may stand meanwhile.
        """
        wanted = WorkflowActivation(
            run_id=self._run_id,
            is_replaying=replaying,
            history_length=length,
            history_size_bytes=size,
            continue_as_new_suggested=length > _LONG,
            jobs=jobs,
        )
        wanted.timestamp.FromDatetime(at)
        wanted.timestamp.nanos += (started or length) % 1000
        with outside_any_loop():  # a workflow is an event loop itself, and leaves none running behind it
            answer = self._inner.activate(wanted)
        if answer.HasField("failed"):
            failure = answer.failed.failure
            ahead = failure.application_failure_info.type == RAN_AHEAD
            raise RanAhead(failure.message) if ahead else TaskFailed(_told(failure))
        return list(answer.successful.commands)

    def evict(self) -> None:
        """Have it leave the memory, as it does where room is needed. Raises TaskFailed where it cannot let go."""
        gone = WorkflowActivation(run_id=self._run_id)
        gone.jobs.add().remove_from_cache.SetInParent()
        with outside_any_loop():
            answer = self._inner.activate(gone)
        if answer.HasField("failed"):
            raise TaskFailed(_told(answer.failed.failure))


_LONG = 60
"""From how many events on a history counts as long: few, so that runs that go on in new ones do so soon."""


def _told(failure: Any) -> str:
    said = [f"{failure.application_failure_info.type}: {failure.message}", failure.stack_trace[-1500:]]
    return "\n".join([*said, _told(failure.cause)] if failure.HasField("cause") else said)


def _details(born: Born) -> WorkflowInstanceDetails:
    info = Info(
        attempt=1,
        continued_run_id=None,
        cron_schedule=None,
        execution_timeout=None,
        first_execution_run_id=born.first_run_id,
        headers={},
        namespace=NAMESPACE,
        original_execution_run_id=born.run_id,
        parent=None,
        root=None,
        priority=Priority.default,
        raw_memo={},
        retry_policy=None,
        run_id=born.run_id,
        run_timeout=None,
        search_attributes={},
        start_time=born.at,
        task_queue=TASK_QUEUE,
        task_timeout=timedelta(seconds=10),
        typed_search_attributes=TypedSearchAttributes([]),
        workflow_id=born.workflow_id,
        workflow_start_time=born.at,
        workflow_type=born.type,
    )
    return WorkflowInstanceDetails(
        payload_converter_factory=_payload_converter,
        failure_converter_class=CONVERTER.failure_converter_class,
        interceptor_classes=[],
        defn=born.definition,
        info=info,
        randomness_seed=born.seed,
        extern_functions=_EXTERNS,
        disable_eager_activity_execution=True,
        worker_level_failure_exception_types=[],
        patch_activation_callback=None,
        last_completion_result=Payloads(),
        last_failure=None,
    )


def _payload_converter() -> Any:
    return CONVERTER.payload_converter
