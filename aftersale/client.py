"""The typed client: what a back end uses to open cases, move them on and look at them.

Every command is an update: the caller learns whether it was taken, and why not. A command carries the instant at which
the caller received it and a request id; repeated with the same request id it is applied once.
"""

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, Self, TypeVar
from uuid import uuid4

from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest, ListSearchAttributesRequest
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest
from temporalio.client import (
    Client,
    WithStartWorkflowOperation,
    WorkflowExecutionStatus,
    WorkflowHandle,
    WorkflowQueryFailedError,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import ApplicationError, WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from aftersale.attributes import ATTRIBUTES
from aftersale.case import Status
from aftersale.commands import PAYLOADS, Act, ParcelEvent, PolicyPublished, read
from aftersale.errors import BadInput, Problem
from aftersale.failures import CaseNotFound, NoAnswer, Refusal, ServiceFault
from aftersale.kinds import CaseKind
from aftersale.plugin import TASK_QUEUE, connect
from aftersale.request import CaseRequest
from aftersale.schema import Schema, is_id
from aftersale.times import floor
from aftersale.view import summary

__all__ = [
    "WORKFLOW_TYPES",
    "CaseNotFound",
    "Cases",
    "NoAnswer",
    "Refusal",
    "ServiceFault",
    "connect",
]

T = TypeVar("T")

WORKFLOW_TYPES: Mapping[CaseKind, str] = {
    CaseKind.REFUND: "Refund",
    CaseKind.RETURN: "Return",
    CaseKind.EXCHANGE: "Exchange",
    CaseKind.RESHIP: "Reship",
    CaseKind.REPAIR: "Repair",
}
"""The workflow type that begins each kind of case."""

_COMMANDS = {shape: command for command, shape in PAYLOADS.items()}

_PASSING = {
    RPCStatusCode.CANCELLED,
    RPCStatusCode.DEADLINE_EXCEEDED,
    RPCStatusCode.RESOURCE_EXHAUSTED,
    RPCStatusCode.UNAVAILABLE,
}
"""What a server says that may serve the same call a little later."""

_NOT_STARTED = (RPCError, WorkflowAlreadyStartedError, WorkflowUpdateRPCTimeoutOrCancelledError)


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
        """The cases of the namespace that the environment names. Raises ServiceFault."""
        return cls(await connect(**overrides))

    async def open(self, kind: CaseKind, request: CaseRequest | Mapping[str, Any]) -> Status:
        """Open a case, or find it: the same request any number of times opens one case.

        Returns its status; `problems` says why a request was refused. A closed case answers with its record.
        Raises BadInput for a malformed request, Refusal (`case_id_conflict`) where the id belongs to another one,
        NoAnswer.
        """
        wanted = request if isinstance(request, CaseRequest) else read(CaseRequest, request, "request")
        try:
            decision = await self._answered(wanted.case_id, self._opening(kind, wanted))
        except (CaseNotFound, WorkflowAlreadyStartedError):
            await self._require_own(kind, wanted)
        else:
            if decision.is_final:
                return decision
        # The server answers a repeated update with its first answer, however far the case has come since.
        return await self.status(wanted.case_id)

    async def act(self, case_id: str, act: Act, *, request_id: str | None = None) -> Status:
        """Give a command; the status is that of the case's next rest.

        Repeat a call that raised NoAnswer with the error's `act` and `request_id`: it is applied once.
        Raises Refusal where the case does not take it, naming the commands that are legal; CaseNotFound; NoAnswer.
        """
        stamped = act if act.occurred_at else act.model_copy(update={"occurred_at": floor(self._now())})
        request_id = request_id or str(uuid4())
        name, handle = _COMMANDS[type(act)].value, self._handle(case_id)
        try:
            return await self._taken(
                case_id, handle.execute_update(name, _written(stamped), id=request_id, result_type=Status)
            )
        except NoAnswer as error:
            raise error.after(stamped, request_id) from error

    async def status(self, case_id: str) -> Status:
        """The case as it stands; of a closed case, the record it left. Raises CaseNotFound, NoAnswer."""
        handle = self._handle(case_id)
        description = await self._answered(case_id, handle.describe())
        if description.status is WorkflowExecutionStatus.COMPLETED:
            return await self._answered(case_id, handle.result())
        return await self._answered(case_id, handle.query("status", result_type=Status))

    async def runs(self, case_id: str) -> bool:
        """Whether the case's workflow runs; not once it is over, terminated, or forgotten. Raises as `setup`."""
        with suppress(CaseNotFound):
            description = await self._answered(case_id, self._handle(case_id).describe())
            return description.status is WorkflowExecutionStatus.RUNNING
        return False

    async def scan(self, case_id: str, event: ParcelEvent) -> None:
        """Report a carrier's scan; repeats of an event id are dropped.

        Raises CaseNotFound, Refusal where the case is over, NoAnswer.
        """
        await self._taken(case_id, self._handle(case_id).signal("parcel_event", _written(event)))

    async def policy_published(self, case_id: str, revision: int) -> None:
        """Tell a case that the policy book reached a revision, so that its clocks ask again (R9). Raises as `scan`."""
        content = _written(PolicyPublished(revision=revision))
        await self._taken(case_id, self._handle(case_id).signal("policy_published", content))

    async def setup(self) -> list[str]:
        """Register the search attributes that are missing; returns their names. Safe to repeat.

        Raises Refusal where one exists with another type, ServiceFault, NoAnswer.
        """
        missing = await self.missing_attributes()
        if missing:
            wanted = {name: _indexed(ATTRIBUTES[name]) for name in missing}
            request = AddSearchAttributesRequest(namespace=self._client.namespace, search_attributes=wanted)
            await self._served(self._client.operator_service.add_search_attributes(request))
        return missing

    async def missing_attributes(self) -> list[str]:
        """The search attributes that `setup` has still to register. Raises as `setup`."""
        request = ListSearchAttributesRequest(namespace=self._client.namespace)
        listed = await self._served(self._client.operator_service.list_search_attributes(request))
        found = listed.custom_attributes
        clashes = [
            f"{name} is not {type_}"
            for name, type_ in ATTRIBUTES.items()
            if found.get(name, _indexed(type_)) != _indexed(type_)
        ]
        if clashes:
            said = f"search attributes exist with another type: {', '.join(clashes)}"
            raise Refusal("attribute_clash", f"{said}; remove them with `temporal operator search-attribute remove`")
        return sorted(ATTRIBUTES.keys() - found.keys())

    async def retention(self) -> timedelta:
        """How long after its end the server keeps a case. Raises ServiceFault, NoAnswer."""
        request = DescribeNamespaceRequest(namespace=self._client.namespace)
        described = await self._served(self._client.workflow_service.describe_namespace(request))
        return described.config.workflow_execution_retention_ttl.ToTimedelta()

    # How a case is opened, and known again

    async def _opening(self, kind: CaseKind, wanted: CaseRequest) -> Status:
        content = _written(wanted)
        start: WithStartWorkflowOperation[Any, Any] = WithStartWorkflowOperation(
            _workflow_type(kind),
            content,
            id=f"case/{wanted.case_id}",
            task_queue=TASK_QUEUE,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
            static_summary=summary(kind, wanted),
        )
        given = {"kind": kind, "request": content}
        try:
            status: Status = await self._client.execute_update_with_start_workflow(
                "open", given, start_workflow_operation=start, id=f"open/{_digest(given)}", result_type=Status
            )
            return status
        except _NOT_STARTED:
            # The operation keeps the failure as well, and asyncio reports one that nobody took from there.
            with suppress(*_NOT_STARTED, asyncio.CancelledError):
                await start.workflow_handle()
            raise

    async def _require_own(self, kind: CaseKind, wanted: CaseRequest) -> None:
        """Make sure that it was this request that opened the case, which is over. Raises Refusal."""
        history = self._handle(wanted.case_id).fetch_history_events(page_size=1)
        first = await self._answered(wanted.case_id, anext(history))
        started = first.workflow_execution_started_event_attributes
        given = await self._client.data_converter.decode(started.input.payloads)
        if started.workflow_type.name != _workflow_type(kind) or not _same(given, wanted):
            raise Refusal("case_id_conflict", f"case {wanted.case_id} was opened with another request; take a new id")

    def _handle(self, case_id: str) -> WorkflowHandle[Any, Status]:
        if not is_id(case_id):
            raise BadInput(
                [Problem(field="case_id", message="must be 1 to 64 of the characters A-Z a-z 0-9 . _ -; correct it")]
            )
        return self._client.get_workflow_handle(f"case/{case_id}", result_type=Status)

    # How calls end

    async def _taken(self, case_id: str, call: Awaitable[T]) -> T:
        """The answer to what was sent to a case; one that is over takes nothing."""
        try:
            return await self._answered(case_id, call)
        except CaseNotFound as error:
            over = await self.status(case_id)
            said = f"case {case_id} is over ({over.state.words}); legal now: nothing, the case is final"
            raise Refusal("illegal_move", said) from error

    async def _answered(self, case_id: str, call: Awaitable[T]) -> T:
        """The answer to a call about a case, or what went wrong in this package's terms."""
        try:
            return await self._served(call)
        except WorkflowUpdateFailedError as error:
            cause = error.cause
            code = cause.type if isinstance(cause, ApplicationError) and cause.type else "refused"
            raise Refusal(code, cause.message if isinstance(cause, ApplicationError) else str(cause)) from error
        except WorkflowQueryFailedError as error:
            raise NoAnswer(f"case {case_id} cannot answer ({error}); look at it in the Temporal UI") from error
        except _NotFound as error:
            raise CaseNotFound(f"case {case_id} is unknown here; check its id, and TEMPORAL_NAMESPACE") from error

    async def _served(self, call: Awaitable[T]) -> T:
        """What the server answers in time, or what went wrong with that."""
        seconds = self._timeout.total_seconds()
        try:
            return await asyncio.wait_for(call, seconds)
        except (TimeoutError, WorkflowUpdateRPCTimeoutOrCancelledError) as error:
            raise NoAnswer(
                f"no answer within {seconds:g} s; check that a worker runs. It may still be applied"
            ) from error
        except RPCError as error:
            said = f"{error.status.name}: {error.message}"
            if error.status in _PASSING:
                raise NoAnswer(f"the Temporal server gives no answer now ({said}). It may still be applied") from error
            kind = _NotFound if error.status is RPCStatusCode.NOT_FOUND else ServiceFault
            raise kind(f"the Temporal server does not serve this ({said}); check its settings") from error


class _NotFound(ServiceFault):
    """The server knows no such thing."""


def _workflow_type(kind: CaseKind) -> str:
    if kind not in WORKFLOW_TYPES:
        raise BadInput([Problem(field="kind", message=f"is not served yet; open one of {', '.join(WORKFLOW_TYPES)}")])
    return WORKFLOW_TYPES[kind]


def _same(given: list[Any], wanted: CaseRequest) -> bool:
    """Whether a workflow's input is this request; one that no client of ours sent may be anything."""
    try:
        return len(given) == 1 and read(CaseRequest, given[0], "request") == wanted
    except BadInput:
        return False


def _written(content: Schema) -> dict[str, Any]:
    return content.model_dump(mode="json", exclude_unset=True)


def _digest(content: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:32]


def _indexed(type_: str) -> IndexedValueType.ValueType:
    return IndexedValueType.Value(f"INDEXED_VALUE_TYPE_{type_.upper()}")
