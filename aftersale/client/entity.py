"""The base of the clients of cases and of watches: open by a request, give acts and signals, read the status."""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Generic, TypeVar
from uuid import uuid4

from temporalio.client import Client, WorkflowExecutionStatus, WorkflowHandle
from temporalio.exceptions import WorkflowAlreadyStartedError

from aftersale.client.calls import PATIENCE, await_answer, with_command
from aftersale.client.open import as_sent, decide_open
from aftersale.contract.commands import Act, read
from aftersale.contract.idempotency import fingerprint
from aftersale.contract.request import CaseRequest
from aftersale.contract.status import ALREADY_OPEN, Status
from aftersale.errors import BadInput, CaseNotFound, NoAnswer, Refusal, bad_input
from aftersale.schema import REQUEST_ID_FORM, Schema, is_id, is_request_id
from aftersale.times import floor
from aftersale.watch.request import WatchRequest
from aftersale.watch.status import WatchStatus

R = TypeVar("R", bound=CaseRequest | WatchRequest)
S = TypeVar("S", bound=Status | WatchStatus)
T = TypeVar("T")


class Entities(Generic[R, S]):
    """The workflows of one Temporal namespace that a request `R` opens, and whose status is an `S`."""

    _named: ClassVar[str]
    _prefix: ClassVar[str]
    _id_field: ClassVar[str]
    _conflict: ClassVar[str]
    _commands: ClassVar[Mapping[type[Act], Any]]
    _request_type: type[R]
    _status_type: type[S]

    def __init__(
        self,
        client: Client,
        *,
        timeout: timedelta = PATIENCE,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Use a connected client. `timeout` bounds every call; `now` stamps acts that bear no instant of their own."""
        self._client, self._timeout, self._now = client, timeout, now

    def _read(self, request: R | Mapping[str, Any]) -> R:
        return request if isinstance(request, self._request_type) else read(self._request_type, request, "request")

    async def _open(self, workflow_type: str, wanted: R, summary: str, **about: Any) -> S:
        """Return the status of the workflow that the request opens, or opened before. Raises Refusal, NoAnswer."""
        given, opened_id = {**about, "request": as_sent(wanted)}, getattr(wanted, self._id_field)
        opening = decide_open(self._client, workflow_type, wanted.workflow_id, given, summary, self._status_type)
        try:
            decision = await self._await_answer(opened_id, opening)
        except (CaseNotFound, WorkflowAlreadyStartedError):
            await self._require_own(workflow_type, opened_id, wanted)
        except Refusal as refusal:
            if refusal.code != ALREADY_OPEN:
                raise
        else:
            if decision.is_final:
                return decision
        # The server answers a repeated update with its first answer, however far the workflow has come since.
        return await self._ask(opened_id)

    async def _require_own(self, workflow_type: str, opened_id: str, wanted: R) -> None:
        """Make sure that it was this request that opened the workflow, which is over. Raises Refusal."""
        history = self._handle(opened_id).fetch_history_events(page_size=1)
        first = await self._await_answer(opened_id, anext(history))
        started = first.workflow_execution_started_event_attributes
        given = await self._client.data_converter.decode(started.input.payloads)
        if started.workflow_type.name != workflow_type or not self._is_same(given, wanted):
            raise Refusal(f"{self._id_field}_conflict", self._conflict.format(opened_id))

    def _is_same(self, given: list[Any], wanted: R) -> bool:
        """Return whether a workflow's input is this request; one that no client of ours sent may be anything."""
        try:
            return len(given) == 1 and read(self._request_type, given[0], "request") == wanted
        except BadInput:
            return False

    async def _give(self, opened_id: str, act: Act, request_id: str | None) -> S:
        """Return the status after a command. Raises Refusal, CaseNotFound, and NoAnswer with what is to be repeated.

        The update id is another one for other content, so that the server, which goes by that id alone, answers a
        repeat, even of a workflow that is over, and hands on whatever differs.
        """
        request_id = request_id or act.request_id or str(uuid4())
        if not is_request_id(request_id):
            raise bad_input("request_id", REQUEST_ID_FORM)
        told = {"occurred_at": act.occurred_at or floor(self._now()), "request_id": request_id}
        stamped = act.model_copy(update=told)
        handle, command = self._handle(opened_id), self._commands[type(act)]
        update_id = f"{request_id}/{fingerprint(command, act)}"
        given = handle.execute_update(command.value, as_sent(stamped), id=update_id, result_type=self._status_type)
        try:
            with suppress(CaseNotFound):
                return await self._await_answer(opened_id, given)
            return await self._give_late(opened_id, stamped, request_id)
        except NoAnswer as error:
            raise with_command(error, stamped, request_id) from error

    async def _give_late(self, opened_id: str, act: Act, request_id: str) -> S:
        """Return what becomes of a command to a workflow that is over."""
        raise self._refusal(await self._ask(opened_id))

    async def _signal(self, opened_id: str, name: str, content: Schema) -> None:
        """Send a signal. Raises Refusal where the workflow is over, CaseNotFound, NoAnswer."""
        try:
            await self._await_answer(opened_id, self._handle(opened_id).signal(name, as_sent(content)))
        except CaseNotFound as error:
            raise self._refusal(await self._ask(opened_id)) from error

    def _refusal(self, over: S) -> Refusal:
        """Return that a workflow which ended so takes nothing more."""
        raise NotImplementedError

    async def _ask(self, opened_id: str) -> S:
        """Return what the workflow itself says: by a query while it runs, which needs a worker; then by its result."""
        handle = self._handle(opened_id)
        description = await self._await_answer(opened_id, handle.describe())
        if description.status is WorkflowExecutionStatus.COMPLETED:
            return await self._await_answer(opened_id, handle.result())
        return await self._await_answer(opened_id, handle.query("status", result_type=self._status_type))

    def _handle(self, opened_id: str) -> WorkflowHandle[Any, S]:
        self._require_id(opened_id)
        return self._client.get_workflow_handle(f"{self._prefix}{opened_id}", result_type=self._status_type)

    def _require_id(self, opened_id: str) -> None:
        if not is_id(opened_id):
            said = "must be 1 to 64 of the characters A-Z a-z 0-9 . _ -; correct it"
            raise bad_input(self._id_field, said)

    async def _await_answer(self, opened_id: str, call: Awaitable[T]) -> T:
        return await await_answer(f"{self._named} {opened_id}", call, self._timeout)
