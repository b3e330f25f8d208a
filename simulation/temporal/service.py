"""The workflow service: what the SDK's client calls, answered as the server does, errors included."""

import asyncio
from typing import TYPE_CHECKING, Any

from google.protobuf.any_pb2 import Any as Detail
from temporalio.api.common.v1 import GrpcStatus
from temporalio.api.enums.v1 import EventType, WorkflowExecutionStatus, WorkflowIdReusePolicy
from temporalio.api.enums.v1 import UpdateWorkflowExecutionLifecycleStage as Stage
from temporalio.api.errordetails.v1 import MultiOperationExecutionFailure, WorkflowExecutionAlreadyStartedFailure
from temporalio.api.failure.v1 import MultiOperationExecutionAborted
from temporalio.api.history.v1 import HistoryEvent
from temporalio.api.taskqueue.v1 import PollerInfo
from temporalio.api.update.v1 import Request
from temporalio.api.workflow.v1 import WorkflowExecutionInfo
from temporalio.api.workflowservice import v1
from temporalio.bridge.proto.workflow_activation import WorkflowActivationJob
from temporalio.service import RPCError, RPCStatusCode

if TYPE_CHECKING:
    from simulation.temporal.run import Run
    from simulation.temporal.server import Server
    from simulation.temporal.underway import Update


class Service:
    """The calls that this product makes of a server; every one takes a moment each way."""

    def __init__(self) -> None:
        """Nothing is served before `serve`."""
        self._serving: Server | None = None
        self.identities: list[str] = []

    def serve(self, server: "Server") -> None:
        """Answer for this server from now on."""
        self._serving = server

    @property
    def _server(self) -> "Server":
        assert self._serving is not None
        return self._serving

    # Starting

    async def start_workflow_execution(
        self, wanted: v1.StartWorkflowExecutionRequest, **_: Any
    ) -> v1.StartWorkflowExecutionResponse:
        """Start a run, or find the one that is open under the id where the request says so."""
        await self._on_the_way()
        return self._start(wanted)

    async def execute_multi_operation(
        self, wanted: v1.ExecuteMultiOperationRequest, **_: Any
    ) -> v1.ExecuteMultiOperationResponse:
        """Start a run with an update, or send the update to the one that is open."""
        await self._on_the_way()
        start, update = wanted.operations[0].start_workflow, wanted.operations[1].update_workflow
        try:
            begun = self._start(start)
        except RPCError as error:
            raise _several(error, first=True) from error
        run = self._server.runs[start.workflow_id]
        answer = v1.ExecuteMultiOperationResponse()
        answer.responses.add().start_workflow.CopyFrom(begun)
        try:
            answer.responses.add().update_workflow.CopyFrom(await self._updated(run, update.request))
        except RPCError as error:
            raise _several(error, first=False) from error
        return answer

    def may_start(self, wanted: v1.StartWorkflowExecutionRequest) -> bool:
        """Tell whether no earlier run stands in the way of this one."""
        known = self._server.runs.get(wanted.workflow_id)
        return known is None or (not known.open and _may_run_again(known, wanted))

    def _start(self, wanted: v1.StartWorkflowExecutionRequest) -> v1.StartWorkflowExecutionResponse:
        known = self._server.runs.get(wanted.workflow_id)
        if known is not None and known.open and wanted.workflow_id_conflict_policy == _USE_EXISTING:
            return v1.StartWorkflowExecutionResponse(run_id=known.born.run_id, started=False)
        if known is not None and not self.may_start(wanted):
            raise _already_started(known)
        run = self._server.start(wanted.workflow_type.name, wanted.workflow_id, wanted.input.payloads)
        return v1.StartWorkflowExecutionResponse(run_id=run.born.run_id, started=True)

    # What is sent to a run

    async def update_workflow_execution(
        self, wanted: v1.UpdateWorkflowExecutionRequest, **_: Any
    ) -> v1.UpdateWorkflowExecutionResponse:
        """Send an update, and wait for how it ends; one that ended before is answered so even by a run that is over."""
        await self._on_the_way()
        return await self._updated(self._known(wanted.workflow_execution.workflow_id), wanted.request)

    async def poll_workflow_execution_update(
        self, wanted: v1.PollWorkflowExecutionUpdateRequest, **_: Any
    ) -> v1.PollWorkflowExecutionUpdateResponse:
        """Answer with how an update ended."""
        reference = wanted.update_ref
        known = self._known(reference.workflow_execution.workflow_id).underway.updates[reference.update_id]
        ended = await self._outcome(known)
        return v1.PollWorkflowExecutionUpdateResponse(outcome=ended.outcome, stage=ended.stage)

    async def _updated(self, run: "Run", request: Request) -> v1.UpdateWorkflowExecutionResponse:
        if not run.open and request.meta.update_id not in run.underway.updates:
            raise _not_found()
        job = WorkflowActivationJob()
        job.do_update.id = job.do_update.protocol_instance_id = request.meta.update_id
        job.do_update.name, job.do_update.run_validator = request.input.name, True
        job.do_update.input.extend(request.input.args.payloads)
        job.do_update.meta.CopyFrom(request.meta)
        answer = await self._outcome(run.update(request.meta.update_id, job))
        answer.update_ref.workflow_execution.run_id = run.born.run_id
        return answer

    async def _outcome(self, update: "Update") -> v1.UpdateWorkflowExecutionResponse:
        outcome = await asyncio.shield(update.outcome)
        await self._on_the_way()
        if outcome is None:
            raise _not_found()
        completed = Stage.UPDATE_WORKFLOW_EXECUTION_LIFECYCLE_STAGE_COMPLETED
        return v1.UpdateWorkflowExecutionResponse(outcome=outcome, stage=completed)

    async def signal_workflow_execution(
        self, wanted: v1.SignalWorkflowExecutionRequest, **_: Any
    ) -> v1.SignalWorkflowExecutionResponse:
        """Send a signal."""
        await self._on_the_way()
        job = WorkflowActivationJob()
        job.signal_workflow.signal_name, job.signal_workflow.identity = wanted.signal_name, wanted.identity
        job.signal_workflow.originating_event_id = 1
        job.signal_workflow.input.extend(wanted.input.payloads)
        self._open(wanted.workflow_execution.workflow_id).post(job)
        return v1.SignalWorkflowExecutionResponse()

    async def request_cancel_workflow_execution(
        self, wanted: v1.RequestCancelWorkflowExecutionRequest, **_: Any
    ) -> v1.RequestCancelWorkflowExecutionResponse:
        """Ask a run to end."""
        await self._on_the_way()
        job = WorkflowActivationJob()
        job.cancel_workflow.SetInParent()
        self._open(wanted.workflow_execution.workflow_id).post(job)
        return v1.RequestCancelWorkflowExecutionResponse()

    # What is asked of a run

    async def query_workflow(self, wanted: v1.QueryWorkflowRequest, **_: Any) -> v1.QueryWorkflowResponse:
        """Have a worker answer a query."""
        await self._on_the_way()
        job = WorkflowActivationJob()
        job.query_workflow.query_id, job.query_workflow.query_type = "query", wanted.query.query_type
        job.query_workflow.arguments.extend(wanted.query.query_args.payloads)
        told = (await self._known(wanted.execution.workflow_id).query(job)).respond_to_query
        if told.HasField("failed"):
            raise RPCError(told.failed.message, RPCStatusCode.INVALID_ARGUMENT, b"")
        answer = v1.QueryWorkflowResponse()
        answer.query_result.payloads.add().CopyFrom(told.succeeded.response)
        return answer

    async def describe_workflow_execution(
        self, wanted: v1.DescribeWorkflowExecutionRequest, **_: Any
    ) -> v1.DescribeWorkflowExecutionResponse:
        """Tell how a run stands."""
        await self._on_the_way()
        run = self._known(wanted.execution.workflow_id)
        answer = v1.DescribeWorkflowExecutionResponse(workflow_execution_info=_described(run))
        time_skipping = answer.workflow_extended_info.time_skipping_info
        time_skipping.current_time.FromDatetime(self._server.now)
        answer.pending_activities.extend(run.underway.pending)
        return answer

    async def get_workflow_execution_history(
        self, wanted: v1.GetWorkflowExecutionHistoryRequest, **_: Any
    ) -> v1.GetWorkflowExecutionHistoryResponse:
        """Give the first event of a run, its end where it was terminated, or wait for its result.

        What lies between is kept otherwise here.
        """
        await self._on_the_way()
        run = self._known(wanted.execution.workflow_id)
        event = HistoryEvent()
        if run.status == "TERMINATED":
            event.event_type = EventType.EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED
            event.workflow_execution_terminated_event_attributes.reason = "simulated"
        elif wanted.wait_new_event:
            await run.closed
            assert run.status == "COMPLETED", f"{run.born.workflow_id} ended as {run.status}, and only results are told"
            event.workflow_execution_completed_event_attributes.result.payloads.add().CopyFrom(
                run.closing.complete_workflow_execution.result
            )
        else:
            assert wanted.maximum_page_size == 1, "a simulated run keeps no events; one that has them is on the server"
            started = event.workflow_execution_started_event_attributes
            started.workflow_type.name = run.born.type
            started.input.payloads.extend(run.born.given)
        answer = v1.GetWorkflowExecutionHistoryResponse()
        answer.history.events.append(event)
        return answer

    # What is asked of all

    async def list_workflow_executions(
        self, wanted: v1.ListWorkflowExecutionsRequest, **_: Any
    ) -> v1.ListWorkflowExecutionsResponse:
        """List the open runs of the types that the query names, or of cases and watches."""
        await self._on_the_way()
        if "TemporalReportedProblems" in wanted.query:  # a task that fails breaks the course
            return v1.ListWorkflowExecutionsResponse()
        rollouts = "PolicyRollout" in wanted.query
        listed = [
            run for run in self._server.runs.values() if run.open and rollouts == (run.born.type == "PolicyRollout")
        ]
        ours = [run for run in listed if rollouts or run.born.workflow_id.startswith(("case/", "watch/"))]
        return v1.ListWorkflowExecutionsResponse(executions=[_described(run) for run in ours])

    async def describe_task_queue(self, *_: Any, **__: Any) -> v1.DescribeTaskQueueResponse:
        """Tell which workers poll."""
        answer = v1.DescribeTaskQueueResponse()
        for identity in self.identities:
            poller = PollerInfo(identity=identity)
            poller.last_access_time.FromDatetime(self._server.now)
            answer.pollers.append(poller)
        return answer

    async def list_workers(self, *_: Any, **__: Any) -> v1.ListWorkersResponse:
        """Tell of no worker that stopped."""
        return v1.ListWorkersResponse()

    async def _on_the_way(self) -> None:
        await asyncio.sleep(self._server.moment())

    def _known(self, workflow_id: str) -> "Run":
        if workflow_id not in self._server.runs:
            raise _not_found()
        return self._server.runs[workflow_id]

    def _open(self, workflow_id: str) -> "Run":
        run = self._known(workflow_id)
        if not run.open:
            raise _not_found()
        return run


_USE_EXISTING = 2
"""The conflict policy by which an open run is found instead of started."""


def _may_run_again(known: "Run", wanted: v1.StartWorkflowExecutionRequest) -> bool:
    reuse = wanted.workflow_id_reuse_policy
    if reuse == WorkflowIdReusePolicy.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE:
        return False
    if reuse == WorkflowIdReusePolicy.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE_FAILED_ONLY:
        return known.status != "COMPLETED"
    return True


def _described(run: "Run") -> WorkflowExecutionInfo:
    info = WorkflowExecutionInfo(history_length=run.history.length, history_size_bytes=run.history.size)
    info.execution.workflow_id, info.execution.run_id = run.born.workflow_id, run.born.run_id
    info.type.name = run.born.type
    info.status = WorkflowExecutionStatus.Value(f"WORKFLOW_EXECUTION_STATUS_{run.status}")
    info.start_time.FromDatetime(run.born.at)
    if run.closed_at is not None:
        info.close_time.FromDatetime(run.closed_at)
    return info


def _not_found() -> RPCError:
    return RPCError("workflow execution already completed or unknown", RPCStatusCode.NOT_FOUND, b"")


def _already_started(known: "Run") -> RPCError:
    status = GrpcStatus(code=RPCStatusCode.ALREADY_EXISTS, message="already started")
    detail = Detail()
    detail.Pack(WorkflowExecutionAlreadyStartedFailure(run_id=known.born.run_id))
    status.details.append(detail)
    return RPCError("already started", RPCStatusCode.ALREADY_EXISTS, status.SerializeToString())


def _several(error: RPCError, *, first: bool) -> RPCError:
    """Return the failure of one of two operations, as the server tells it: the other one was given up."""
    aborted = MultiOperationExecutionFailure.OperationStatus(code=RPCStatusCode.ABORTED)
    detail = Detail()
    detail.Pack(MultiOperationExecutionAborted())
    aborted.details.append(detail)
    failed = MultiOperationExecutionFailure.OperationStatus(code=int(error.status), message=error.message)
    failed.details.extend(error.grpc_status.details)
    packed = Detail()
    packed.Pack(MultiOperationExecutionFailure(statuses=[failed, aborted] if first else [aborted, failed]))
    status = GrpcStatus(code=int(error.status), message=error.message, details=[packed])
    return RPCError(error.message, error.status, status.SerializeToString())
