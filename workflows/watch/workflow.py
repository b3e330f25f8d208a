"""The watch of a shipment: whether paid goods leave in time, and whether their track is true (S12-S17, S29-S33)."""

from datetime import datetime
from types import MappingProxyType
from typing import Any

from temporalio import workflow

from aftersale.contract.commands import ParcelEvent
from aftersale.errors import BadInput
from aftersale.times import floor
from aftersale.vocabulary import Party, WatchCommand
from aftersale.watch.commands import SHAPES, OpenWatch, WatchAct
from aftersale.watch.request import WatchRequest
from aftersale.watch.status import WatchStatus, refused_watch_status
from aftersale.watch.validator import validate
from workflows import outside
from workflows.entity import Entity, wait_until
from workflows.refusals import failing_updates
from workflows.visibility import Visibility
from workflows.watch.desk import WatchDesk


@workflow.defn
class DispatchWatch(Entity[WatchRequest, WatchAct, WatchDesk, WatchStatus]):
    """Watches one shipment of an order, from its payment to the scans that prove it."""

    noun = "watch"
    id_field = "shipment_id"
    conflict = "names a shipment that another request watches; take a new shipment_id, or send the request unchanged"
    request_type = WatchRequest
    opening_type = OpenWatch
    payloads = MappingProxyType(SHAPES)

    @workflow.run
    async def run(self, *given: Any) -> WatchStatus:
        """Watch to the end; the result is the watch's record."""
        return await self.work(self._keep())

    async def _keep(self) -> None:
        desk = self._desk
        if desk is not None:
            first = next(iter(desk.watch.questions(desk.now).values()))
            self._problems = tuple(await outside.unanswerable(first))
        if desk is None or self._problems:
            Visibility.show_refused_watch(self._problems)
        else:
            await desk.keep()

    @workflow.query(description="the watch as it stands")
    def status(self) -> WatchStatus:
        """Return the watch as it stands; a refused request shows why."""
        if self._desk is None or self._problems:
            return refused_watch_status(self._shown_id(), self._problems)
        return self._desk.watch.status

    def _desk_for(self, request: WatchRequest) -> WatchDesk:
        if problems := request.problems(floor(workflow.info().workflow_start_time)):
            raise BadInput(problems)
        return WatchDesk(request, self._present)

    def _judge(self, command: WatchCommand, act: WatchAct, at: datetime) -> None:
        desk = self._require_desk()
        with failing_updates():
            validate(desk.watch.shipment, desk.watch.quotas, command, act, at, self._present.second)

    async def _take(self, command: WatchCommand, act: WatchAct, at: datetime) -> WatchStatus:
        self._judge(command, act, at)
        desk = self._require_desk()
        self._present.note_fact(at)
        told = self._told
        desk.watch.take(command, act, at, desk.now)
        desk.wake()
        await wait_until(lambda: self._is_decided)
        self._require_desk()
        return self._since(told)

    def _hear_scan(self, desk: WatchDesk, scan: ParcelEvent) -> bool:
        return desk.watch.scan(scan, self._present.second)

    def _refuse_signal(self, desk: WatchDesk, says: str) -> None:
        desk.watch.refuse_signal(says, Party.CARRIER, desk.now)

    @property
    def _is_decided(self) -> bool:
        return super()._is_decided or (self._desk is not None and self._desk.watch.end is not None)
