"""Lists over fifty thousand open cases: what they show, and how little the database does for a page.

How long they take is for `make bench` to say.
"""

from collections.abc import Callable
from datetime import timedelta

import pytest

from aftersale.kinds import State
from aftersale.records import Records
from tests.cli.shell import run
from tests.records.drawing import DUE
from tests.support.counting import work_of
from tests.support.crowds import open_cases

CASES = 50_000
MOST = 4_000
"""Hundreds of instructions of SQLite's machine for a page; to look at every case would take four times as many."""


@pytest.fixture
def crowd(kept: Records, url: str) -> Records:
    """Fifty thousand open cases."""
    open_cases(kept, url, CASES)
    return kept


async def test_fifty_thousand_open_cases_are_listed_by_urgency(crowd: Records, url: str) -> None:
    for words in (("list",), ("list", "--json"), ("due", "--within", "P9000D")):
        told = await run(*words, records_url=url)
        assert (told.status, told.err) == (0, "") and "C-17679" in told.out


def test_a_page_of_fifty_thousand_is_found_without_looking_at_all_of_them(crowd: Records, url: str) -> None:
    for name, page in pages(crowd, CASES).items():
        work = work_of(crowd, page)
        assert work.statements <= 2 and work.steps < MOST, (name, work)


def pages(kept: Records, many: int) -> dict[str, Callable[[], object]]:
    """The pages that are asked for, by name."""
    middle = kept.cases(limit=many // 2)[-1].place
    return {
        "first page": lambda: kept.cases(),
        "page in the middle": lambda: kept.cases(after=middle),
        "one merchant": lambda: kept.cases(merchant="M-7"),
        "one merchant, one state": lambda: kept.cases(merchant="M-7", state=State.AWAITING_MERCHANT_REVIEW),
        "one state": lambda: kept.cases(state=State.AWAITING_MERCHANT_REVIEW),
        "due soon": lambda: kept.due(DUE + timedelta(seconds=9)),
    }
