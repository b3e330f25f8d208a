"""Four workers, one database, five hundred cases at once: every turn is written, none waits in vain."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from aftersale import records
from aftersale.commands import Approve, Withdraw
from aftersale.kinds import CaseKind, CloseReason
from tests import cases
from tests.market import ACTORS, Market, market
from tests.postgres import Server
from tests.processes.program import Program, working

WORKERS, CASES, AT_ONCE = 4, 500, 24


@pytest.fixture(params=["sqlite", "postgresql"])
async def crowd(
    request: pytest.FixtureRequest, postgres: Server, tmp_path: Path
) -> AsyncIterator[tuple[Market, list[Program]]]:
    url = f"sqlite:///{tmp_path / 'records.db'}" if request.param == "sqlite" else postgres.database("many_workers")
    async with AsyncExitStack() as stack:
        place = await stack.enter_async_context(market(tmp_path, working=False, records_url=url))
        hands = [await stack.enter_async_context(working(place)) for _ in range(WORKERS)]
        yield place, hands


async def test_no_lock_surfaces_and_no_turn_is_missing(crowd: tuple[Market, list[Program]]) -> None:
    place, hands = crowd
    ids = [f"C-many-{number}" for number in range(CASES)]
    turn = asyncio.Semaphore(AT_ONCE)

    async def lived(case_id: str) -> None:
        async with turn:
            await place.cases.open(CaseKind.RETURN, cases.request(case_id=case_id))
            await place.act(case_id, Approve(actor=ACTORS["merchant"]))
            await place.act(case_id, Withdraw(actor=ACTORS["buyer"]))
            await place.record(case_id)

    await asyncio.gather(*(lived(case_id) for case_id in ids))
    complaints = [line for hand in hands for line in hand.err if "locked" in line or "records" in line]
    assert complaints == []
    with records.open(place.records_url) as kept:
        for case_id in ids:
            written = kept.turns(case_id, void=True)
            assert [each.turn.seq for each in written] == [1, 2, 3], case_id
            record = kept.record(case_id)
            assert record is not None and record.close_reason is CloseReason.WITHDRAWN
        assert kept.cases() == []
