"""The circuit breaker of a channel: one after the other at its rate, and nobody while it pauses after a failure."""

import asyncio
import logging
import random
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from activities import present
from activities.messaging.channels import Channel, Notification

MOST_WAITING = 10
"""How many may wait for each of a channel's turns; with more, one slow channel would fill the messenger's hands."""

_LONG_AGO = datetime(1, 1, 1, tzinfo=UTC)

_LOG = logging.getLogger("aftersale.messenger")


@dataclass(frozen=True)
class Sent:
    """The channel took it."""


@dataclass(frozen=True)
class Failed:
    """The channel was tried and did not take it; it may be tried again at `until`."""

    why: str
    until: datetime


@dataclass(frozen=True)
class Deferred:
    """The channel was not tried, and is not to be before `until`."""

    until: datetime


Answer = Sent | Failed | Deferred


@dataclass(frozen=True)
class Pauses:
    """How long to leave alone what has failed: `first`, doubled with every failure, at most `most`."""

    first: timedelta
    most: timedelta

    def after(self, failures: int) -> timedelta:
        """Return the pause after so many failures in a row.

        A little longer by chance so that not all come back at once.
        """
        return min(self.first * 2.0 ** min(failures - 1, 40), self.most) * random.uniform(1, 1.1)


class ChannelCircuit:
    """The way to one channel, for all messengers of a process: they share what is known of its health."""

    def __init__(self, channel: Channel, pauses: Pauses, threads: Executor) -> None:
        """Let as many through at a time as the channel takes."""
        self._channel, self._pauses, self._threads = channel, pauses, threads
        self._turns = asyncio.Semaphore(channel.width)
        self._probing = asyncio.Lock()
        self._waiting = 0
        self._failures = 0
        self._paused_until = _LONG_AGO

    async def carry(self, notification: Notification, attempt: int, may_begin: Callable[[], bool]) -> Answer:
        """Send something in its turn, for the `attempt`th time.

        It is put off, without an attempt, where the channel pauses, where too many wait, and where its turn comes when
        it may no longer begin. After a pause one goes first, and the others only if that one was taken.
        """
        if self._waiting >= MOST_WAITING * self._channel.width:
            return Deferred(present.now() + timedelta(seconds=max(0.5, self._channel.pace * MOST_WAITING / 2)))
        self._waiting += 1
        try:
            async with self._turns:
                if not self._failures:
                    return await self._try(notification, attempt, may_begin)
                async with self._probing:
                    return await self._try(notification, attempt, may_begin)
        finally:
            self._waiting -= 1

    async def _try(self, notification: Notification, attempt: int, may_begin: Callable[[], bool]) -> Answer:
        began = present.now()
        if began < self._paused_until:
            return Deferred(self._paused_until)
        if not may_begin():
            return Deferred(began)
        why = await self._sent(notification)
        if why is None:
            self._failures, self._paused_until = 0, _LONG_AGO
            return Sent()
        if began >= self._paused_until:  # of several that failed side by side, one counts
            self._failures += 1
            self._paused_until = present.now() + self._pauses.after(self._failures)
        _LOG.warning(
            "channel %s (%s) %s: %s; it rests until %s",
            self._channel.name,
            ", ".join(self._channel.settings),
            why,
            ", ".join(notification.message_ids),
            self._paused_until.isoformat(timespec="seconds"),
        )
        # What no channel will ever take must not be the first to be tried each time.
        return Failed(why, max(self._paused_until, present.now() + self._pauses.after(attempt)))

    async def _sent(self, notification: Notification) -> str | None:
        """Say why the channel did not take it; None where it did."""
        send = asyncio.get_running_loop().run_in_executor(self._threads, self._channel.send, notification)
        try:
            return None if await send else "did not take the message"
        except Exception as error:  # plugins are many, and raise what they like; the words may hold a secret
            return f"failed with {type(error).__name__}"
