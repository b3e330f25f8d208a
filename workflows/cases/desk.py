"""The desk at which a case is worked: it asks for deadlines, waits, and hands the procedure what was heard.

Handlers put acts and scans on the desk and wake it; only the procedure acts on them. A case is settled while its
procedure waits and it may be judged; between two such points it is settling.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar, overload

from temporalio import workflow

from aftersale.case.case import Case
from aftersale.case.projection import status
from aftersale.case.wakes import next_wake, reminder_due
from aftersale.contract.commands import Act, Leg, ParcelEvent, ScanEvent
from aftersale.contract.markdown import wake_summary
from aftersale.contract.status import Ending
from aftersale.schema import Schema
from aftersale.vocabulary import Clock, MessageEvent, Party, State
from workflows import outside
from workflows.cases.clocks import NO_STARTS, CaseClocks, Starts
from workflows.cases.recorder import TurnRecorder
from workflows.entity_desk import EntityDesk
from workflows.present import Present

A = TypeVar("A", bound=Schema)
B = TypeVar("B", bound=Schema)
C = TypeVar("C", bound=Schema)
D = TypeVar("D", bound=Schema)
E = TypeVar("E", bound=Schema)
T = TypeVar("T")


@dataclass(frozen=True)
class Lapse:
    """The stage's clock ran out; it took effect at this instant (R4), however late the case was woken."""

    at: datetime


class Stopped(Exception):
    """An operator cancelled the case; raised where a procedure waits for somebody, never while money is under way."""


class Desk(EntityDesk):
    """The working place of one case."""

    def __init__(self, case: Case, present: Present) -> None:
        super().__init__(present, case)
        self.case = case
        self.settlings = 0
        self.clocks = CaseClocks(case, self.revisions, present)
        self.advancing: asyncio.Task[None] | None = None
        self._heard: Act | None = None
        self._awaited_scan: tuple[Leg, ScanEvent] | None = None
        self._errands: list[asyncio.Task[None]] = []
        self._recorder = TurnRecorder(case.subject)

    # What handlers do

    def next_settled(self, unless: Callable[[], bool] = lambda: False) -> Callable[[], bool]:
        """Tell whether the case has settled again since this was asked for, or need not be waited for."""
        seen = self.settlings
        return lambda: unless() or (self.settled and self.settlings > seen)

    def hear(self, act: Act) -> None:
        """Hand the procedure the act that ends its stage; there is never more than one: the case is settling then."""
        self._heard = act
        self.wake()

    # What procedures and stages do

    async def enter(
        self, state: State, since: datetime, clock: Clock | None = None, beside: Starts = NO_STARTS
    ) -> None:
        """Begin a stage with its clock, which counts from `since`; clocks `beside` it have starts of their own."""
        started = await self.clocks.start({**({clock: since} if clock else {}), **beside})
        self.case.enter(state, since, started.pop(clock) if clock else None)
        self.case.start_beside(started)
        self._ask_awaited()

    async def go_on(self, state: State, since: datetime, clock: Clock) -> None:
        """Begin a stage into which the clock of the one before may run on; where none runs, it counts from `since`."""
        running = self.case.stage_clock
        if running is None or running.clock is not clock:
            await self.enter(state, since, clock)
        else:
            self.case.enter(state, since, running)
            self._ask_awaited()

    async def replace(self, clock: Clock, since: datetime, beside: Starts = NO_STARTS) -> None:
        """Put another clock in the place of the stage's own, whether earlier or later (R11)."""
        started = await self.clocks.start({clock: since, **beside})
        self.case.replace_clock(started.pop(clock))
        self.case.start_beside(started)
        self._ask_awaited()

    @overload
    async def answer(self, a: type[A], /) -> A | Lapse: ...
    @overload
    async def answer(self, a: type[A], b: type[B], /) -> A | B | Lapse: ...
    @overload
    async def answer(self, a: type[A], b: type[B], c: type[C], /) -> A | B | C | Lapse: ...
    @overload
    async def answer(self, a: type[A], b: type[B], c: type[C], d: type[D], /) -> A | B | C | D | Lapse: ...
    @overload
    async def answer(
        self, a: type[A], b: type[B], c: type[C], d: type[D], e: type[E], /
    ) -> A | B | C | D | E | Lapse: ...
    async def answer(self, *accepts: type[Schema]) -> Schema | Lapse:
        """Return the next thing that ends the stage: one of what it accepts, or the lapse of its clock."""
        while True:
            await self._catch_up()
            said = self._heard or (self._scan() if ParcelEvent in accepts else None)
            if said is not None:
                return self._accepted(said, accepts)
            running, present = self.case.stage_clock, self.present.server_time
            if running and not self.case.held_since and running.lapses_at and running.lapses_at <= present:
                self.case.lapse(running, self.now)
                return Lapse(running.lapses_at)
            if reminder_due(self.case, present):
                self.case.remind(self.now)
            await self._settle_and_wait()

    @overload
    async def hear_out(self, a: type[A], /) -> A: ...
    @overload
    async def hear_out(self, a: type[A], b: type[B], /) -> A | B: ...
    @overload
    async def hear_out(self, a: type[A], b: type[B], c: type[C], /) -> A | B | C: ...
    @overload
    async def hear_out(self, a: type[A], b: type[B], c: type[C], d: type[D], /) -> A | B | C | D: ...
    async def hear_out(self, *accepts: type[Any]) -> Any:
        """Return the next thing that ends a stage which no silence ends, and which may have no clock.

        Once its clock has run out the platform must look, and the stage waits on without one.
        """
        heard = await self.answer(*accepts)
        if isinstance(heard, Lapse):
            self.case.call_platform(heard.at, self.now)
            heard = await self.answer(*accepts)
        return heard

    def expect_parcel(self, leg: Leg, tracking_no: str, event: ScanEvent = "signed_for") -> None:
        """Wait for a scan of this parcel in this stage; it may have been reported already."""
        self.case.parcels.expect(leg, tracking_no)
        self._awaited_scan = leg, event

    @staticmethod
    def at(heard: Act | Lapse) -> datetime:
        """Say when what was heard happened."""
        happened = heard.at if isinstance(heard, Lapse) else heard.occurred_at
        assert happened is not None
        return happened

    async def meanwhile(self, work: Awaitable[T]) -> T:
        """Wait for something that is not the parties' to do; clocks beside the stage go on."""
        task = asyncio.ensure_future(work)
        task.add_done_callback(lambda _: self.wake())
        await self.clocks.catch_up()
        while not task.done():
            await self._settle_and_wait()
            await self.clocks.catch_up()
        return task.result()

    async def close(self, ending: Ending) -> None:
        """Close the case: clocks stop, both sides are told, and the records are brought up to the end."""
        self.case.finish(ending, self.now)
        self._stop_clocks()
        self.wake()
        if self.case.refunds.release():
            self.errand(outside.release(self.case.request.case_id))
        while not (self.settled and self._all_done):
            self._settle()
            await workflow.wait_condition(lambda: not self.settled or self._all_done)

    def errand(self, work: Coroutine[Any, Any, None]) -> None:
        """Have something done beside the stages; the case does not end before it is."""
        self._errands.append(asyncio.create_task(work))

    # How it works

    async def _ask_newer_book(self) -> None:
        await self.clocks.ask_newer_book()
        self.wake()

    @property
    def _all_done(self) -> bool:
        return self._recorder.idle and all(errand.done() for errand in self._errands)

    async def _catch_up(self) -> None:
        await self.clocks.catch_up()
        if self._stopped:
            raise Stopped

    async def _settle_and_wait(self) -> None:
        self._settle()
        wake = next_wake(self.case)
        if wake is None:
            self._timer.set(None, None, "")
        else:
            at, running = wake
            self._timer.set(at, (self.case.state, running.clock), wake_summary(running, at))
        await workflow.wait_condition(lambda: not self.settled)

    def _settle(self) -> None:
        """End the turn: operators see how the case stands, and it is written with the messages that it owes."""
        self.case.quotas.note_history(workflow.info().get_current_history_size())
        standing = status(self.case, self.now)
        self._visibility.show(self.case.request, standing)
        self._recorder.write(standing, self.case.messages.drain(standing), self.now, self.case.running)
        self.settled = True
        self.settlings += 1

    def _scan(self) -> ParcelEvent | None:
        """Return the scan that the stage waits for, unless it happened after the stage's clock had run out."""
        scan = self.case.parcels.first_scan(*self._awaited_scan) if self._awaited_scan else None
        clock = self.case.stage_clock
        in_time = scan and (self.case.held_since or clock is None or clock.in_time(scan.occurred_at))
        return scan if in_time else None

    def _accepted(self, said: Schema, accepts: tuple[type[A], ...]) -> A:
        self._heard = None
        if not isinstance(said, accepts):
            raise RuntimeError(f"{type(said).__name__} was recorded in {self.case.state}, which does not take it")
        return said

    def _ask_awaited(self) -> None:
        party = self.case.awaited
        if party not in (None, Party.SYSTEM):
            self.case.messages.add(party, MessageEvent.MOVE_AWAITED)
