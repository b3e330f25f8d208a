"""Dispatch watches as a back end opens them, tells them what happened, and looks at them."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from uuid import uuid4

from temporalio.client import (
    Client,
    WorkflowExecutionStatus,
    WorkflowHandle,
)
from temporalio.exceptions import WorkflowAlreadyStartedError

from aftersale.client.calls import PATIENCE, await_answer, with_command
from aftersale.client.open import as_sent, decide_open
from aftersale.contract.commands import ParcelEvent, PolicyPublished, read
from aftersale.errors import BadInput, CaseNotFound, NoAnswer, Refusal, bad_input
from aftersale.schema import Schema, is_id
from aftersale.times import floor
from aftersale.watch.commands import SHAPES, WatchAct
from aftersale.watch.request import WATCH, WatchRequest
from aftersale.watch.status import WatchStatus
from aftersale.watch.ui import summary

T = TypeVar("T")

_COMMANDS = {shape: command for command, shape in SHAPES.items()}


class Watches:
    """The dispatch watches of one Temporal namespace."""

    def __init__(
        self,
        client: Client,
        *,
        timeout: timedelta = PATIENCE,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Use a connected client. `timeout` bounds every call; `now` stamps acts that bear no instant of their own."""
        self._client, self._timeout, self._now = client, timeout, now

    async def open(self, request: WatchRequest | Mapping[str, Any]) -> WatchStatus:
        """Watch a shipment, or find its watch: the same request any number of times opens one.

        Returns its status; `problems` says why a request was refused. A watch that is over answers with its record.
        Raises BadInput for a malformed request, Refusal (`shipment_id_conflict`) where another request watches the
        shipment, NoAnswer.
        """
        wanted = request if isinstance(request, WatchRequest) else read(WatchRequest, request, "request")
        try:
            decision = await self._answered(wanted.shipment_id, self._opening(wanted))
        except (CaseNotFound, WorkflowAlreadyStartedError):
            await self._require_own(wanted)
        else:
            if decision.is_final:
                return decision
        return await self.status(wanted.shipment_id)

    async def act(self, shipment_id: str, act: WatchAct, *, request_id: str | None = None) -> WatchStatus:
        """Tell a watch of a click, a delay or a cancelled order; repeated with the same request id it is taken once.

        Raises Refusal where the watch does not take it, or is over; CaseNotFound; NoAnswer.
        """
        stamped = act if act.occurred_at else act.model_copy(update={"occurred_at": floor(self._now())})
        request_id = request_id or str(uuid4())
        handle, name = self._handle(shipment_id), _COMMANDS[type(act)].value
        told = handle.execute_update(name, as_sent(stamped), id=request_id, result_type=WatchStatus)
        try:
            return await self._answered(shipment_id, told)
        except CaseNotFound as error:
            raise await self._over(shipment_id) from error
        except NoAnswer as error:
            raise with_command(error, stamped, request_id) from error

    async def scan(self, shipment_id: str, event: ParcelEvent) -> None:
        """Report a carrier's scan of an outbound parcel; repeats of an event id are dropped.

        A watch that is over needs no more scans of parcels that it found in order. Raises as `act` where it is over and
        a violation of this very parcel stands: only the platform can judge what it has to say then.
        """
        try:
            await self._signal(shipment_id, "parcel_event", event)
        except Refusal:
            over = await self.status(shipment_id)
            if any(each.tracking_no == event.tracking_no and each.cleared_at is None for each in over.violations):
                raise

    async def policy_published(self, shipment_id: str, revision: int) -> None:
        """Tell a watch that the policy book reached a revision, so that its clocks ask again (R9). Raises as `act`."""
        await self._signal(shipment_id, "policy_published", PolicyPublished(revision=revision))

    async def status(self, shipment_id: str) -> WatchStatus:
        """The watch as it stands; of one that is over, the record it left. Raises CaseNotFound, NoAnswer."""
        handle = self._handle(shipment_id)
        description = await self._answered(shipment_id, handle.describe())
        if description.status is WorkflowExecutionStatus.COMPLETED:
            return await self._answered(shipment_id, handle.result())
        return await self._answered(shipment_id, handle.query("status", result_type=WatchStatus))

    async def _signal(self, shipment_id: str, name: str, content: Schema) -> None:
        try:
            await self._answered(shipment_id, self._handle(shipment_id).signal(name, as_sent(content)))
        except CaseNotFound as error:
            raise await self._over(shipment_id) from error

    async def _opening(self, wanted: WatchRequest) -> WatchStatus:
        given = {"request": as_sent(wanted)}
        return await decide_open(self._client, WATCH, wanted.workflow_id, given, summary(wanted), WatchStatus)

    async def _require_own(self, wanted: WatchRequest) -> None:
        """Make sure that it was this request that opened the watch, which is over. Raises Refusal."""
        history = self._handle(wanted.shipment_id).fetch_history_events(page_size=1)
        first = await self._answered(wanted.shipment_id, anext(history))
        started = first.workflow_execution_started_event_attributes
        given = await self._client.data_converter.decode(started.input.payloads)
        try:
            same = len(given) == 1 and read(WatchRequest, given[0], "request") == wanted
        except BadInput:
            same = False
        if not same:
            said = f"shipment {wanted.shipment_id} was watched by another request; take a new shipment_id"
            raise Refusal("shipment_id_conflict", said)

    async def _over(self, shipment_id: str) -> Refusal:
        over = await self.status(shipment_id)
        ended = (over.end or over.state).words
        said = f"the watch of shipment {shipment_id} is over ({ended}) and takes nothing more; take it to the platform"
        return Refusal("illegal_move", said)

    def _handle(self, shipment_id: str) -> WorkflowHandle[Any, WatchStatus]:
        if not is_id(shipment_id):
            said = "must be 1 to 64 of the characters A-Z a-z 0-9 . _ -; correct it"
            raise bad_input("shipment_id", said)
        return self._client.get_workflow_handle(f"watch/{shipment_id}", result_type=WatchStatus)

    async def _answered(self, shipment_id: str, call: Awaitable[T]) -> T:
        return await await_answer(f"the watch of shipment {shipment_id}", call, self._timeout)
