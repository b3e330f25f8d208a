"""Digests as they go out: one notification for a recipient and a period, and nothing that cannot wait."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import Mock, patch

import pytest

from activities.messaging.deliver import Messenger
from activities.messaging.digests import period_end
from activities.present import read_from
from aftersale import records
from aftersale.records import Records
from aftersale.records.tables import outbox
from aftersale.vocabulary import MessageEvent, Party
from tests.support.carrying import NOBODY, QUICK, Clock, all_done, at_work, inbox_of, messenger, owe, pending, tries
from tests.support.drawing import HOUR, message, turn
from tests.support.platform_fixtures import StandIn, until

HOURLY = "?aftersale-digest=PT1H"
GRACE = 2 * QUICK.idle
"""How long after its period a digest is due."""

OVER = datetime.now(UTC) - 2 * HOUR
"""An instant whose period is over by now."""


def hourly(kept: Records, platform: StandIn) -> Messenger:
    """A messenger whose only channel gathers the messages of an hour."""
    return messenger(kept, {}, [inbox_of(platform, HOURLY)])


async def digests(platform: StandIn) -> list[tuple[str, list[str]]]:
    """Who got a digest, and of which messages."""
    inbox = await platform.inbox()
    return sorted((found["recipient"], sorted(found["message_ids"].split(","))) for found in inbox)


@pytest.fixture
def clock() -> Iterator[Clock]:
    """The messengers' clock; it stands ten minutes after a full hour."""
    standing = Clock(period_end(datetime.now(UTC), HOUR) + timedelta(minutes=10))
    with read_from(lambda: standing.instant):
        yield standing


async def put_off(kept: Records) -> int:
    """How many messages wait for a digest, on nobody's lease, with nothing tried."""
    waiting = outbox.c.together.is_not(None) & outbox.c.leased_until.is_(None) & (outbox.c.attempts == 0)
    with kept.transactions.engine.begin() as connection:
        return len(connection.execute(outbox.select().where(waiting, outbox.c.state == "pending")).all())


async def looked_again(kept: Records) -> None:
    """Wait until a messenger has twice looked for what is due."""
    with patch.object(kept.outbox, "lease", Mock(wraps=kept.outbox.lease)) as looked:
        await until(lambda: asyncio.sleep(0, looked.call_count >= 2), True)


async def test_the_messages_of_a_period_go_to_each_recipient_as_one_at_its_end(
    kept: Records, platform: StandIn, clock: Clock
) -> None:
    channel = inbox_of(platform, f"{HOURLY}&aftersale-language=en")
    end = period_end(clock.instant, HOUR)
    async with at_work(messenger(kept, {}, [channel])):
        for number in range(3):
            owe(kept, message(f"C-{number}", 1), now=clock.instant)
            await until(lambda: put_off(kept), number + 1)
            clock.instant += timedelta(minutes=1)
        owe(kept, message("C-3", 1, to=Party.BUYER), now=clock.instant)
        await until(lambda: put_off(kept), 4)
        clock.instant = end
        await looked_again(kept)
        assert await platform.inbox() == []
        clock.instant = end + GRACE
        await all_done(kept)
    assert await digests(platform) == [("B-5", ["C-3/1"]), ("M-7", ["C-0/1", "C-1/1", "C-2/1"])]
    titles = {found["recipient"]: found["title"] for found in await platform.inbox()}
    assert titles == {"B-5": "After-sale news: 1 message", "M-7": "After-sale news: 3 messages"}


async def test_what_cannot_wait_goes_at_once_and_the_rest_waits_without_an_attempt(
    kept: Records, platform: StandIn
) -> None:
    soon = datetime.now(UTC) + timedelta(seconds=1)
    owe(
        kept,
        message("C-1", 1),
        message("C-1", 2, event=MessageEvent.ALERT),
        message("C-1", 3, respond_by=soon),
        message("C-1", 4, respond_by=soon + timedelta(hours=2)),
    )
    async with at_work(hourly(kept, platform)):
        await until(lambda: pending(kept), 2)
        await until(lambda: put_off(kept), 2)
    assert sorted(found["message_id"] for found in await platform.inbox()) == ["C-1/2", "C-1/3"]
    assert {attempts for attempts in tries(kept).values()} == {1}
    assert {each.attempts for each in kept.outbox.lease("a", 9, datetime.now(UTC) + 2 * HOUR, HOUR)} == {1}


async def test_a_long_digest_is_one_notification_however_many_messengers_are_at_work(
    url: str, kept: Records, platform: StandIn, clock: Clock
) -> None:
    both = [(message(f"C-{number}", 1), message(f"C-{number}", 2, to=Party.BUYER)) for number in range(45)]
    turns = [turn(to_merchant.source, 1, messages=(to_merchant, to_buyer)) for to_merchant, to_buyer in both]
    with records.open(url) as others:
        kept.turns.write(turns, now=clock.instant)
        async with at_work(*(messenger(each, {}, [inbox_of(platform, HOURLY)]) for each in (kept, others))):
            await until(lambda: put_off(kept), 90)
            clock.instant = period_end(clock.instant, HOUR) + GRACE
            await all_done(kept)
    assert [(who, len(ids)) for who, ids in await digests(platform)] == [("B-5", 45), ("M-7", 45)]


async def test_a_late_digest_that_the_channel_did_not_take_is_sent_again_as_a_whole(
    kept: Records, platform: StandIn
) -> None:
    await platform.arm("status", path="/inbox", times=2)
    for number in range(5):
        owe(kept, message(f"C-{number}", 1), now=OVER)
    async with at_work(hourly(kept, platform)):
        await all_done(kept)
    [(who, ids)] = await digests(platform)
    assert (who, len(ids)) == ("M-7", 5)


async def test_a_channel_that_gathers_keeps_no_other_channel_of_its_message_waiting(
    kept: Records, platform: StandIn
) -> None:
    owe(kept, message("C-1", 1), message("C-1", 2))
    channels = [inbox_of(platform, HOURLY), inbox_of(platform), NOBODY]
    async with at_work(messenger(kept, {Party.MERCHANT: channels})):
        await until(lambda: told_singly(platform), ["C-1/1", "C-1/2"])
        await until(lambda: asyncio.to_thread(lambda: max(tries(kept).values(), default=0) >= 3), True)
    assert await told_singly(platform) == ["C-1/1", "C-1/2"], "while the broken one is tried on and on"


async def told_singly(platform: StandIn) -> list[Any]:
    return sorted(found["message_id"] for found in await platform.inbox())


async def test_what_is_owed_in_a_periods_last_moment_is_in_its_digest(
    kept: Records, platform: StandIn, clock: Clock
) -> None:
    end = period_end(clock.instant, HOUR)
    async with at_work(hourly(kept, platform)):
        clock.instant = end - timedelta(seconds=0.4)
        owe(kept, message("C-1", 1), now=clock.instant)
        await until(lambda: put_off(kept), 1)
        clock.instant = end
        owe(kept, message("C-2", 1), now=end - timedelta(seconds=0.02))
        await until(lambda: put_off(kept), 2)
        assert await platform.inbox() == []
        clock.instant = end + GRACE
        await all_done(kept)
    assert await digests(platform) == [("M-7", ["C-1/1", "C-2/1"])]
