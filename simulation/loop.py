"""Virtual time: an asyncio event loop whose clock leaps to the next thing that is due instead of waiting for it.

Everything that waits, from a case's deadline to a client's patience, waits on this loop, so that forty days cost
nothing, and what happens happens in one order, always the same.
"""

import asyncio
import selectors
from collections import deque
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any, TypeVar

T = TypeVar("T")


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop that begins at the instant `began_at` and never waits."""

    def __init__(self, began_at: datetime) -> None:
        """Stand at that instant; nothing is due yet."""
        self._began_at, self._elapsed = began_at, 0.0
        super().__init__(_Leaping(self._leap))
        self._scheduled: list[asyncio.TimerHandle] = []  # asyncio's own heap of what is due
        self._ready: deque[asyncio.Handle]  # asyncio's own queue of what is done next
        self.set_default_executor(Inline())

    @property
    def now(self) -> datetime:
        """The virtual present, aware, to the microsecond."""
        return self._began_at + timedelta(seconds=self._elapsed)

    def time(self) -> float:
        """Give the loop's own clock: virtual seconds since it began."""
        return self._elapsed

    def at(self, instant: datetime, do: Callable[..., object], *args: Any) -> asyncio.TimerHandle:
        """Have something done at an instant; one that has passed is now."""
        return self.call_at((instant - self._began_at).total_seconds(), do, *args)

    async def at_once(self) -> None:
        """Wait until all has been done for which no time must pass."""
        while self._ready:
            await asyncio.sleep(0)

    async def next_round(self) -> None:
        """Wait until what is due next has been done, and nothing of what follows from it."""
        coming = [handle.when() for handle in self._scheduled if not handle.cancelled()]
        await asyncio.sleep(max(min(coming) - self._elapsed, 0.0) if coming and not self._ready else 0)

    async def next_event(self, latest: float | None = None) -> None:
        """Wait until something that is due has been done: the next thing to come, and what follows from it at once.

        `latest` is when the wait ends though nothing has come, by the loop's own clock.
        """
        coming = [handle.when() for handle in self._scheduled if not handle.cancelled()]
        if latest is not None:
            coming.append(latest)
        if coming:
            await asyncio.sleep(max(min(coming) - self._elapsed, 0.0))
        for _ in range(_CONSEQUENCES):
            await asyncio.sleep(0)

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run to the end of `work`, then end whatever is still under way."""
        asyncio.set_event_loop(self)
        try:
            return self.run_until_complete(work)
        finally:
            self.finish()
            asyncio.set_event_loop(None)

    def finish(self) -> None:
        """End whatever is still under way, and close."""
        left = asyncio.all_tasks(self)
        for task in left:
            task.cancel()

        async def gone() -> None:
            await asyncio.gather(*left, return_exceptions=True)

        self.run_until_complete(gone())
        self.close()

    def _leap(self, seconds: float | None) -> None:
        if seconds is None:
            raise Standstill("nothing is due any more, and somebody still waits")
        self._elapsed += seconds

    def _write_to_self(self) -> None:
        """Wake nobody: no other thread ever schedules anything here."""


@contextmanager
def outside_any_loop() -> Iterator[None]:
    """Have no event loop run while the block does, as in a thread of its own, so that another one may."""
    around = asyncio._get_running_loop()
    asyncio._set_running_loop(None)
    try:
        yield
    finally:
        asyncio._set_running_loop(around)


_CONSEQUENCES = 5
"""How many turns of the loop are given to what follows from an event."""


class Standstill(Exception):
    """Somebody waits for what will never happen."""


class _Leaping(selectors.SelectSelector):
    """A selector that watches no file, and whose waits are leaps of the clock."""

    def __init__(self, leap: Callable[[float | None], None]) -> None:
        super().__init__()
        self._leap = leap

    def select(self, timeout: float | None = None) -> list[Any]:
        if timeout is None or timeout > 0:
            self._leap(timeout)
        return []


class Inline(ThreadPoolExecutor):
    """An executor that does the work at once, in the thread that asks for it: threads would race."""

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> "Future[T]":
        """Do it, and answer with what came of it."""
        done: Future[T] = Future()
        try:
            done.set_result(fn(*args, **kwargs))
        except BaseException as error:
            done.set_exception(error)
        return done
