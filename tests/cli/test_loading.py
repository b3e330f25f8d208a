"""A command loads only what it needs, and says what is missing where that was not installed."""

import sysconfig
from pathlib import Path

import pytest

from aftersale.records import Records
from tests.support.drawing import NOW, turn
from tests.support.shell import Told, python

EXTRA = ("alembic", "psycopg", "sqlalchemy")
HEAVY = (*EXTRA, "temporalio")
PROGRAM = f"""
import sys
from aftersale.cli import app
app(sys.argv[1:], standalone_mode=False)
print("loaded:", *sorted({{name.split(".")[0] for name in sys.modules}} & {set(HEAVY)}))
"""


@pytest.fixture
def without_the_extra(tmp_path: Path) -> str:
    """A program beside all packages that are installed but those of the extra: short of a second installation."""
    for package in Path(sysconfig.get_path("purelib")).iterdir():
        if not package.name.lower().startswith((*EXTRA, "__editable__")):
            (tmp_path / package.name).symlink_to(package)
    return f"import sys; sys.path += ['', {str(tmp_path)!r}]; from aftersale.cli import main; main()"


async def test_asking_the_policy_book_does_not_load_temporal_or_a_database() -> None:
    told = await python("-c", PROGRAM, "policy", "--help")
    assert told.status == 0, told.err
    assert "explain" in told.out and _loaded(told) == []
    asked = '{"clock": "merchant_review", "started_at": "2024-01-30T00:00:00+08:00"}'
    told = await python("-c", PROGRAM, "policy", "explain", given=asked)
    assert "2024-02-04" in told.out and _loaded(told) == []


@pytest.mark.parametrize("words", [("list",), ("due",), ("list", "--all", "--json"), ("show", "C-1")])
async def test_what_reads_the_records_loads_no_temporal_and_only_the_driver_of_its_database(
    kept: Records, url: str, words: tuple[str, ...]
) -> None:
    kept.turns.write([turn("C-1", 1, respond_by=NOW)], now=NOW)
    told = await python("-c", PROGRAM, *words, records_url=url)
    assert told.status == 0 and "C-1" in told.out, told.err
    assert _loaded(told) == (["sqlalchemy"] if url.startswith("sqlite") else ["psycopg", "sqlalchemy"])


async def test_where_the_extra_is_not_installed_it_is_named(without_the_extra: str) -> None:
    program = ("-I", "-S", "-c", without_the_extra)
    remedy = "install it: pip install 'aftersale[records]'"
    listed = await python(*program, "list")
    assert (listed.status, listed.out) == (2, "") and "the records need the extra `records`" in listed.err
    assert remedy in listed.err and listed.err.count("\n") == 1
    shown = await python(*program, "show", "C-1")
    assert shown.status == 2 and f"{remedy}; or ask the case itself with --live" in shown.err
    live = await python(*program, "show", "C-1", "--live")
    assert live.status == 2 and live.err.startswith("aftersale: no Temporal server answers")
    prepared = await python(*program, "setup", "--json")
    assert prepared.status == 2 and remedy in prepared.json["error"]


def _loaded(told: Told) -> list[str]:
    return told.out.splitlines()[-1].split()[1:]
