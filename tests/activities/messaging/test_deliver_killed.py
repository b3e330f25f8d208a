"""A messenger killed at the worst moments: nothing is lost, and what comes twice comes under one id."""

import asyncio
import signal
from datetime import UTC, datetime

import pytest

from aftersale.records import Records
from tests.support.carrying import all_done, at_work, inbox_of, messenger, owe, told
from tests.support.drawing import message
from tests.support.platform_fixtures import StandIn
from tests.support.program import program

IDS = {f"C-{number}/{place}" for number in range(12) for place in (1, 2)}


@pytest.mark.parametrize(
    ("where", "most"),
    [("leased", 1), ("delivered", 2)],
    ids=["after it had leased them", "after it had delivered some, before it said so"],
)
async def test_a_killed_messengers_messages_are_delivered_by_the_next(
    url: str, kept: Records, platform: StandIn, where: str, most: int
) -> None:
    for number in range(12):
        owe(kept, message(f"C-{number}", 1), message(f"C-{number}", 2))
    async with program("-m", "tests.support.frail_messenger", url, inbox_of(platform), where) as frail:
        await frail.until("stopped dead")
        assert await frail.told(signal.SIGKILL) == -signal.SIGKILL
    twice = set(await told(platform))
    assert bool(twice) == (where == "delivered")
    now = datetime.now(UTC)
    leased = await asyncio.to_thread(lambda: kept.outbox.backlog(now).leased)
    assert leased >= 20, "the dead hold on to what they had, until their leases end"
    end_leases(kept)
    async with at_work(messenger(kept, {}, [inbox_of(platform)])):
        await all_done(kept)
    found = await told(platform)
    assert set(found) == IDS
    assert {number for number, times in found.items() if times > 1} == twice
    assert max(found.values()) == most


def end_leases(kept: Records) -> None:
    """Let the time pass that leases last."""
    with kept.transactions.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE outbox SET leased_until = created_at WHERE leased_until IS NOT NULL")
