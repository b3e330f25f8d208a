"""DispatchWatch: whether the goods of a paid order leave in time, and whether their track is true (S12-S17, S29-S33).

As at a case, handlers judge, record and return, and validate themselves what any SDK sends.
"""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, TypeVar

from temporalio import workflow
from temporalio.common import RawValue

from aftersale.contract.commands import ParcelEvent, PolicyPublished, read
from aftersale.errors import BadInput, CommandRefused, Problem
from aftersale.schema import Schema, is_id
from aftersale.times import floor
from aftersale.vocabulary import WatchCommand
from aftersale.watch.commands import OpenWatch, WatchAct, parse
from aftersale.watch.request import WatchRequest
from aftersale.watch.status import WatchStatus, refused_watch_status
from aftersale.watch.validator import validate
from workflows import outside
from workflows.updates import failure, unknown, update, wait_until
from workflows.visibility import Visibility
from workflows.watch.desk import WatchDesk

S = TypeVar("S", bound=Schema)


@workflow.defn
class DispatchWatch:
    """Watches one shipment of an order, from its payment to the scans that prove it."""

    @workflow.init
    def __init__(self, *given: Any) -> None:
        """Read the request; what is wrong with it becomes the reason of a refusal."""
        self._given = given[0] if len(given) == 1 else None
        self._problems: tuple[Problem, ...] = ()
        self._desk: WatchDesk | None = None
        try:
            request = read(WatchRequest, self._given, "request")
        except BadInput as error:
            self._problems = error.problems
            return
        self._problems = tuple(request.problems(floor(workflow.info().workflow_start_time)))
        if workflow.info().workflow_id != request.workflow_id:
            wanted = f"does not fit the workflow id; start the workflow as {request.workflow_id}"
            self._problems = (Problem(field="shipment_id", message=wanted),)
        if not self._problems:
            self._desk = WatchDesk(request)

    @workflow.run
    async def run(self, *given: Any) -> WatchStatus:
        """Watch to the end; the result is the watch's record. A cancellation by an operator ends it at once."""
        working = asyncio.create_task(self._work())
        try:
            return await asyncio.shield(working)
        except asyncio.CancelledError:
            if self._desk is not None:
                self._desk.stop()
            return await working

    async def _work(self) -> WatchStatus:
        desk = self._desk
        if desk is not None:
            first = next(iter(desk.watch.questions(desk.now).values()))
            self._problems = tuple(await outside.unanswerable(first))
        if desk is None or self._problems:
            Visibility.show_refused_watch(self._problems)
        else:
            await desk.keep()
        await workflow.wait_condition(workflow.all_handlers_finished)
        return self.status()

    # What callers may send

    click = update(WatchCommand.CLICK)
    set_delay = update(WatchCommand.SET_DELAY)
    cancel_delay = update(WatchCommand.CANCEL_DELAY)
    cancel_order = update(WatchCommand.CANCEL_ORDER)

    @workflow.update(description="the decision on the request; repeatable")
    async def open(self, given: Any = None) -> WatchStatus:
        """Answer with the decision. A caller whose request differs from the watch's own learns of the conflict."""
        try:
            wanted = read(OpenWatch, {} if given is None else given, "payload")
        except BadInput as error:
            raise failure(error.problems) from error
        await wait_until(lambda: self._settled)
        if wanted.request is not None and not self._same(wanted.request):
            raise failure([Problem(code="shipment_id_conflict", field="shipment_id", message=_CONFLICT)])
        return self.status()

    @workflow.update(dynamic=True)
    async def refuse_unknown(self, name: str, given: Sequence[RawValue]) -> WatchStatus:
        """Whatever else is sent: refused at the door."""
        raise unknown(name, WatchCommand)

    @refuse_unknown.validator
    def _refuse_unserved(self, name: str, given: Sequence[RawValue]) -> None:
        raise unknown(name, WatchCommand)

    @workflow.signal(description="a carrier's scan of a parcel")
    def parcel_event(self, given: Any = None) -> None:
        """Keep a scan; whether it was in time is judged by when it happened."""
        self._hear(ParcelEvent, given, lambda desk, scan: desk.watch.scan(scan, desk.now))

    @workflow.signal(description="the policy book reached a revision; running clocks ask again")
    def policy_published(self, given: Any = None) -> None:
        """Have the running clocks ask the newer book."""
        self._hear(PolicyPublished, given, lambda desk, news: desk.hear_revision(news.revision))

    @workflow.signal(description="a revision was announced by mistake; clocks that wait for it ask again without it")
    def policy_withdrawn(self, given: Any = None) -> None:
        """Forget a revision that no policy book has."""
        self._hear(PolicyPublished, given, lambda desk, news: desk.forget_revision(news.revision))

    @workflow.query(description="the watch as it stands")
    def status(self) -> WatchStatus:
        """The watch as it stands; a refused request shows why."""
        if self._desk is None or self._problems:
            return refused_watch_status(self._shown_id(), self._problems)
        return self._desk.watch.status

    # How commands are taken

    def _check(self, command: WatchCommand, given: Any) -> None:
        """Refuse at the door what can be refused; nothing is written to history then."""
        self._judged(command, given)

    async def _take(self, command: WatchCommand, given: Any) -> WatchStatus:
        act, at = self._judged(command, given)
        desk = self._open
        desk.watch.take(command, act, at, desk.now)
        desk.wake()
        await wait_until(lambda: self._settled)
        return self._open.watch.status

    def _judged(self, command: WatchCommand, given: Any) -> tuple[WatchAct, datetime]:
        """What was given, and when it happened: as its back end says, else now (R15)."""
        desk = self._open
        try:
            act = parse(command, given)
            at = act.occurred_at or desk.now
            validate(desk.watch.shipment, command, act, at, desk.now)
        except BadInput as error:
            raise failure(error.problems) from error
        except CommandRefused as refusal:
            raise failure([refusal.problem]) from refusal
        return act, at

    def _hear(self, shape: type[S], given: Any, tell: Callable[[WatchDesk, S], None]) -> None:
        desk = self._desk
        if desk is None:
            return
        try:
            tell(desk, read(shape, given, "signal"))
        except BadInput as error:
            desk.watch.refuse_signal(str(error), desk.now)
        desk.wake()

    @property
    def _open(self) -> WatchDesk:
        if self._desk is None or self._problems:
            said = "; ".join(str(problem) for problem in self._problems)
            raise failure([Problem(code="refused", field="", message=f"the request opened no watch: {said}")])
        return self._desk

    @property
    def _settled(self) -> bool:
        """Whether the request was refused, or every conclusion is drawn of what the watch knows."""
        desk = self._desk
        return bool(self._problems) or desk is None or desk.settled or desk.watch.end is not None

    def _same(self, request: dict[str, Any]) -> bool:
        try:
            return read(WatchRequest, request, "request") == read(WatchRequest, self._given, "request")
        except BadInput:
            return request == self._given

    def _shown_id(self) -> str:
        named = self._given.get("shipment_id") if isinstance(self._given, dict) else None
        return str(named) if is_id(named) else workflow.info().workflow_id.removeprefix("watch/")[:64]


_CONFLICT = "names a shipment that another request watches; take a new shipment_id, or send the request unchanged"
