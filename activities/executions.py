"""The executions of a namespace as the server has them: which cases run, how one ended, whose tasks fail."""

from collections.abc import AsyncIterator, Mapping
from datetime import UTC, timedelta

from temporalio.api.enums.v1 import EventType
from temporalio.client import Client, WorkflowExecutionStatus, WorkflowHistoryEventFilterType
from temporalio.service import RPCError, RPCStatusCode

from aftersale.contract.status import Status
from aftersale.reconciliation.judgement import Execution, ExecutionState, StuckWorkflow
from aftersale.times import floor

_ANSWER = timedelta(seconds=10)
"""How long the server may take over one call."""

_PAGE = 1000
"""How many executions are listed at a time."""

_MOST_SAID = 200
"""Characters that are kept of what the server says of an end."""

_RUNNING = "WorkflowId STARTS_WITH 'case/' AND ExecutionStatus = 'Running'"

_FAILING = (
    "TemporalReportedProblems IN ('category=WorkflowTaskFailed','category=WorkflowTaskTimedOut') "
    "AND ExecutionStatus = 'Running'"
)

_ENDS: Mapping[WorkflowExecutionStatus, tuple[ExecutionState, str]] = {
    WorkflowExecutionStatus.RUNNING: (ExecutionState.RUNNING, ""),
    WorkflowExecutionStatus.COMPLETED: (ExecutionState.COMPLETED, "has completed"),
    WorkflowExecutionStatus.TERMINATED: (ExecutionState.TERMINATED, "was terminated"),
    WorkflowExecutionStatus.TIMED_OUT: (ExecutionState.TERMINATED, "has timed out"),
    WorkflowExecutionStatus.FAILED: (ExecutionState.TERMINATED, "has failed"),
    WorkflowExecutionStatus.CANCELED: (ExecutionState.TERMINATED, "was cancelled"),
}


class Executions:
    """The executions of cases, and those whose workflow tasks fail."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def running_cases(self) -> set[str]:
        """Return the ids of the cases that are listed as running; a list of the server's lags a little."""
        found = [workflow_id async for page in self._pages(_RUNNING) for workflow_id in page]
        return {each.removeprefix("case/") for each in found if each.startswith("case/")}

    async def of_case(self, case_id: str) -> Execution:
        """Say how the server has a case just now, the last of its runs if there were several."""
        handle = self._client.get_workflow_handle(f"case/{case_id}")
        try:
            found = await handle.describe(rpc_timeout=_ANSWER)
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise
            return Execution(ExecutionState.UNKNOWN, "unknown")
        state, says = _ENDS.get(found.status or WorkflowExecutionStatus.RUNNING, (ExecutionState.RUNNING, ""))
        if found.status is WorkflowExecutionStatus.TERMINATED and (why := await self._reason(case_id, found.run_id)):
            says = f"{says} ({why})"
        return Execution(state, found.run_id, floor(found.close_time) if found.close_time else None, says)

    async def end_of(self, case_id: str, run_id: str) -> Status:
        """Return the record that a completed case left with the server."""
        handle = self._client.get_workflow_handle(f"case/{case_id}", run_id=run_id, result_type=Status)
        end: Status = await handle.result(rpc_timeout=_ANSWER)
        return end

    async def stuck(self) -> AsyncIterator[StuckWorkflow]:
        """Give the running workflows whose workflow task has failed again and again."""
        async for page in self._pages(_FAILING):
            for workflow_id in page:
                found = await self._client.get_workflow_handle(workflow_id).describe(rpc_timeout=_ANSWER)
                task = found.raw_description.pending_workflow_task
                since = (
                    floor(task.original_scheduled_time.ToDatetime(UTC))
                    if task.HasField("original_scheduled_time")
                    else None
                )
                yield StuckWorkflow(workflow_id, task.attempt, since)

    async def _pages(self, query: str) -> AsyncIterator[list[str]]:
        listed = self._client.list_workflows(query, page_size=_PAGE, rpc_timeout=_ANSWER)
        while True:
            await listed.fetch_next_page()
            yield [found.id for found in listed.current_page or ()]
            if not listed.next_page_token:
                return

    async def _reason(self, case_id: str, run_id: str) -> str:
        """Say why a run was terminated, as whoever did so said: a person, or the server for a limit."""
        handle = self._client.get_workflow_handle(f"case/{case_id}", run_id=run_id)
        closing = WorkflowHistoryEventFilterType.CLOSE_EVENT
        async for event in handle.fetch_history_events(event_filter_type=closing, rpc_timeout=_ANSWER):
            if event.event_type == EventType.EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED:
                return " ".join(event.workflow_execution_terminated_event_attributes.reason.split())[:_MOST_SAID]
        return ""
