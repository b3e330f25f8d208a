"""`aftersale list` and `due`: what an operator reads first, and what a script pages through."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from aftersale.cli import app
from aftersale.cli.output import from_now
from aftersale.records import Records
from aftersale.times import SECOND, floor, local
from tests.support.drawing import DUE, NOW, turn
from tests.support.shell import on_a_terminal, run

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
BY_URGENCY = ["C-3", "C-1", "C-4", "C-2"]


@pytest.fixture
def now() -> datetime:
    return floor(datetime.now(UTC))


@pytest.fixture
def five(kept: Records, url: str, now: datetime) -> str:
    """A database of cases due in the order C-3 (late), C-1, C-4 (at one second), one on hold, one closed."""
    kept.turns.write([turn("C-1", 1, respond_by=now + 3 * HOUR + 30 * MINUTE)], now=NOW)
    kept.turns.write([turn("C-2", 1, respond_by=None, held_since=NOW)], now=NOW)
    kept.turns.write([turn("C-3", 1, respond_by=now - 12 * MINUTE, merchant="M-8")], now=NOW)
    kept.turns.write([turn("C-4", 1, respond_by=now + 3 * HOUR + 30 * MINUTE)], now=NOW)
    kept.turns.write([turn("C-5", 1, final=True)], now=NOW)
    return url


def test_a_line_says_whose_move_it_is_until_when_and_what_silence_means(five: str, now: datetime) -> None:
    told = _run(five, "list")
    assert told.exit_code == 0 and told.stderr == ""
    lines = [line.split() for line in told.stdout.splitlines() if line.strip().startswith("C-")]
    assert [line[0] for line in lines] == BY_URGENCY
    assert " ".join(lines[0]) == (
        f"C-3 return 退货退款 awaiting merchant review 待商家处理 merchant 商家 {local(now - 12 * MINUTE)} 12 min ago "
        "auto approve 自动同意 M-8 12900 CNY"
    )
    assert "in 3 h" in " ".join(lines[1]) and "on hold" in " ".join(lines[3])


def test_json_holds_the_page_and_where_the_next_one_begins(five: str) -> None:
    whole = _json(five, "list")
    assert (_ids(whole), whole["next"]) == (BY_URGENCY, None)
    first = whole["cases"][0]
    assert (first["state"], first["party"], first["on_timeout"]) == (
        "awaiting_merchant_review",
        "merchant",
        "auto_approve",
    )
    assert (first["commands"], first["amount_minor"], first["currency"]) == (["approve", "reject"], 12900, "CNY")


@pytest.mark.parametrize("size", [1, 2, 3, 4])
def test_pages_add_up_to_the_list(five: str, size: int) -> None:
    seen: list[str] = []
    after: list[str] = []
    while True:
        page = _json(five, "list", "--limit", str(size), *after)
        seen += _ids(page)
        if page["next"] is None:
            break
        after = ["--after", page["next"]]
    assert seen == BY_URGENCY


def test_a_table_that_is_not_the_end_says_how_to_go_on(five: str) -> None:
    told = _run(five, "list", "--limit", "3").stdout.splitlines()
    assert told[-1].startswith("more: --after ") and told[-1].endswith("/C-4")
    assert "more" not in _run(five, "list", "--limit", "4").stdout


def test_a_narrow_terminal_folds_a_line_and_cuts_nothing_short(five: str, now: datetime) -> None:
    due = local(now - 12 * MINUTE)
    narrow, narrower = (on_a_terminal(columns, "list", "--limit", "1", records_url=five) for columns in (120, 60))
    assert due in narrow and "…" not in narrow + narrower
    for column in (narrow, narrower):
        assert "\x1b[31m" in column, "what is late is red"


def test_all_cases_come_as_json_lines_or_as_rows(five: str) -> None:
    lines = _run(five, "list", "--all", "--json").stdout.splitlines()
    assert [json.loads(line)["case_id"] for line in lines] == BY_URGENCY
    head, *rows = [line.split("\t") for line in _run(five, "list", "--all").stdout.splitlines()]
    assert [row[0] for row in rows] == BY_URGENCY and {len(row) for row in (head, *rows)} == {9}
    last = _json(five, "list", "--limit", "3")["next"]
    assert _run(five, "list", "--all", "--after", last).stdout.splitlines()[1].startswith("C-2\t")


def test_cases_are_picked_by_state_merchant_and_deadline(five: str, now: datetime) -> None:
    assert _ids(_json(five, "list", "--state", "completed")) == ["C-5"]
    assert _ids(_json(five, "list", "--merchant", "M-8")) == ["C-3"]
    due = now + 3 * HOUR + 30 * MINUTE
    zoneless = local(due).removesuffix("+08:00")
    assert _ids(_json(five, "list", "--due-before", zoneless)) == ["C-3"]
    assert _ids(_json(five, "list", "--due-before", local(due + SECOND))) == ["C-3", "C-1", "C-4"]


def test_due_are_the_cases_whose_deadline_is_near_or_past(five: str) -> None:
    assert _ids(_json(five, "due")) == ["C-3", "C-1", "C-4"]
    assert _ids(_json(five, "due", "--within", "PT3H")) == ["C-3"]
    assert _ids(_json(five, "due", "--within", "PT4H", "--merchant", "M-7")) == ["C-1", "C-4"]
    assert _ids(_json(five, "due", "--within", "PT0S")) == ["C-3"]
    assert _run(five, "due", "--merchant", "M-9").stdout == "no cases\n"


@pytest.mark.parametrize(
    ("away", "said"),
    [
        (timedelta(0), "in 0 s"),
        (59 * SECOND, "in 59 s"),
        (60 * SECOND, "in 1 min"),
        (3599 * SECOND, "in 59 min"),
        (HOUR, "in 1 h"),
        (48 * HOUR - SECOND, "in 47 h"),
        (48 * HOUR, "in 2 d"),
        (-SECOND, "1 s ago"),
        (-12 * MINUTE, "12 min ago"),
    ],
)
def test_a_distance_is_told_in_its_largest_whole_unit(away: timedelta, said: str) -> None:
    assert from_now(DUE + away, DUE) == said


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("list", "--due-before", "tomorrow"), "--due-before: write an instant as 2024-02-01T00:00:00+08:00"),
        (("list", "--merchant", "a b"), "--merchant: must be 1 to 64 of the characters"),
        (("list", "--after", "C-1"), "--after: is no place in a list; write the `next` of the page before"),
        (("list", "--after", "2024-02-01T00:00:00/a b"), "--after: is no place in a list"),
        (("list", "--state", "asleep"), "'asleep' is not one of"),
        (("list", "--limit", "0"), "'--limit'"),
        (("list", "--limit", "3", "--all"), "--limit: has no meaning beside --all; leave one of them out"),
        (("due", "--within", "a day"), "--within: write a duration as P5D, PT48H or P1DT12H"),
        (("due", "--within", "P1M"), "--within: write a duration"),
    ],
)
def test_a_wrong_option_is_told_with_its_remedy_and_needs_no_records(words: tuple[str, ...], said: str) -> None:
    told = _run("sqlite:////nowhere/records.db", *words)
    assert told.exit_code == 2 and said in " ".join(told.output.replace("│", " ").split())
    as_json = _run("sqlite:////nowhere/records.db", *words, "--json")
    assert as_json.exit_code == 2 and said in json.loads(as_json.stdout)["error"]


async def test_a_list_makes_no_file_and_says_how_to_get_one(tmp_path: Path) -> None:
    file = tmp_path / "records.db"
    told = await run("list", records_url=f"sqlite:///{file}")
    assert (told.status, told.out) == (2, "")
    assert told.err.endswith("(there is no such file); run `aftersale setup`, or set AFTERSALE_RECORDS_URL\n")
    assert not file.exists()


async def test_a_database_that_does_not_answer_is_named_without_its_password() -> None:
    told = await run("list", "--json", records_url="postgresql://someone:s3cret-word@127.0.0.1:1/records")
    assert told.status == 2 and "PostgreSQL database records at 127.0.0.1:1" in told.json["error"]
    assert "s3cret" not in told.out + told.err


def _run(url: str, *words: str) -> Result:
    told = CliRunner().invoke(app, words, env={"AFTERSALE_RECORDS_URL": url, "TEMPORAL_ADDRESS": "127.0.0.1:1"})
    assert told.exception is None or isinstance(told.exception, SystemExit)
    return told


def _json(url: str, *words: str) -> dict[str, Any]:
    told = _run(url, *words, "--json")
    assert (told.exit_code, told.stderr) == (0, "")
    return dict(json.loads(told.stdout))


def _ids(page: dict[str, Sequence[dict[str, Any]]]) -> list[str]:
    return [case["case_id"] for case in page["cases"]]
