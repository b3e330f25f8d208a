"""The workers of a task queue as the server sees them: who they are, which of them stopped, how far they are behind."""

from datetime import UTC, timedelta

from temporalio.api.enums.v1 import TaskQueueType, WorkerStatus
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import (
    DescribeTaskQueueRequest,
    DescribeTaskQueueResponse,
    ListWorkersRequest,
)
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from activities import present

POLLED = timedelta(seconds=90)
"""A worker that lives asks for work at least once a minute; one that was not seen for so long is gone."""

_ANSWER = timedelta(seconds=10)
"""How long the server may take over one call."""

_OVER = {WorkerStatus.WORKER_STATUS_SHUTTING_DOWN, WorkerStatus.WORKER_STATUS_SHUTDOWN}

_UNSERVED = {RPCStatusCode.UNIMPLEMENTED, RPCStatusCode.PERMISSION_DENIED}

_WORKFLOWS = TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW
_ACTIVITIES = TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY


class Fleet:
    """The workers that share one task queue."""

    def __init__(self, client: Client, task_queue: str) -> None:
        self._client, self._queue = client, TaskQueue(name=task_queue)

    async def names(self) -> set[str]:
        """Return the names of the workers that asked for work of late, and have not said that they stop."""
        since = present.now() - POLLED
        queues = [await self._described(work) for work in (_WORKFLOWS, _ACTIVITIES)]
        polled = [each for queue in queues for each in queue.pollers if each.last_access_time.ToDatetime(UTC) >= since]
        return {each.identity for each in polled} - await self._stopped()

    async def behind(self) -> timedelta:
        """Say how long the oldest workflow task has waited for a worker; servers keep that answer for some seconds."""
        return (await self._described(_WORKFLOWS)).stats.approximate_backlog_age.ToTimedelta()

    async def _described(self, work: TaskQueueType.ValueType) -> DescribeTaskQueueResponse:
        request = DescribeTaskQueueRequest(
            namespace=self._client.namespace, task_queue=self._queue, task_queue_type=work, report_stats=True
        )
        return await self._client.workflow_service.describe_task_queue(request, timeout=_ANSWER)

    async def _stopped(self) -> set[str]:
        """Return those who told the server that they stop; where a server keeps no account of that, nobody."""
        over: set[str] = set()
        request = ListWorkersRequest(namespace=self._client.namespace)
        while True:
            try:
                found = await self._client.workflow_service.list_workers(request, timeout=_ANSWER)
            except RPCError as error:
                if error.status in _UNSERVED:
                    return set()
                raise
            beats = (each.worker_heartbeat for each in found.workers_info)
            over |= {beat.worker_identity for beat in beats if beat.status in _OVER}
            if not found.next_page_token:
                return over
            request.next_page_token = found.next_page_token
