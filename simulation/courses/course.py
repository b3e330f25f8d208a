"""A course under way: a world, what happens in it step by step, and the log in the trade's words."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime, timedelta
from random import Random
from typing import Any, Generic, TypeVar

from temporalio.client import WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError, RPCStatusCode

from aftersale.contract.idempotency import CONFLICT
from aftersale.contract.status import Status
from aftersale.errors import Refusal
from aftersale.schema import Schema
from aftersale.times import local
from aftersale.watch.status import WatchStatus
from simulation.courses import checks
from simulation.courses.plan import Plan, Sort, Step
from simulation.house import World
from simulation.temporal.instance import CONVERTER
from simulation.temporal.run import Run

S = TypeVar("S", bound=Schema)
Standing = TypeVar("Standing", Status, WatchStatus)

PATIENCE = timedelta(days=3)
"""How long is waited for things to settle: longer than any outage lasts."""


class Over(Exception):
    """What was sent found nobody: its workflow had ended."""


class Course:
    """What all courses share: sending, waiting, and saying what happens."""

    def __init__(self, world: World, plan: Plan, workflow_id: str, say: Callable[[str], None]) -> None:
        """Nothing has happened yet; `say` takes the log line by line."""
        self.world, self.plan, self.workflow_id, self.say = world, plan, workflow_id, say
        self.handle = world.server.client.get_workflow_handle(workflow_id)
        self.sent = 0
        self._updates = 0
        self._numbers: dict[tuple[str, str], int] = {}

    @property
    def now(self) -> datetime:
        """The present of the world."""
        return self.world.server.now

    @property
    def run(self) -> Run:
        """The workflow's run."""
        return self.world.server.runs[self.workflow_id]

    def fresh_id(self) -> str:
        """Return an id that nothing sent has had."""
        self.sent += 1
        return f"request-{self.sent}"

    async def ask(self, shape: type[S]) -> S:
        """Say how the workflow stands: by a query while it runs, by its result after that."""
        if not self.run.open:
            result = self.run.closing.complete_workflow_execution.result
            (found,) = CONVERTER.payload_converter.from_payloads([result], [shape])
        else:
            try:
                found = await self.handle.query("status", result_type=shape)
            except RPCError as error:
                assert error.status is RPCStatusCode.NOT_FOUND, error
                return await self.ask(shape)
        assert isinstance(found, shape)
        return found

    async def update(self, name: str, payload: Any, request_id: str, shape: type[S]) -> S:
        """Send an update. Raises Refusal where it is refused, Over where nobody is there to take it."""
        sent = {**payload, "request_id": request_id} if isinstance(payload, dict) else payload
        update_id = f"{request_id}/{self._update_number(request_id, name, sent)}"
        try:
            found: S = await self.handle.execute_update(name, sent, id=update_id, result_type=shape)
        except WorkflowUpdateFailedError as error:
            cause = error.cause
            assert isinstance(cause, ApplicationError) and cause.type, f"{name} failed without a code: {cause!r}"
            raise Refusal(cause.type, cause.message) from error
        except RPCError as error:
            assert error.status is RPCStatusCode.NOT_FOUND, error
            raise Over from error
        return found

    async def conflicting(self, name: str, payload: Any, request_id: str, shape: type[S]) -> None:
        """Send other content under an id that was used: it must be refused as just that. Raises Over."""
        self.say(f"{name} {payload} under an id that was used, {request_id}")
        with checks.holding(checks.ONE_CONTENT):
            try:
                await self.update(name, payload, request_id, shape)
            except Refusal as refusal:
                assert refusal.code == CONFLICT, refusal
            else:
                raise AssertionError(f"{name} was answered as what came before as {request_id}")

    async def whole(self, answer: Standing, require: Callable[[Standing], None]) -> Standing:
        """Return the status that a command was answered with, and the timeline up to there, which answers leave out.

        It is held against what it must be. Raises Broken.
        """
        now = await self.ask(type(answer))
        told = [now.timeline[:end] for end in checks.of_an_answer(answer, now)]
        wholes = [answer.model_copy(update={"timeline": lines}) for lines in told]
        for found in wholes[:-1]:
            with suppress(checks.Broken):
                require(found)
                return found
        require(wholes[-1])
        return wholes[-1]

    def _update_number(self, request_id: str, name: str, sent: Any) -> int:
        """Return what tells this update from others of its request: nothing but its content, or every call anew.

        Callers do either, by turns: the first as our client does, whose repeats the server answers by itself.
        """
        self._updates += 1
        as_ours = int(request_id.rpartition("-")[2]) % 2
        return self._numbers.setdefault((name, repr(sent)), self._updates) if as_ours else self._updates

    async def signal(self, name: str, payload: Any) -> None:
        """Send a signal; one that finds nobody is lost."""
        try:
            await self.handle.signal(name, payload)
        except RPCError as error:
            assert error.status is RPCStatusCode.NOT_FOUND, error

    async def settle(self) -> None:
        """Wait until nothing is in hand."""
        await self.world.server.settle(PATIENCE.total_seconds())

    async def pass_to(self, instant: datetime) -> None:
        """Let time pass to an instant, or a moment beyond it, and wait until nothing is in hand."""
        self.say(f"time passes to {local(instant)}")
        await asyncio.sleep(max((instant - self.now).total_seconds(), 0.0))
        await self.settle()

    async def together(self, calls: list[Awaitable[Any]], random: Random) -> list[Any]:
        """Have several things come together, while no worker is there for a while, so that one task brings them all."""
        self.world.server.away(random.choice([0.0, 0.5, 3.0, 100.0, 40_000.0]))
        return await asyncio.gather(*calls, return_exceptions=True)


class SteppedCourse(Course, ABC, Generic[Standing]):
    """A course that is taken step by step; whatever is drawn in a step is drawn by that step's own chance."""

    _seen: Standing | None = None

    async def step(self, step: Step) -> bool:
        """Take a step; whether anything can follow it."""
        self.draw_by(Random(step.chance))
        before = self._seen or await self.when_settled()
        if before.is_final:
            return False
        try:
            await self.take(step.sort, before)
        except Over:
            self.say("  it is over")
        self._seen = await self.when_settled()
        return not self._seen.is_final

    @abstractmethod
    def draw_by(self, random: Random) -> None:
        """Draw by this chance from now on."""

    @abstractmethod
    async def when_settled(self) -> Standing:
        """Say how the workflow stands once nothing is in hand, held against the rules."""

    @abstractmethod
    async def take(self, sort: Sort, before: Standing) -> None:
        """Have something of this sort happen. Raises Over where it finds nobody."""
