"""The database of the records is away for a while: commands and clocks go on, and nothing is missing afterwards."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from aftersale import records
from aftersale.vocabulary import CloseReason, State
from bench.cost import cost
from tests.support.cases import BUYER, MERCHANT, PLATFORM, ended, opened, quiet, seen
from tests.support.outages import locked, silent, stopped
from trial.environment import Live, Workplace, workplace
from trial.postgres import Server

JUNE = "2024-06-03 10:00:00"

MOST_EXTRA_EVENTS = 20


@dataclass(frozen=True)
class Trouble:
    """A workplace, and how its records go away for as long as a block runs."""

    place: Workplace
    away: Callable[[], AbstractContextManager[None]]


@pytest.fixture(
    scope="module",
    params=[
        pytest.param("locked file", marks=pytest.mark.soak),
        "stopped server",
        pytest.param("silent server", marks=pytest.mark.soak),
    ],
)
async def trouble(
    request: pytest.FixtureRequest, postgres: Server, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Trouble]:
    folder: Path = tmp_path_factory.mktemp("away")
    name = str(request.param)
    url = f"sqlite:///{folder / 'records.db'}" if name == "locked file" else postgres.database(name.replace(" ", "_"))
    async with workplace(folder, url) as place:
        match name:
            case "locked file":
                yield Trouble(place, lambda: locked(url))
            case "stopped server":
                yield Trouble(place, lambda: stopped(postgres))
            case _:
                yield Trouble(place, lambda: silent(postgres))


async def test_commands_and_clocks_go_on_and_nothing_is_missing_afterwards(trouble: Trouble) -> None:
    await _outlived(trouble, seconds=6)


@pytest.mark.soak
async def test_ten_minutes_cost_no_more_events_than_a_moment(trouble: Trouble) -> None:
    await _outlived(trouble, seconds=600)


async def _outlived(trouble: Trouble, seconds: float) -> None:
    calm = await _lived(trouble.place, during=nothing)
    hard = await _lived(trouble.place, during=trouble.away, seconds=seconds)
    history = await hard.handle.fetch_history()
    asked = [event.activity_task_scheduled_event_attributes.activity_type.name for event in history.events]
    assert "record" in asked, "the records were away"
    extra = cost(history).events - cost(await calm.handle.fetch_history()).events
    assert extra < MOST_EXTRA_EVENTS, f"{extra} events more than without an outage"
    with records.open(trouble.place.settings.records_url) as kept:
        for live in (calm, hard):
            case_id = live.handle.id.removeprefix("case/")
            written = kept.turns.of(case_id, void=True)
            assert [each.turn.seq for each in written] == list(range(1, len(written) + 1))
            assert kept.turns.record(case_id) == await ended(live)
            told = [message.message_id for each in written for message in each.turn.messages]
            assert told == [f"{case_id}/{number}" for number in range(1, len(told) + 1)]


async def _lived(place: Workplace, during: Callable[[], AbstractContextManager[None]], seconds: float = 0) -> Live:
    """A return that is approved, held and let go, and whose buyer then lets a short limit pass."""
    live = await opened(place, JUNE)
    await quiet(live)
    loop = asyncio.get_running_loop()
    over = loop.time() + seconds
    with during():
        await asyncio.wait_for(live.act("approve", *MERCHANT), 60)
        await asyncio.wait_for(live.act("hold", *PLATFORM), 60)
        await asyncio.wait_for(live.act("resume", *PLATFORM), 60)
        await asyncio.wait_for(live.act("add_evidence", *BUYER, evidence=[{"uri": "oss://a"}]), 60)
        status = await live.act("agree_limit", *PLATFORM, clock="buyer_return", limit="PT8S")
        assert status.state is State.AWAITING_BUYER_RETURN
        status = await seen(live, lambda status: status.is_final)
        assert status.close_reason is CloseReason.NOT_SENT_BACK, "the clock ran out in its time, database or not"
        await asyncio.sleep(max(0, over - loop.time()))
    async with asyncio.timeout(120):
        await live.handle.result()
    return live


@contextmanager
def nothing() -> Iterator[None]:
    """No outage."""
    yield
