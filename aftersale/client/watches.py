"""Dispatch watches as a back end opens them, tells them what happened, and looks at them."""

from collections.abc import Mapping
from typing import Any

from aftersale.client.entity import Entities
from aftersale.contract.commands import ParcelEvent
from aftersale.contract.publication import publication
from aftersale.errors import Refusal
from aftersale.watch.commands import SHAPES, WatchAct
from aftersale.watch.request import WATCH, WatchRequest
from aftersale.watch.status import WatchStatus
from aftersale.watch.ui import summary


class Watches(Entities[WatchRequest, WatchStatus]):
    """The dispatch watches of one Temporal namespace."""

    _named = "the watch of shipment"
    _prefix = "watch/"
    _id_field = "shipment_id"
    _conflict = "shipment {} was watched by another request; take a new shipment_id"
    _commands = {shape: command for command, shape in SHAPES.items()}
    _request_type = WatchRequest
    _status_type = WatchStatus

    async def open(self, request: WatchRequest | Mapping[str, Any]) -> WatchStatus:
        """Watch a shipment, or find its watch: the same request any number of times opens one.

        Returns its status; `problems` says why a request was refused. A watch that is over answers with its record.
        Raises BadInput for a malformed request, Refusal (`shipment_id_conflict`) where another request watches the
        shipment, NoAnswer.
        """
        wanted = self._read(request)
        return await self._open(WATCH, wanted, summary(wanted))

    async def act(self, shipment_id: str, act: WatchAct, *, request_id: str | None = None) -> WatchStatus:
        """Tell a watch of a click, a delay or a cancelled order; repeated with the same request id it is taken once.

        Raises Refusal where the watch does not take it, or is over, or where the request id was used for other content
        (`idempotency_conflict`); CaseNotFound; NoAnswer.
        """
        return await self._give(shipment_id, act, request_id)

    async def scan(self, shipment_id: str, event: ParcelEvent) -> None:
        """Report a carrier's scan of an outbound parcel; repeats of an event id are dropped.

        A watch that is over needs no more scans of parcels that it found in order. Raises as `act` where it is over and
        a violation of this very parcel stands: only the platform can judge what it has to say then.
        """
        try:
            await self._signal(shipment_id, "parcel_event", event)
        except Refusal:
            over = await self._ask(shipment_id)
            if any(each.tracking_no == event.tracking_no and each.cleared_at is None for each in over.violations):
                raise

    async def policy_published(self, shipment_id: str, revision: int) -> None:
        """Tell a watch that the policy book reached a revision, so that its clocks ask again (R9). Raises as `act`."""
        await self._signal(shipment_id, "policy_published", publication(revision))

    async def status(self, shipment_id: str) -> WatchStatus:
        """Return the watch as it stands; of one that is over, with what it ended. Raises CaseNotFound, NoAnswer.

        It is always the workflow that is asked, since of watches the records hold nothing but violations.
        """
        return await self._ask(shipment_id)

    def _refusal(self, over: WatchStatus) -> Refusal:
        shipment_id = over.shipment_id
        ended = (over.end or over.state).words
        said = f"the watch of shipment {shipment_id} is over ({ended}) and takes nothing more; take it to the platform"
        return Refusal("illegal_move", said)
