"""`aftersale reconcile --close`: a case that Temporal does not know any more, and none that it knows."""

import pytest

from aftersale.records import Records
from aftersale.vocabulary import CloseReason
from tests.support.bookkeeping import claim, hold
from tests.support.drawing import NOW, turn
from tests.support.market import Market
from tests.support.shell import run


@pytest.fixture
def forgotten(kept: Records) -> Records:
    """Records that show C-2 as open, and its money as held."""
    hold(kept.ledger, claim("C-2", 4000))
    kept.turns.write([turn("C-2", 1)], now=NOW)
    return kept


async def test_a_forgotten_case_is_closed_and_holds_nothing(forgotten: Records, idle: Market, url: str) -> None:
    told = await run("reconcile", "--close", "C-2", address=idle.address, records_url=url)
    assert (told.status, told.out, told.err) == (0, "case C-2 is closed, and holds nothing\n", "")
    record, books = forgotten.turns.record("C-2"), forgotten.ledger.order_books("O-1")
    assert record is not None and record.close_reason is CloseReason.TERMINATED
    assert "is not known to Temporal any more" in record.timeline[-1].says
    assert books is not None and [line.reserved_minor for line in books.lines] == [0]
    again = await run("reconcile", "--close", "C-2", address=idle.address, records_url=url)
    assert again.status == 1 and "the records show no open case C-2" in again.err


async def test_a_case_that_temporal_knows_is_not_closed_by_hand(forgotten: Records, idle: Market, url: str) -> None:
    running = await idle.client.start_workflow("Return", id="case/C-2", task_queue="nobody")
    told = await run("reconcile", "--close", "C-2", address=idle.address, records_url=url)
    assert told.status == 2 and "--close: C-2 is known to Temporal" in told.err
    await running.terminate()
    told = await run("reconcile", "--close", "C-2", address=idle.address, records_url=url)
    assert told.status == 2 and forgotten.cases.is_running("C-2")


async def test_a_case_is_not_closed_while_temporal_cannot_be_asked(forgotten: Records, url: str) -> None:
    told = await run("reconcile", "--close", "C-2", records_url=url)
    assert told.status == 2 and "no Temporal server answers" in told.err
    assert forgotten.cases.is_running("C-2")
