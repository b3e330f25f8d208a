"""Calls on their way: the server has them, and no worker takes them yet."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, TypeVar
from uuid import uuid4

from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.update.v1 import UpdateRef
from temporalio.api.workflowservice.v1 import PollWorkflowExecutionUpdateRequest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from aftersale.contract.status import Status
from trial.environment import Live

T = TypeVar("T")


@dataclass(frozen=True)
class _Noting(Live):
    """A case that notes under which ids it is sent commands."""

    ids: list[str] = field(default_factory=list)

    async def update(self, name: str, payload: Any, **options: Any) -> Status:
        named = {"id": uuid4().hex, **options}
        self.ids.append(named["id"])
        return await super().update(name, payload, **named)


async def sending(live: Live, call: Callable[[Live], Coroutine[Any, Any, T]]) -> asyncio.Task[T]:
    """Send a command; the answer is still to come, but the server has it.

    A command that waits for a worker is in no history and in no description, but its id is known.
    """
    noting = _Noting(live.env, live.handle)
    task = asyncio.create_task(call(noting))
    async with asyncio.timeout(60):
        while not task.done() and not (noting.ids and await is_known(live.env.client, live.handle.id, noting.ids[-1])):
            await asyncio.sleep(0.01)
    return task


async def is_known(client: Client, workflow_id: str, update_id: str) -> bool:
    """Tell whether the server has an update, whoever it waits for."""
    whose = WorkflowExecution(workflow_id=workflow_id)
    asked = PollWorkflowExecutionUpdateRequest(
        namespace=client.namespace, update_ref=UpdateRef(workflow_execution=whose, update_id=update_id)
    )
    try:
        await client.workflow_service.poll_workflow_execution_update(asked)
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise
        return False
    return True
