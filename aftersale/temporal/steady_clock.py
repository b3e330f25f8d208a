"""Refuse the activations in which Temporal's SDK would run a workflow ahead of its history, on a clock that stands.

A worker that does not hold a run may get a query about it just as the server schedules a task. The query's history then
ends before that task has started, and the SDK's core applies what it holds, a timer or an activity's answer, at the
time of the task before. Commands that were decided so differ from those of every later replay, which has the time at
which the task did start: the run fails for ever with TMPRL1100. Once the core drops the run, it replays it in time.
"""

import asyncio
from collections.abc import Sequence
from typing import Any

from temporalio.bridge.proto.workflow_activation import WorkflowActivation
from temporalio.bridge.proto.workflow_completion import WorkflowActivationCompletion
from temporalio.client import Interceptor, OutboundInterceptor, QueryWorkflowInput, WorkflowQueryFailedError
from temporalio.converter import SerializationContext
from temporalio.worker import WorkflowInstance, WorkflowInstanceDetails, WorkflowRunner
from temporalio.workflow import Info

RAN_AHEAD = "RanAhead"
"""The type of the failure with which such an activation is answered."""

ASK_AGAIN = "a query came as the task was about to start; ask again"
"""What the query is told that brought it."""

_PAUSES = 5 * (0.1,) + 5 * (1.0,)
"""How long to wait before such a query is put again, in seconds: the task starts once a worker has time for it."""


class RepeatedQueries(Interceptor):
    """Puts a query again that came as a task was about to start: its caller need not know."""

    def intercept_client(self, next: OutboundInterceptor) -> OutboundInterceptor:
        """Stand between the client and the server."""
        return _Repeating(next)


class _Repeating(OutboundInterceptor):
    async def query_workflow(self, input: QueryWorkflowInput) -> Any:
        for pause in _PAUSES:
            try:
                return await super().query_workflow(input)
            except WorkflowQueryFailedError as error:
                if str(error) != ASK_AGAIN:
                    raise
            await asyncio.sleep(pause)
        return await super().query_workflow(input)


class RunnerAround(WorkflowRunner):
    """A runner that stands around another one; a subclass changes what it wants changed."""

    def __init__(self, inner: WorkflowRunner) -> None:
        """Stand around `inner`."""
        self._inner = inner

    def prepare_workflow(self, defn: Any) -> None:
        """Validate a workflow as the inner runner does."""
        self._inner.prepare_workflow(defn)

    def create_instance(self, det: WorkflowInstanceDetails) -> WorkflowInstance:
        """Create the inner runner's instance."""
        return self._inner.create_instance(det)

    def set_worker_level_failure_exception_types(self, types: Sequence[type[BaseException]]) -> None:
        """Pass the worker's failure types on to the inner runner."""
        self._inner.set_worker_level_failure_exception_types(types)


class InstanceAround(WorkflowInstance):
    """An instance that stands around another one; a subclass changes what it wants changed."""

    def __init__(self, inner: WorkflowInstance) -> None:
        """Stand around `inner`."""
        self._inner = inner

    def activate(self, act: WorkflowActivation) -> WorkflowActivationCompletion:
        """Have the inner instance do the jobs."""
        return self._inner.activate(act)

    def get_serialization_context(self, command_info: Any) -> SerializationContext | None:
        """Return what a payload belongs to."""
        return self._inner.get_serialization_context(command_info)

    def get_external_store_context(self, command_info: Any) -> Any:
        """Return what a payload that is stored elsewhere belongs to."""
        return self._inner.get_external_store_context(command_info)

    def get_info(self) -> Info:
        """Return what is known of the run."""
        return self._inner.get_info()

    def get_thread_id(self) -> int | None:
        """Return the thread that an activation runs on."""
        return self._inner.get_thread_id()


class SteadyClockRunner(RunnerAround):
    """Runs workflows as another runner does, but for activations that lie ahead of history."""

    def create_instance(self, det: WorkflowInstanceDetails) -> WorkflowInstance:
        """Create the inner runner's instance, with a guard before it."""
        return _Guarded(super().create_instance(det))


class _Guarded(InstanceAround):
    """An instance that takes no events of a task that has not started."""

    def __init__(self, inner: WorkflowInstance) -> None:
        super().__init__(inner)
        self._time, self._length = 0, 0

    def activate(self, act: WorkflowActivation) -> WorkflowActivationCompletion:
        if self._lies_ahead(act):
            completion = WorkflowActivationCompletion(run_id=act.run_id)
            failure = completion.failed.failure
            failure.message = ASK_AGAIN
            failure.application_failure_info.type = RAN_AHEAD
            return completion
        return super().activate(act)

    def _lies_ahead(self, act: WorkflowActivation) -> bool:
        """Tell whether history grew though its clock stands: every task that started has a time of its own."""
        if not any(_is_event(job) for job in act.jobs):
            return False
        time, length = act.timestamp.ToNanoseconds(), act.history_length
        ahead = time == self._time and length > self._length
        self._time, self._length = time, length
        return ahead


def _is_event(job: Any) -> bool:
    """Tell whether a job stands for something in history: queries and evictions do not."""
    return not (job.HasField("query_workflow") or job.HasField("remove_from_cache"))
