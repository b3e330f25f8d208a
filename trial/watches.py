"""Dispatch watches on a workplace: opened on any date, moved along their calendar, acted on as back ends would."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from temporalio.service import RPCError, RPCStatusCode

from aftersale.temporal.plugin import TASK_QUEUE
from aftersale.times import local
from aftersale.watch.request import WATCH
from aftersale.watch.status import WatchStatus
from trial import virtual_time
from trial.environment import Running, Workplace


@dataclass(frozen=True)
class LiveWatch(Running[WatchStatus]):
    """One watch on its own calendar."""

    shape = WatchStatus

    async def scan(self, tracking_no: str, event: str, at: datetime, event_id: str, text: str | None = None) -> None:
        """Report a carrier's scan of an outbound parcel; a watch that it ends may be over before it is asked."""
        given = {"event_id": event_id, "leg": "outbound", "tracking_no": tracking_no, "event": event}
        await self.handle.signal("parcel_event", {**given, "occurred_at": local(at), "text": text})
        try:
            await self.update("open", {})
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise


async def start(place: Workplace, request: Any, at: datetime, *, workflow_id: str | None = None) -> LiveWatch:
    """Start a watch with a plain start; it believes that it starts at `at`."""
    named = request.get("shipment_id") if isinstance(request, dict) else None
    with place.env.with_time_skipping_disabled():
        handle = await place.client.start_workflow(
            WATCH,
            request,
            id=workflow_id or f"watch/{named}",
            task_queue=TASK_QUEUE,
            memo=virtual_time.memo(at),
            result_type=WatchStatus,
        )
    return LiveWatch(place.env, handle)


async def watch(place: Workplace, request: Any, at: datetime) -> LiveWatch:
    """Start a watch and wait for the decision on its request; a refused one may be over before it is asked."""
    live = await start(place, request, at)
    try:
        await live.update("open", {})
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise
    return live
