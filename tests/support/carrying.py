"""Messengers that tests put to work: quick ones, on real records, telling a real inbox."""

import asyncio
import dataclasses
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from temporalio.testing import ActivityEnvironment

from activities.messaging.channels import Channels
from activities.messaging.deliver import Messenger
from activities.messaging.relay import RelaySettings
from activities.messaging.rendering import Templates
from aftersale.contract.message import Message
from aftersale.records import Records
from aftersale.records.tables import deliveries
from aftersale.vocabulary import Party
from tests.support.drawing import NOW, turn
from tests.support.platform_fixtures import StandIn, until

QUICK = RelaySettings(
    lease=timedelta(seconds=20),
    idle=timedelta(seconds=0.02),
    first_pause=timedelta(seconds=0.1),
    most_pause=timedelta(seconds=0.4),
    longest_outage=timedelta(seconds=0.2),
    last_answers=timedelta(seconds=5),
)

NOBODY = "json://user:sekret@127.0.0.1:1/inbox"
"""A channel at which nobody listens."""

TEMPLATES = Templates()


def inbox_of(platform: StandIn, query: str = "") -> str:
    """The platform's inbox as a channel."""
    return f"{platform.url.replace('http', 'json')}/inbox{query}"


def messenger(
    kept: Records, channels: Mapping[Party, Sequence[str]], fallback: Sequence[str] = (), **pace: Any
) -> Messenger:
    """A quick messenger."""
    return Messenger(kept, Channels(channels, fallback), TEMPLATES, dataclasses.replace(QUICK, **pace))


@dataclass
class Clock:
    """The clock by which messengers lease and report; it stands still until it is set."""

    instant: datetime


class Work:
    """A messenger at work."""

    def __init__(self, hand: Messenger, limit: timedelta, heartbeat: timedelta) -> None:
        self.env = ActivityEnvironment()
        self.env.info = dataclasses.replace(
            self.env.info, start_to_close_timeout=limit, heartbeat_timeout=heartbeat, schedule_to_close_timeout=None
        )
        self.heartbeats = 0
        self.env.on_heartbeat = self._heard
        self.done = asyncio.create_task(self.env.run(hand.deliver))

    def _heard(self, *_: object) -> None:
        self.heartbeats += 1

    async def stopped(self) -> None:
        """Shut its worker down, and wait until the messenger has left."""
        self.env.worker_shutdown()
        await asyncio.wait_for(self.done, 60)


@asynccontextmanager
async def at_work(
    *hands: Messenger, limit: timedelta = timedelta(hours=1), heartbeat: timedelta = timedelta(seconds=30)
) -> AsyncIterator[Work]:
    """Messengers at work for as long as the block runs; the first one is the block's."""
    working = [Work(hand, limit, heartbeat) for hand in hands]
    try:
        yield working[0]
    finally:
        await asyncio.gather(*(each.stopped() for each in working if not each.done.done()))


def owe(kept: Records, *messages: Message, now: Any = None) -> None:
    """Let a case owe messages; they are its first."""
    kept.turns.write([turn(messages[0].source, 1, messages=messages)], now=now)


async def told(platform: StandIn) -> dict[str, int]:
    """How often each message came, by its id."""
    return {kept["message_id"]: kept["deliveries"] for kept in await platform.inbox()}


async def all_done(kept: Records) -> None:
    """Wait until nothing is owed any more."""
    await until(lambda: pending(kept), 0)


async def pending(kept: Records) -> int:
    """How many messages are owed and not sent."""
    return (await asyncio.to_thread(kept.outbox.backlog, NOW)).pending


def tries(kept: Records) -> dict[tuple[str, bool], int]:
    """How often each channel was tried with the message, and whether it took it."""
    with kept.transactions.engine.begin() as connection:
        rows = connection.execute(deliveries.select()).all()
    return {(row.channel, row.delivered_at is not None): row.attempts for row in rows}


async def refusals(platform: StandIn, armed: int) -> int:
    """How many requests met the one fault that is armed, for so many times at first."""
    [fault] = await platform.armed()
    return armed - int(fault["times"])
