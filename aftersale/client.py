"""The typed client: what a back end uses to open cases, move them on and look at them.

Every command is an update: the caller learns whether it was taken, and why not. A command carries the instant at which
the caller received it and a request id; repeated with the same request id it is applied once.
"""

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Self, TypeVar
from uuid import uuid4

from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest, ListSearchAttributesRequest
from temporalio.client import (
    Client,
    WithStartWorkflowOperation,
    WorkflowExecutionStatus,
    WorkflowHandle,
    WorkflowQueryRejectedError,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.envconfig import ClientConfig
from temporalio.exceptions import ApplicationError, WorkflowAlreadyStartedError
from temporalio.runtime import Runtime
from temporalio.service import RPCError, RPCStatusCode

from aftersale.attributes import ATTRIBUTES
from aftersale.case import Status
from aftersale.commands import PAYLOADS, Act, CaseRequest, ParcelEvent, PolicyPublished, read
from aftersale.errors import AftersaleError
from aftersale.kinds import CaseKind
from aftersale.plugin import TASK_QUEUE, plugin
from aftersale.times import floor
from aftersale.view import summary

T = TypeVar("T")

DEFAULT_ADDRESS = "127.0.0.1:7233"

WORKFLOW_TYPES: Mapping[CaseKind, str] = {CaseKind.RETURN: "Return"}
"""The workflow type that begins each kind of case."""

_COMMANDS = {shape: command for command, shape in PAYLOADS.items()}


class Refusal(AftersaleError):
    """A case did not take what was sent. `code` tells programs why, the message people."""

    def __init__(self, code: str, message: str) -> None:
        """Keep the code beside the words."""
        self.code = code
        super().__init__(message)


class CaseNotFound(AftersaleError):
    """No case of this id is known to the service."""


class NoAnswer(AftersaleError):
    """The service did not answer in time; what was sent may still be applied."""


async def connect(*, runtime: Runtime | None = None, **overrides: Any) -> Client:
    """A Temporal client by the environment (`TEMPORAL_ADDRESS`, …, or a profile file), with this product's plugin.

    Raises Temporal's own configuration errors, and RuntimeError where the server cannot be reached.
    """
    settings: dict[str, Any] = {"target_host": DEFAULT_ADDRESS}
    settings |= ClientConfig.load_client_connect_config(config_file_strict=True)
    settings |= {"plugins": [plugin()], "runtime": runtime} | overrides
    return await Client.connect(**settings)


class Cases:
    """The cases of one Temporal namespace."""

    def __init__(
        self,
        client: Client,
        *,
        timeout: timedelta = timedelta(seconds=30),
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Use a connected client. `timeout` bounds every call; `now` stamps acts that bear no instant of their own."""
        self._client, self._timeout, self._now = client, timeout, now

    @classmethod
    async def connect(cls, **overrides: Any) -> Self:
        """The cases of the namespace that the environment names."""
        return cls(await connect(**overrides))

    async def open(self, kind: CaseKind, request: CaseRequest | Mapping[str, Any]) -> Status:
        """Open a case, or find it: the same request any number of times opens one case.

        Returns its status; `problems` says why a request was refused. A closed case answers with its record.
        Raises BadInput for a malformed request, Refusal (`case_id_conflict`) where the id belongs to another request.
        """
        wanted = request if isinstance(request, CaseRequest) else read(CaseRequest, request, "request")
        content = wanted.model_dump(mode="json", exclude_unset=True)
        start: WithStartWorkflowOperation[Any, Any] = WithStartWorkflowOperation(
            WORKFLOW_TYPES[kind],
            content,
            id=f"case/{wanted.case_id}",
            task_queue=TASK_QUEUE,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
            static_summary=summary(kind, wanted),
        )
        opening = self._client.execute_update_with_start_workflow(
            "open",
            {"kind": kind, "request": content},
            start_workflow_operation=start,
            id=f"open/{_digest({'kind': kind, 'request': content})}",
            result_type=Status,
        )
        try:
            return await self._answered(wanted.case_id, opening)
        except (CaseNotFound, WorkflowAlreadyStartedError):
            return await self._record(kind, wanted)

    async def act(self, case_id: str, act: Act, *, request_id: str | None = None) -> Status:
        """Give a command; the status is that of the case's next rest.

        Repeat a call that raised NoAnswer with the same `request_id` and act: it is applied once.
        Raises Refusal where the case does not take it, naming the commands that are legal; CaseNotFound; NoAnswer.
        """
        stamped = act if act.occurred_at else act.model_copy(update={"occurred_at": floor(self._now())})
        update = self._handle(case_id).execute_update(
            _COMMANDS[type(act)].value,
            stamped.model_dump(mode="json", exclude_unset=True),
            id=request_id or str(uuid4()),
            result_type=Status,
        )
        return await self._answered(case_id, update)

    async def status(self, case_id: str) -> Status:
        """The case as it stands; of a closed case, the record it left. Raises CaseNotFound, NoAnswer."""
        handle = self._handle(case_id)
        description = await self._answered(case_id, handle.describe())
        if description.status is WorkflowExecutionStatus.COMPLETED:
            return await self._answered(case_id, handle.result())
        return await self._answered(case_id, handle.query("status", result_type=Status))

    async def scan(self, case_id: str, event: ParcelEvent) -> None:
        """Report a carrier's scan. Fire and forget: repeats of an event id are dropped. Raises CaseNotFound."""
        content = event.model_dump(mode="json", exclude_unset=True)
        await self._answered(case_id, self._handle(case_id).signal("parcel_event", content))

    async def policy_published(self, case_id: str, revision: int) -> None:
        """Tell a case that the policy book reached a revision, so that its clocks ask again (R9)."""
        content = PolicyPublished(revision=revision).model_dump(mode="json")
        await self._answered(case_id, self._handle(case_id).signal("policy_published", content))

    async def setup(self) -> list[str]:
        """Register the search attributes that are missing; returns their names. Safe to repeat.

        Raises Refusal where one exists with another type.
        """
        present = await self._attributes()
        clashes = [name for name, type_ in present.items() if type_ != _indexed(ATTRIBUTES[name])]
        if clashes:
            raise Refusal("attribute_clash", f"search attributes {clashes} exist with another type; remove them first")
        missing = {name: _indexed(type_) for name, type_ in ATTRIBUTES.items() if name not in present}
        if missing:
            request = AddSearchAttributesRequest(namespace=self._client.namespace, search_attributes=missing)
            await self._client.operator_service.add_search_attributes(request)
        return sorted(missing)

    async def missing_attributes(self) -> list[str]:
        """The search attributes that `setup` has still to register."""
        return sorted(ATTRIBUTES.keys() - (await self._attributes()).keys())

    async def _attributes(self) -> dict[str, Any]:
        request = ListSearchAttributesRequest(namespace=self._client.namespace)
        found = await self._client.operator_service.list_search_attributes(request)
        return {name: type_ for name, type_ in found.custom_attributes.items() if name in ATTRIBUTES}

    async def _record(self, kind: CaseKind, wanted: CaseRequest) -> Status:
        """The record of a case that is over, if it was this request that opened it."""
        handle = self._handle(wanted.case_id)
        async for event in handle.fetch_history_events(page_size=1):
            started = event.workflow_execution_started_event_attributes
            given = (await self._client.data_converter.decode(started.input.payloads))[0]
            if started.workflow_type.name != WORKFLOW_TYPES[kind] or read(CaseRequest, given, "request") != wanted:
                raise Refusal("case_id_conflict", f"case {wanted.case_id} was opened with another request; take a new id")
            break
        return await self._answered(wanted.case_id, handle.result())

    def _handle(self, case_id: str) -> WorkflowHandle[Any, Status]:
        return self._client.get_workflow_handle(f"case/{case_id}", result_type=Status)

    async def _answered(self, case_id: str, call: Awaitable[T]) -> T:
        """The answer to a call, or this package's error for what went wrong."""
        try:
            return await asyncio.wait_for(call, self._timeout.total_seconds())
        except WorkflowUpdateFailedError as error:
            cause = error.cause
            code = cause.type if isinstance(cause, ApplicationError) and cause.type else "refused"
            message = cause.message if isinstance(cause, ApplicationError) else str(cause)
            raise Refusal(code, message) from error
        except (TimeoutError, WorkflowUpdateRPCTimeoutOrCancelledError, WorkflowQueryRejectedError) as error:
            waited = int(self._timeout.total_seconds())
            raise NoAnswer(
                f"case {case_id} gave no answer within {waited} s; what was sent may still be applied. Check that a "
                "worker runs, then repeat it with the same request id"
            ) from error
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                raise CaseNotFound(f"case {case_id} is not running here: unknown, or over") from error
            raise


def _digest(content: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:32]


def _indexed(type_: str) -> Any:
    return IndexedValueType.Value(f"INDEXED_VALUE_TYPE_{type_.upper()}")
