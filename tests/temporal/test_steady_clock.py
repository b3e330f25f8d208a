"""An activation that lies ahead of history is refused, and nothing else is."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from temporalio.bridge.proto.workflow_activation import WorkflowActivation
from temporalio.bridge.proto.workflow_completion import WorkflowActivationCompletion
from temporalio.client import OutboundInterceptor, WorkflowQueryFailedError
from temporalio.worker import WorkflowInstance, WorkflowRunner

from aftersale.temporal.steady_clock import ASK_AGAIN, RAN_AHEAD, InstanceAround, RepeatedQueries, SteadyClockRunner

STARTED = datetime(2024, 2, 1, 10, 0, 0, tzinfo=UTC)


class Taking(WorkflowInstance):
    """Takes whatever it is given."""

    def activate(self, act: WorkflowActivation) -> WorkflowActivationCompletion:
        return WorkflowActivationCompletion(run_id=act.run_id)

    def get_serialization_context(self, command_info: Any) -> None:
        return None

    def get_external_store_context(self, command_info: Any) -> Any:
        return None

    def get_info(self) -> Any:
        return None


class Runner(WorkflowRunner):
    def prepare_workflow(self, defn: Any) -> None:
        raise NotImplementedError

    def create_instance(self, det: Any) -> WorkflowInstance:
        return Taking()


def refused(instance: WorkflowInstance, job: str, at: datetime, length: int) -> bool:
    act = WorkflowActivation(run_id="run", history_length=length)
    act.timestamp.FromDatetime(at)
    getattr(act.jobs.add(), job).SetInParent()
    answer = instance.activate(act)
    return answer.HasField("failed") and answer.failed.failure.application_failure_info.type == RAN_AHEAD


def guarded() -> WorkflowInstance:
    det: Any = None
    instance = SteadyClockRunner(Runner()).create_instance(det)
    assert isinstance(instance, InstanceAround)
    assert not refused(instance, "initialize_workflow", STARTED, 3)
    return instance


def test_events_of_a_task_that_has_not_started_are_refused() -> None:
    for job in ("fire_timer", "resolve_activity", "do_update", "signal_workflow"):
        assert refused(guarded(), job, STARTED, 8)


def test_events_of_a_task_that_started_later_are_taken() -> None:
    assert not refused(guarded(), "fire_timer", STARTED + timedelta(microseconds=1), 9)


def test_what_comes_within_one_task_is_taken() -> None:
    assert not refused(guarded(), "resolve_activity", STARTED, 3)


def test_a_query_is_answered_whatever_history_it_brings() -> None:
    assert not refused(guarded(), "query_workflow", STARTED, 8)


def test_a_query_ahead_of_history_does_not_hide_what_follows_it() -> None:
    instance = guarded()
    assert not refused(instance, "query_workflow", STARTED, 8)
    assert refused(instance, "fire_timer", STARTED, 8)


class Asked(OutboundInterceptor):
    """A server to which a query comes too early, so many times."""

    def __init__(self, early: int, said: str) -> None:
        self.early, self.said = early, said

    async def query_workflow(self, input: Any) -> Any:
        self.early -= 1
        if self.early >= 0:
            raise WorkflowQueryFailedError(self.said)
        return "answered"


async def asked(server: Asked) -> Any:
    query: Any = None
    return await RepeatedQueries().intercept_client(server).query_workflow(query)


async def test_a_query_that_came_too_early_is_put_again() -> None:
    assert await asked(Asked(2, ASK_AGAIN)) == "answered"


async def test_a_query_that_fails_otherwise_fails_at_once() -> None:
    server = Asked(2, "no such query")
    with pytest.raises(WorkflowQueryFailedError):
        await asked(server)
    assert server.early == 1
