"""The desk at which a case is worked: it asks for deadlines, waits, and hands the page what was heard.

Handlers put acts and scans on the desk and wake it; only the page acts on them. A rest is the point at which the page
waits and the case may be judged; between two rests the case is moving.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import TypeVar, overload

from temporalio import workflow

from aftersale.clock import RunningClock
from aftersale.commands import Act, ParcelEvent
from aftersale.dossier import Dossier, Ending
from aftersale.facts import Question
from aftersale.kinds import Clock, Party, State
from aftersale.messages import Message
from aftersale.money import Settlement
from aftersale.readout import next_move
from aftersale.schema import Schema
from aftersale.times import floor, local
from aftersale.view import timer_summary
from workflows import outside
from workflows.alarm import Alarm
from workflows.board import Board

A = TypeVar("A", bound=Schema)
B = TypeVar("B", bound=Schema)
C = TypeVar("C", bound=Schema)
D = TypeVar("D", bound=Schema)
T = TypeVar("T")

Starts = Mapping[Clock, datetime]
"""Clocks to start, and when each began to count."""

NO_STARTS: Starts = MappingProxyType({})


@dataclass(frozen=True)
class Lapse:
    """The stage's clock ran out; it took effect at this instant (R4), however late the case was woken."""

    at: datetime


@dataclass(frozen=True)
class Reask:
    """A reason to ask the book again: which question each running clock is to put now."""

    why: str
    question: Callable[[RunningClock], Question]


class Desk:
    """The working place of one case."""

    def __init__(self, case: Dossier) -> None:
        """Lay the file on the desk."""
        self.case = case
        self.resting = False
        self.rests = 0
        self.revision = 0
        self._heard: Act | None = None
        self._reasks: deque[Reask] = deque()
        self._publication: asyncio.Task[None] | None = None
        self._errands: set[asyncio.Task[None]] = set()
        self._alarm = Alarm(self.wake)
        self._board = Board()

    @property
    def now(self) -> datetime:
        """The case's present, floored to the second (R4)."""
        return floor(workflow.now())

    # What handlers do

    def wake(self) -> None:
        """Let the page look again."""
        self.resting = False

    def hear(self, act: Act) -> None:
        """Hand the page the act that ends its stage; there is never more than one, since the case is moving then."""
        self._heard = act
        self.wake()

    def reask(self, why: str, question: Callable[[RunningClock], Question]) -> None:
        """Have the page ask the book again for every clock whose question changes."""
        self._reasks.append(Reask(why, question))
        self.wake()

    def published(self, revision: int) -> None:
        """A newer policy book is out: ask it about the clocks that run, without keeping anybody waiting (R9)."""
        if revision > self.revision:
            self.revision = revision
            if self._publication is None or self._publication.done():
                self._publication = asyncio.create_task(self._ask_newer_book())

    # What pages and stages do

    async def enter(
        self, state: State, since: datetime, clock: Clock | None = None, beside: Starts = NO_STARTS
    ) -> None:
        """Begin a stage with its clock, which counts from `since`; clocks `beside` it have starts of their own."""
        started = await self._start({**({clock: since} if clock else {}), **beside})
        self.case.enter(state, since, started.pop(clock) if clock else None)
        self.case.beside.update(started)
        self._tell_awaited()

    async def replace(self, clock: Clock, since: datetime, beside: Starts = NO_STARTS) -> None:
        """Put another clock in the place of the stage's own, whether earlier or later (R11)."""
        started = await self._start({clock: since, **beside})
        self.case.stage_clock = started.pop(clock)
        self.case.beside.update(started)
        self._tell_awaited()

    @overload
    async def answer(self, a: type[A], /) -> A | Lapse: ...
    @overload
    async def answer(self, a: type[A], b: type[B], /) -> A | B | Lapse: ...
    @overload
    async def answer(self, a: type[A], b: type[B], c: type[C], /) -> A | B | C | Lapse: ...
    @overload
    async def answer(self, a: type[A], b: type[B], c: type[C], d: type[D], /) -> A | B | C | D | Lapse: ...
    async def answer(self, *accepts: type[Schema]) -> Schema | Lapse:
        """The next thing that ends the stage: one of what it accepts, or the lapse of its clock."""
        while True:
            await self._catch_up()
            said = self._heard or (self._sign_off() if ParcelEvent in accepts else None)
            if said is not None:
                return self._accepted(said, accepts)
            running = self.case.stage_clock
            if running and not self.case.held_since and running.lapses_at and running.lapses_at <= workflow.now():
                self.case.lapse(running, self.now)
                return Lapse(running.lapses_at)
            await self._rest()

    async def hear_only(self, accepts: type[A]) -> A:
        """The next command that ends a stage without a clock."""
        while self._heard is None:
            await self._catch_up()
            await self._rest()
        return self._accepted(self._heard, (accepts,))

    def expect_parcel(self, tracking_no: str) -> None:
        """The stage waits for this parcel's sign-off, which may have been reported already."""
        self.case.parcel = tracking_no

    @staticmethod
    def at(heard: Act | Lapse) -> datetime:
        """When what was heard happened."""
        happened = heard.at if isinstance(heard, Lapse) else heard.occurred_at
        assert happened is not None
        return happened

    async def pay(self, amount_minor: int, tender: str | None) -> Settlement:
        """Instruct the payment service and wait for its definitive answer; clocks beside go on meanwhile."""
        instruction = self.case.payout.instruct(amount_minor, tender, self.now)
        said = f"refund of {amount_minor} {instruction.currency} minor instructed as {instruction.key}"
        self.case.note("RefundInstructed", said, Party.SYSTEM, self.now, self.now)
        settlement = await self._meanwhile(outside.refund(instruction))
        self.case.payout.settle(settlement)
        if settlement.status == "succeeded":
            said = f"refund {instruction.key} paid, provider reference {settlement.provider_ref}"
            self.case.note("RefundSucceeded", said, Party.SYSTEM, self.now, self.now)
        else:
            said = f"refund {instruction.key} declined: {settlement.reason}"
            self.case.note("RefundDeclined", said, Party.SYSTEM, self.now, self.now)
        return settlement

    async def close(self, ending: Ending) -> None:
        """The case is over: clocks stop, both sides are told, and what is owed to them is sent."""
        self.case.finish(ending, self.now)
        if self._publication is not None:
            self._publication.cancel()
        self._alarm.set(None, None, "")
        self.wake()
        while self._errands or not self.resting:
            self._show()
            self._at_rest()
            await workflow.wait_condition(lambda: not self.resting or not self._errands)

    # How it works

    async def _start(self, starts: Starts) -> dict[Clock, RunningClock]:
        if not starts:
            return {}
        while True:
            revision, learned_at = self.revision, self.now
            questions = [self.case.question(clock, since, learned_at) for clock, since in starts.items()]
            deadlines = await outside.quote(questions, revision)
            if revision == self.revision:
                break
        started = {
            question.clock: RunningClock.begun(question, deadline, learned_at)
            for question, deadline in zip(questions, deadlines, strict=True)
        }
        for running in started.values():
            self.case.note_clock("DeadlineSet", running, "policy", f"deadline set: {timer_summary(running)}", self.now)
        return started

    async def _catch_up(self) -> None:
        """Do what has piled up: re-timings first, then the alerts of clocks that run beside."""
        while self._reasks:
            reask, before = self._reasks[0], self.case.running
            asked = [(running, reask.question(running)) for running in before]
            changed = [(running, question) for running, question in asked if question != running.question]
            questions = [question.model_copy(update={"as_of": self.now}) for _, question in changed]
            deadlines = await outside.quote(questions, self.revision) if questions else []
            if self.case.running != before:
                continue  # a newer book answered meanwhile: put the same to the clocks as they are now
            self._reasks.popleft()
            for (running, _), question, deadline in zip(changed, questions, deadlines, strict=True):
                self.case.retime(running, question, deadline, reask.why, self.now)
        for running in list(self.case.beside.values()):
            if running.lapses_at and running.lapses_at <= workflow.now():
                self.case.alert(running, self.now)

    async def _ask_newer_book(self) -> None:
        asked: list[RunningClock] = []
        revision = -1
        while self.case.running and (revision < self.revision or asked != self.case.running):
            revision, asked = self.revision, self.case.running
            questions = [running.question.model_copy(update={"as_of": self.now}) for running in asked]
            deadlines = await outside.quote_from_newer_book(questions, revision)
            if asked == self.case.running:
                why = f"policy book revision {revision} was published"
                for running, question, deadline in zip(asked, questions, deadlines, strict=True):
                    self.case.retime(running, question, deadline, why, self.now)
                asked = self.case.running
        self.wake()

    async def _meanwhile(self, work: Awaitable[T]) -> T:
        task = asyncio.ensure_future(work)
        task.add_done_callback(lambda _: self.wake())
        await self._catch_up()
        while not task.done():
            await self._rest()
            await self._catch_up()
        return task.result()

    async def _rest(self) -> None:
        self._show()
        self._at_rest()
        running = min(
            (running for running in self.case.waking if running.lapses_at),
            key=lambda running: running.lapses_at or running.question.started_at,
            default=None,
        )
        label = (self.case.state, running.clock) if running else None
        self._alarm.set(running.lapses_at if running else None, label, timer_summary(running) if running else "")
        await workflow.wait_condition(lambda: not self.resting)

    def _at_rest(self) -> None:
        self.resting = True
        self.rests += 1

    def _sign_off(self) -> ParcelEvent | None:
        """The parcel's sign-off, unless it happened after the stage's clock had run out."""
        scan = self.case.sign_off()
        clock = self.case.stage_clock
        in_time = scan and (self.case.held_since or clock is None or clock.in_time(scan.occurred_at))
        return scan if in_time else None

    def _accepted(self, said: Schema, accepts: tuple[type[A], ...]) -> A:
        self._heard = None
        if not isinstance(said, accepts):
            raise RuntimeError(f"{type(said).__name__} was recorded in {self.case.state}, which does not take it")
        return said

    def _tell_awaited(self) -> None:
        following = next_move(self.case, self.now)
        if following.party is not None and following.party is not Party.SYSTEM:
            until = f", by {local(following.respond_by)}" if following.respond_by else ""
            silence = f"; silence means {following.on_timeout.words}" if following.on_timeout else ""
            body = f"{self.case.state.words}: {', '.join(following.commands)}{until}{silence}"
            self.case.owe(following.party, self.case.state, self.case.state.words, body, following.respond_by)

    def _show(self) -> None:
        """Show the case to operators, and send what this turn owes to the parties."""
        self._board.show(self.case, self.now)
        if self.case.owed:
            messages, self.case.owed = self.case.owed, []
            task = asyncio.create_task(self._send(messages))
            self._errands.add(task)
            task.add_done_callback(self._errands.discard)

    async def _send(self, messages: list[Message]) -> None:
        if not await outside.notify(messages):
            numbers = ", ".join(message.message_id for message in messages)
            self.case.note("MessageUndelivered", f"no channel took {numbers}", Party.SYSTEM, self.now, self.now)
