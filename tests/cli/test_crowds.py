"""Lists over fifty thousand open cases: what they show, and how little the database does for a page.

How long they take is for `make bench` to say.
"""

import pytest

from aftersale.records import Records
from tests.support.counting import work_of
from tests.support.crowds import open_cases, pages
from tests.support.shell import run

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
