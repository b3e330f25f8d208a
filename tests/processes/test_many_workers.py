"""Four workers, one database, hundreds of cases at once: every turn is written, and no order is claimed twice.

The suite drives a part of what `make soak` does.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from aftersale import records
from aftersale.contract.commands import Approve, Withdraw
from aftersale.contract.status import Status
from aftersale.vocabulary import CaseKind, CloseReason
from tests.support import cases
from tests.support.market import ACTORS, Market, market
from tests.support.program import Program, working
from trial.postgres import Server

WORKERS, AT_ONCE = 4, 24
CASES = [80, pytest.param(500, marks=pytest.mark.soak)]
RACERS = [60, pytest.param(200, marks=pytest.mark.soak)]
LINES = 3


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
async def crowd(
    request: pytest.FixtureRequest, postgres: Server, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[tuple[Market, list[Program]]]:
    folder: Path = tmp_path_factory.mktemp("crowd")
    url = None if request.param == "sqlite" else postgres.database("many_workers")
    async with AsyncExitStack() as stack:
        place = await stack.enter_async_context(market(folder, working=False, records_url=url))
        hands = [await stack.enter_async_context(working(place)) for _ in range(WORKERS)]
        yield place, hands


@pytest.mark.parametrize("many", CASES)
async def test_no_lock_surfaces_and_no_turn_is_missing(crowd: tuple[Market, list[Program]], many: int) -> None:
    place, hands = crowd
    ids = [f"C-{many}-{number}" for number in range(many)]
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
            written = kept.turns.of(case_id, void=True)
            assert [each.turn.seq for each in written] == [1, 2, 3], case_id
            record = kept.turns.record(case_id)
            assert record is not None and record.close_reason is CloseReason.WITHDRAWN
        assert kept.cases.find() == []


@pytest.mark.parametrize("racers", RACERS)
async def test_of_cases_that_race_for_one_order_as_many_open_as_it_has_room_for(
    crowd: tuple[Market, list[Program]], racers: int
) -> None:
    place, _ = crowd
    lines = [cases.line(f"L{number}") for number in range(LINES)]
    turn = asyncio.Semaphore(AT_ONCE)

    async def opened(number: int) -> Status:
        wanted = [cases.item(f"L{number % LINES}")]
        request = cases.request(
            case_id=f"C-race-{racers}-{number}", order_id=f"O-race-{racers}", order={"lines": lines}, items=wanted
        )
        async with turn:
            return await place.cases.open(CaseKind.RETURN, request)

    found = await asyncio.gather(*(opened(number) for number in range(racers)))
    winners = [status for status in found if not status.is_final]
    assert len(winners) == LINES
    codes = {problem.code for status in found if status.is_final for problem in status.problems}
    assert codes <= {"open_case", "ceiling"} and "open_case" in codes
    with records.open(place.records_url) as kept:
        assert kept.ledger.check() == []
