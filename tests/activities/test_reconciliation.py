"""The part of a reconciliation about the payment service's statement: what it lacks, and one that cannot be read."""

import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from temporalio.testing import ActivityEnvironment

from activities.reconciliation import Reconciling
from aftersale.reconciliation.discrepancies import Reconciled, ReconciliationPart
from aftersale.records import Records
from aftersale.times import SECOND
from aftersale.vocabulary import DiscrepancyKind
from tests.support.bookkeeping import claim, hold, instruction, pay
from tests.support.drawing import HOUR, NOW

NOT_ASKED: Any = None
"""The server, which this part does not ask."""

PAID = '{"key": "case/C-1/refund/1", "status": "succeeded", "amount_minor": 6000, "currency": "CNY", '


@pytest.fixture
def books(kept: Records) -> Records:
    """One refund, settled at `NOW`."""
    hold(kept.ledger, claim("C-1", 6000))
    pay(kept.ledger, instruction("C-1", 6000))
    return kept


async def compared(books: Records, statement: Path | None) -> Reconciled:
    """What the comparison with a statement comes to."""
    reconciling = Reconciling(NOT_ASKED, books, statement)
    found: Reconciled = await ActivityEnvironment().run(reconciling.reconcile, ReconciliationPart.STATEMENT)
    return found


def written(folder: Path, text: str, after: timedelta = 2 * HOUR) -> Path:
    """A statement that was written so long after the refund was settled."""
    file = folder / "payments.jsonl"
    file.write_text(text, "utf-8")
    moment = (NOW + after).timestamp()
    os.utime(file, (moment, moment))
    return file


def standing(books: Records) -> list[tuple[DiscrepancyKind, str]]:
    """What does not agree now."""
    return [(each.kind, each.subject) for each in books.reconciliation.open_discrepancies()]


async def test_a_statement_that_holds_every_payment_agrees_and_none_at_all_is_not_asked(
    books: Records, tmp_path: Path
) -> None:
    whole = written(tmp_path, PAID + '"provider_ref": "P:case/C-1/refund/1"}\n')
    assert await compared(books, whole) == await compared(books, None) == Reconciled()


@pytest.mark.parametrize(("after", "found"), [(HOUR, 0), (HOUR + SECOND, 1)])
async def test_a_refund_is_missing_from_a_statement_that_was_written_an_hour_after_it(
    books: Records, tmp_path: Path, after: timedelta, found: int
) -> None:
    """What was paid while a statement was drawn up stands in the next one."""
    assert (await compared(books, written(tmp_path, "", after))).new == found


async def test_a_statement_that_cannot_be_read_is_found_and_settles_nothing(books: Records, tmp_path: Path) -> None:
    await compared(books, written(tmp_path, ""))
    missing = (DiscrepancyKind.STATEMENT_DIFFERS, "not_in_statement/case/C-1/refund/1")
    assert standing(books) == [missing]
    assert (await compared(books, written(tmp_path, PAID))).new == 1
    assert (await compared(books, tmp_path / "absent")).new == 0
    assert missing in standing(books) and (DiscrepancyKind.STATEMENT_UNREADABLE, "statement") in standing(books)
    await compared(books, written(tmp_path, ""))
    assert standing(books) == [missing]
