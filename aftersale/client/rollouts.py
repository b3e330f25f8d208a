"""Rollouts of a published policy book, as an operator's program starts, stops and watches them."""

from collections.abc import Awaitable
from datetime import timedelta
from typing import Any, TypeVar

from temporalio.client import (
    Client,
    WithStartWorkflowOperation,
    WorkflowExecutionStatus,
    WorkflowHandle,
    WorkflowQueryFailedError,
    WorkflowUpdateFailedError,
)
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import ApplicationError, WorkflowAlreadyStartedError

from aftersale.client.calls import PATIENCE, NotFound, await_server
from aftersale.client.open import update_with_start
from aftersale.contract.commands import read
from aftersale.contract.idempotency import CONFLICT, conflict
from aftersale.errors import NoAnswer, Refusal
from aftersale.policy.rollout import POLICY_ROLLOUT, Pace, Progress, RolloutInput, Step, is_other_book, workflow_id
from aftersale.temporal.plugin import TASK_QUEUE

T = TypeVar("T")


class Rollouts:
    """The rollouts of one Temporal namespace."""

    def __init__(self, client: Client, timeout: timedelta = PATIENCE) -> None:
        """Use a connected client; `timeout` bounds every call."""
        self._client, self._timeout = client, timeout

    async def start(self, revision: int, *, version: str | None = None, **pace: int) -> Progress:
        """Roll a revision out, or go on with its rollout; one that is done, or superseded, is only shown.

        `pace` may hold rate (cases in a second), batch and most_errors; one that goes on keeps what is not given anew.
        `version` is that of the book which is meant. Raises BadInput for an impossible pace, Refusal
        (`idempotency_conflict`: the revision was rolled out, or is, with another book), NoAnswer, ServiceFault.
        """
        order = RolloutInput(revision=revision, version=version, pace=read(Pace, pace, "pace"))
        asked = {**pace, "version": version} if version else pace
        start: WithStartWorkflowOperation[Any, Any] = WithStartWorkflowOperation(
            POLICY_ROLLOUT,
            order,
            id=workflow_id(revision),
            task_queue=TASK_QUEUE,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE_FAILED_ONLY,
            static_summary=f"policy book revision {revision}, to running cases",
        )
        try:
            call = update_with_start(self._client, start, "resume", asked, Progress)
            return await self._await_answer(revision, call)
        except WorkflowAlreadyStartedError:
            over = await self.progress(revision)
        if is_other_book(over.version, version):
            used = f"{revision} (policy book {over.version}, not {version})"
            raise Refusal(CONFLICT, str(conflict("revision", used)))
        return over

    async def stop(self, revision: int) -> Progress:
        """Have it tell no further case until it is started again; one that told nobody yet is cancelled.

        Raises as `start`; Refusal where there is no such rollout, or it is over.
        """
        handle = self._handle(revision)
        stopped: Progress = await self._await_answer(revision, handle.execute_update("pause", result_type=Progress))
        if stopped.step is Step.WORKERS:
            await self._await_answer(revision, handle.cancel())
        return stopped

    async def progress(self, revision: int) -> Progress:
        """Say how far it has come; one that is over is read as it ended, whatever works by now. Raises as `stop`."""
        handle = self._handle(revision)
        described = await self._await_answer(revision, handle.describe())
        if described.status is WorkflowExecutionStatus.COMPLETED:
            return await self._await_answer(revision, handle.result())
        asked: Awaitable[Progress] = handle.query("progress", result_type=Progress)
        return await self._await_answer(revision, asked)

    async def holdup(self, revision: int) -> str | None:
        """Say why what it does now has failed so far, or waits; None where it goes on. Raises as `stop`."""
        described = await self._await_answer(revision, self._handle(revision).describe())
        for each in described.raw_description.pending_activities:
            told: list[Any] = await self._client.data_converter.decode(each.heartbeat_details.payloads)
            if said := each.last_failure.message or next(iter(told), None):
                return str(said)
        return None

    def _handle(self, revision: int) -> WorkflowHandle[Any, Progress]:
        return self._client.get_workflow_handle(workflow_id(revision), result_type=Progress)

    async def _await_answer(self, revision: int, call: Awaitable[T]) -> T:
        try:
            return await await_server(call, self._timeout)
        except WorkflowQueryFailedError as error:
            said = f"the rollout of revision {revision} cannot answer ({error}); look at it in the Temporal UI"
            raise NoAnswer(said) from error
        except WorkflowUpdateFailedError as error:
            cause = error.cause
            conflicts = isinstance(cause, ApplicationError) and cause.type == CONFLICT
            raise Refusal(CONFLICT if conflicts else "refused", str(cause)) from error
        except NotFound as error:
            said = f"no rollout of revision {revision} is under way; `aftersale policy rollout` starts one"
            raise Refusal("no_rollout", said) from error
