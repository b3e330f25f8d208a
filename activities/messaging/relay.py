"""The relay of the outbox: lease messages, deliver them, report, over and over, and leave in order."""

import asyncio
import logging
import os
import socket
import uuid
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

from activities import present
from activities.messaging.batch import DeliveryBatch, Transport
from aftersale.records import OutboxRepository, RecordsUnavailable, Report

T = TypeVar("T")

_LOG = logging.getLogger("aftersale.messenger")


@dataclass(frozen=True)
class RelaySettings:
    """How messengers work, in numbers that only tests have a reason to change.

    A messenger leases up to `batch` messages at a time, for `lease`, which it renews for as long as it lives: so long
    do the messages of one that was killed wait. It has no more than about `in_hand` of them, and looks for new ones
    every `idle`. What failed is left alone for `first_pause`, doubled with every failure up to
    `most_pause`; the records, up to `longest_outage`. On leaving, it waits for deliveries in hand for `last_answers`:
    as long as apprise waits for one, and shorter than the 20 s in which a worker drains.
    """

    batch: int = 20
    in_hand: int = 200
    lease: timedelta = timedelta(seconds=30)
    idle: timedelta = timedelta(seconds=0.5)
    first_pause: timedelta = timedelta(seconds=1)
    most_pause: timedelta = timedelta(minutes=5)
    longest_outage: timedelta = timedelta(seconds=30)
    last_answers: timedelta = timedelta(seconds=15)


class OutboxRelay:
    """A messenger's work on the outbox, from its start to its leave. Whoever sets `leaving` ends it."""

    def __init__(self, outbox: OutboxRepository, transport: Transport, settings: RelaySettings) -> None:
        """Come to work, under a name that no other messenger ever has."""
        self.owner = f"{socket.gethostname()}/{os.getpid()}/{uuid.uuid4().hex[:12]}"
        self.leaving = asyncio.Event()
        self._outbox, self._transport, self._settings = outbox, transport, settings
        self._in_hand: dict[str, asyncio.Task[Report]] = {}
        self._may_begin_until: dict[str, float] = {}
        self._renewed = self._clock()
        self._outage = timedelta()

    async def work(self) -> None:
        """Carry messages until it is time to leave. Records that are away are asked again and again."""
        with suppress(RecordsUnavailable):  # raised only on leaving
            while not self.leaving.is_set():
                await self._renew()
                there_may_be_more = await self._take()
                await self._wait(timedelta() if there_may_be_more else self._settings.idle)
                await self._report()

    async def leave(self) -> None:
        """Let no more messages set out, wait for those on their way, report them, and give back the rest.

        What is still on its way after that stays on lease, so that nobody sends it a second time too soon.
        """
        self.leaving.set()
        if self._in_hand:
            await asyncio.wait(self._in_hand.values(), timeout=self._settings.last_answers.total_seconds())
        with suppress(RecordsUnavailable):  # the leases end by themselves
            await self._report()
            if not self._in_hand:
                await self._insist(lambda: self._outbox.release(self.owner))

    async def _take(self) -> bool:
        """Take messages in hand, as many as there is room for; whether there may be more."""
        limit = min(self._settings.batch, self._settings.in_hand - len(self._in_hand))
        if limit <= 0:
            return False
        now, latest = present.now(), self._latest()
        leased = await self._insist(lambda: self._outbox.lease(self.owner, limit, now, self._settings.lease))
        batch = [each for each in leased if each.message.message_id not in self._in_hand]
        ids = [each.message.message_id for each in batch]
        self._may_begin_until.update(dict.fromkeys(ids, latest))
        setting_out = DeliveryBatch(self._transport, batch, now, lambda: self._may_begin(ids))
        for each in batch:
            self._in_hand[each.message.message_id] = asyncio.create_task(setting_out.carry(each))
        return len(leased) >= limit

    async def _renew(self) -> None:
        """Keep what is in hand on lease; what somebody else took over, as after a long sleep, is no longer ours."""
        if not self._in_hand or self._clock() < self._renewed + self._settings.lease.total_seconds() / 3:
            return
        now, latest = present.now(), self._latest()
        ours = await self._insist(lambda: self._outbox.renew(self.owner, now, self._settings.lease))
        self._renewed = self._clock()
        self._may_begin_until.update(dict.fromkeys(ours & self._in_hand.keys(), latest))

    def _latest(self) -> float:
        """Return until when what is leased now may set out: half its time is left to whoever is on the way by then."""
        return self._clock() + self._settings.lease.total_seconds() / 2

    def _may_begin(self, ids: Sequence[str]) -> bool:
        """Tell whether messages may set out: not on leaving, nor where somebody else might take one on its way."""
        latest = min((self._may_begin_until[each] for each in ids if each in self._may_begin_until), default=0)
        return not self.leaving.is_set() and self._clock() < latest

    async def _wait(self, longest: timedelta) -> None:
        """Wait for a delivery to end, so long at most."""
        if self._in_hand:
            longest_wait = longest.total_seconds()
            await asyncio.wait(self._in_hand.values(), timeout=longest_wait, return_when=asyncio.FIRST_COMPLETED)
        else:
            await self._idle(longest)

    async def _report(self) -> None:
        """Report all that has ended, in one transaction."""
        ended = {message_id: task.result() for message_id, task in self._in_hand.items() if task.done()}
        if ended:
            await self._insist(lambda: self._outbox.report(self.owner, [*ended.values()], present.now()))
        for message_id in ended:
            del self._in_hand[message_id], self._may_begin_until[message_id]

    async def _insist(self, ask: Callable[[], T]) -> T:
        """Ask the records until they answer; while leaving, once."""
        while True:
            try:
                answer = await _asked(ask)
            except RecordsUnavailable as error:
                if not self._outage:
                    _LOG.warning("%s; messages wait until then", error)
                if self.leaving.is_set():
                    raise
                self._outage = min(self._outage * 2 or self._settings.first_pause, self._settings.longest_outage)
                await self._idle(self._outage)
            else:
                if self._outage:
                    _LOG.info("the records answer again")
                self._outage = timedelta()
                return answer

    @staticmethod
    def _clock() -> float:
        return asyncio.get_running_loop().time()

    async def _idle(self, longest: timedelta) -> None:
        """Do nothing for so long, or until it is time to leave."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self.leaving.wait(), longest.total_seconds())


async def _asked(ask: Callable[[], T]) -> T:
    """Return the records' answer, given on a thread.

    One that was asked is heard out even on cancellation: it may act yet.
    """
    asking = asyncio.ensure_future(asyncio.to_thread(ask))
    try:
        return await asyncio.shield(asking)
    except asyncio.CancelledError:
        await asyncio.gather(asking, return_exceptions=True)
        raise
