"""Open by update-with-start: whoever comes with the same request any number of times opens one workflow."""

import asyncio
import hashlib
import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, TypeVar

from temporalio.client import Client, WithStartWorkflowOperation, WorkflowUpdateRPCTimeoutOrCancelledError
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError

from aftersale.schema import Schema
from aftersale.temporal.plugin import TASK_QUEUE

S = TypeVar("S", bound=Schema)

_NOT_STARTED = (RPCError, WorkflowAlreadyStartedError, WorkflowUpdateRPCTimeoutOrCancelledError)


async def decide_open(
    client: Client, workflow_type: str, workflow_id: str, given: Mapping[str, Any], summary: str, answer: type[S]
) -> S:
    """Return the decision on a request.

    What the update `open` answers to `given`, whose `request` is the workflow's input.
    """
    start: WithStartWorkflowOperation[Any, Any] = WithStartWorkflowOperation(
        workflow_type,
        given["request"],
        id=workflow_id,
        task_queue=TASK_QUEUE,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
        static_summary=summary,
    )
    digest = hashlib.sha256(json.dumps(given, sort_keys=True).encode()).hexdigest()
    return await update_with_start(client, start, "open", given, answer, f"open/{digest[:32]}")


async def update_with_start(
    client: Client,
    start: WithStartWorkflowOperation[Any, Any],
    update: str,
    given: Mapping[str, Any],
    answer: type[S],
    update_id: str | None = None,
) -> S:
    """Return what an update answers of a workflow that is started for it where it does not run. Raises as the SDK."""
    try:
        answered: S = await client.execute_update_with_start_workflow(
            update, given, start_workflow_operation=start, id=update_id, result_type=answer
        )
        return answered
    except _NOT_STARTED:
        # The operation keeps the failure as well, and asyncio reports one that nobody took from there.
        with suppress(*_NOT_STARTED, asyncio.CancelledError):
            await start.workflow_handle()
        raise


def as_sent(content: Schema) -> dict[str, Any]:
    """Content as it is sent: what was not set is left out."""
    return content.model_dump(mode="json", exclude_unset=True)
