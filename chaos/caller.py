"""Those who speak to one case or watch, and do not give up: what got no answer in time is asked again under its id."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime
from random import Random
from typing import Any, Generic, TypeVar

from temporalio.client import WorkflowQueryFailedError, WorkflowUpdateRPCTimeoutOrCancelledError
from temporalio.service import RPCError, RPCStatusCode

from aftersale.contract.status import Entry, Status
from aftersale.errors import Refusal
from aftersale.watch.status import WatchStatus
from trial import virtual_time
from trial.environment import Running

S = TypeVar("S", Status, WatchStatus)
T = TypeVar("T")

_PATIENCE = 12.0
"""How long, in seconds, an answer is waited for before the same is asked again."""

_TRIES = 12
"""How often: for longer than anything is disturbed at a time."""

_SILENCE = TimeoutError, WorkflowUpdateRPCTimeoutOrCancelledError, WorkflowQueryFailedError

_PASSING = {
    *(RPCStatusCode.CANCELLED, RPCStatusCode.DEADLINE_EXCEEDED),
    *(RPCStatusCode.RESOURCE_EXHAUSTED, RPCStatusCode.UNAVAILABLE),
}


class Over(Exception):
    """What was sent found nobody: its workflow had ended."""


class Unanswered(Exception):
    """Nobody answered, however often it was asked."""


class Caller(Generic[S]):
    """Speaks to one workflow.

    `taken` are the request ids of the commands that were answered as taken, `seen` is the longest timeline that anybody
    was shown.
    """

    def __init__(self, live: Running[S], chance: Random, tried: Counter[str]) -> None:
        """Nothing has been sent yet."""
        self.live: Running[S] = live
        self.chance, self.tried = chance, tried
        self.taken: list[str] = []
        self.seen: tuple[Entry, ...] = ()
        self._sent = 0

    async def status(self) -> S:
        """Ask how it stands."""
        return self._see(await self._persistently(lambda _: self.live.status()))

    async def glance(self) -> None:
        """Look at it once, as a list on somebody's screen does; who gets no answer looks away."""
        with suppress(*_SILENCE, RPCError):
            async with asyncio.timeout(_PATIENCE):
                self._see(await self.live.status())
                self.tried["looks"] += 1

    async def give(self, name: str, payload: Any) -> S | None:
        """Give a command; None where it is refused. Raises Over."""
        self._sent += 1
        request_id = f"request-{self._sent}"
        content = {**payload, "request_id": request_id} if isinstance(payload, dict) else payload

        async def call(time: int) -> S:
            # By turns as our client repeats, whose repeats the server answers, and as one that begins anew.
            return await self.live.update(name, content, id=f"{request_id}/{name}/{time // 2}")

        try:
            answer = self._see(await self._persistently(call))
        except Refusal as refusal:
            self.tried[f"refusal {refusal.code}"] += 1
            return None
        self.tried["calls taken"] += 1
        if isinstance(payload, dict):
            self.taken.append(request_id)
        return answer

    async def open(self) -> None:
        """Wait for the decision on the request; one that is refused may be over before it is asked."""
        await self._persistently(lambda _: self.live.update("open", {}))

    async def pass_to(self, instant: datetime) -> None:
        """Move the calendar; where no worker is there for long, it does not come so far."""
        try:
            await virtual_time.advance(self.live.env, self.live.handle, instant, within=3 * _PATIENCE)
            self.tried["times moved"] += 1
        except TimeoutError:
            self.tried["times not moved, as nobody worked"] += 1

    async def now(self) -> datetime:
        """Return the instant at which the calendar stands."""
        return await virtual_time.now(self.live.handle)

    async def signal(self, name: str, payload: Any) -> None:
        """Send a signal; one that finds nobody is lost."""
        try:
            await self.live.handle.signal(name, payload)
            self.tried["signals"] += 1
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise

    def _see(self, status: S) -> S:
        if len(status.timeline) > len(self.seen):
            self.seen = status.timeline
        return status

    async def _persistently(self, call: Callable[[int], Awaitable[T]]) -> T:
        for time in range(_TRIES):
            try:
                async with asyncio.timeout(_PATIENCE):
                    return await call(time)
            except _SILENCE:
                self.tried["calls repeated, as no answer came"] += 1
            except RPCError as error:
                if error.status is RPCStatusCode.NOT_FOUND:
                    raise Over from error
                if error.status not in _PASSING:
                    raise
                self.tried["calls repeated, as no answer came"] += 1
            await asyncio.sleep(0.2)
        raise Unanswered(f"{self.live.handle.id} gave no answer to one call in {_TRIES * _PATIENCE:.0f} s")
