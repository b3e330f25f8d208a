"""`aftersale reconcile --close`: a case that Temporal does not know any more, and none that it knows."""

from uuid import uuid4

import pytest

from aftersale.records import Records
from aftersale.vocabulary import CloseReason
from tests.support.bookkeeping import claim, hold
from tests.support.drawing import NOW, turn
from tests.support.market import Market
from tests.support.shell import run


@pytest.fixture
def case_id() -> str:
    """One of its own for each test: others may have had theirs known to the market's Temporal."""
    return f"C-{uuid4().hex}"


@pytest.fixture
def forgotten(kept: Records, case_id: str) -> Records:
    """Records that show the case as open, and its money as held."""
    hold(kept.ledger, claim(case_id, 4000))
    kept.turns.write([turn(case_id, 1)], now=NOW)
    return kept


async def test_a_forgotten_case_is_closed_and_holds_nothing(
    forgotten: Records, case_id: str, idle: Market, url: str
) -> None:
    told = await run("reconcile", "--close", case_id, address=idle.address, records_url=url)
    assert (told.status, told.out, told.err) == (0, f"case {case_id} is closed, and holds nothing\n", "")
    record, books = forgotten.turns.record(case_id), forgotten.ledger.order_books("O-1")
    assert record is not None and record.close_reason is CloseReason.TERMINATED
    assert "is not known to Temporal any more" in record.timeline[-1].says
    assert books is not None and [line.reserved_minor for line in books.lines] == [0]
    again = await run("reconcile", "--close", case_id, address=idle.address, records_url=url)
    assert again.status == 1 and f"the records show no open case {case_id}" in again.err


async def test_a_case_that_temporal_knows_is_not_closed_by_hand(
    forgotten: Records, case_id: str, idle: Market, url: str
) -> None:
    running = await idle.client.start_workflow("Return", id=f"case/{case_id}", task_queue="nobody")
    told = await run("reconcile", "--close", case_id, address=idle.address, records_url=url)
    assert told.status == 2 and f"--close: {case_id} is known to Temporal" in told.err
    await running.terminate()
    told = await run("reconcile", "--close", case_id, address=idle.address, records_url=url)
    assert told.status == 2 and forgotten.cases.is_running(case_id)


async def test_a_case_is_not_closed_while_temporal_cannot_be_asked(forgotten: Records, case_id: str, url: str) -> None:
    told = await run("reconcile", "--close", case_id, records_url=url)
    assert told.status == 2 and "no Temporal server answers" in told.err
    assert forgotten.cases.is_running(case_id)
