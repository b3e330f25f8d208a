"""`aftersale policy impact`: what a notice would move, read from the records on both databases; nothing is changed."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from aftersale.cli import app
from aftersale.records import CaseRepository, Records
from aftersale.vocabulary import State
from tests.support.books import ROOT
from tests.support.crowds import like
from tests.support.drawing import NOW, turn
from tests.support.running import open_file, text, turn_of
from tests.support.shell import on_a_terminal

ON_THE_FIFTH = ("--at", "2024-06-05T10:00:00")
MANY = 50_000


@pytest.fixture(autouse=True)
def _book_in_the_checkout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AFTERSALE_POLICIES", str(ROOT))
    monkeypatch.setenv("NO_COLOR", "1")


@pytest.fixture
def some(kept: Records, url: str) -> str:
    """Two returns that wait for their buyers, of two merchants, one under review, one of an older version, one over."""
    kept.turns.write([turn_of(open_file(case_id="C-1", merchant_id="M-1"))], now=NOW)
    kept.turns.write([turn_of(open_file(since="2024-06-01 10:00:00", case_id="C-2", merchant_id="M-2"))], now=NOW)
    kept.turns.write(
        [turn_of(open_file(State.AWAITING_MERCHANT_REVIEW, "2024-06-04 10:00:00", case_id="C-3"))], now=NOW
    )
    kept.turns.write([turn_of(open_file(case_id="C-4"), asked=False)], now=NOW)
    kept.turns.write([turn("C-5", 1, final=True)], now=NOW)
    return url


@pytest.fixture
def notice(tmp_path: Path) -> Path:
    """A draft that gives buyers fourteen days."""
    path = tmp_path / "of-june.toml"
    path.write_text(text(), "utf-8")
    return path


def test_it_says_how_many_deadlines_move_how_far_and_whose(some: str, notice: Path) -> None:
    found = _json(some, notice, *ON_THE_FIFTH)
    assert (found["cases"], found["cases_moved"], found["moved"], found["later"], found["stands"]) == (4, 2, 2, 2, 1)
    assert found["distances"] == {"later": {"shortest": "P7D", "median": "P7D", "longest": "P7D"}, "earlier": None}
    assert (found["by_kind"], found["by_state"]) == ({"return": 2}, {"awaiting_buyer_return": 2})
    assert found["by_merchant"] == {"M-1": 1, "M-2": 1}
    assert (found["unknown"], found["past"], found["owed"], found["run_out"]) == (1, 0, 0, 0)


def test_people_read_it_in_words(some: str, notice: Path) -> None:
    told = _run(some, notice, *ON_THE_FIFTH)
    assert told.exit_code == 0 and told.stderr == ""
    lines = told.stdout.splitlines()
    assert lines[0].endswith("as if published 2024-06-05T10:00:00+08:00")
    assert lines[1] == "4 open cases, 3 running clocks: 2 deadlines move, in 2 cases"
    assert lines[2] == "later: 2, by 7 days to 7 days, the median 7 days"
    assert lines[3].startswith("1 open cases were last written by an older version")
    assert "awaiting buyer return 待买家退货" in told.stdout and "M-2" in told.stdout


def test_a_notice_that_shortens_says_how_many_have_passed_and_leave_the_grace(some: str, notice: Path) -> None:
    notice.write_text(text('set = "P2D", may_shorten = true'), "utf-8")
    found = _json(some, notice, *ON_THE_FIFTH)
    assert (found["earlier"], found["later"], found["past"]) == (2, 0, 1), "C-1 is due at that very second"
    assert found["distances"]["earlier"] == {"shortest": "P2D", "median": "P5D", "longest": "P5D"}
    one_later = _json(some, notice, "--at", "2024-06-05T10:00:01")
    assert one_later["past"] == 2


def test_without_an_instant_it_is_as_if_published_on_its_day_or_now(some: str, notice: Path) -> None:
    found = _json(some, notice)
    assert found["run_out"] == 3 and found["moved"] == 0, "the clocks of June 2024 have run out long ago"
    notice.write_text(text(announced="2999-01-01"), "utf-8")
    assert _json(some, notice)["at"] == "2999-01-01T00:00:00+08:00"


def test_nothing_is_changed(some: str, notice: Path, kept: Records) -> None:
    before = (kept.cases.find(), kept.turns.of("C-1"), notice.read_bytes())
    _json(some, notice, *ON_THE_FIFTH)
    assert (kept.cases.find(), kept.turns.of("C-1"), notice.read_bytes()) == before


def test_a_bar_is_drawn_on_a_terminal_and_leaves_nothing_behind(some: str, notice: Path) -> None:
    shown = on_a_terminal(120, "policy", "impact", str(notice), *ON_THE_FIFTH, records_url=some)
    assert "open cases" in shown and "2 deadlines move" in shown


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("nowhere.toml",), "is neither a policy file nor a folder that holds book.toml; name one of them"),
        (("--at", "tomorrow"), "--at: write an instant as 2024-02-01T00:00:00+08:00"),
    ],
)
def test_what_is_wrong_is_told_with_its_remedy(notice: Path, words: tuple[str, ...], said: str) -> None:
    file = words if words[0] != "--at" else (str(notice), *words)
    told = _run("sqlite:////nowhere/records.db", *file)
    assert told.exit_code == 2 and said in told.stderr


def test_without_records_it_says_how_to_get_them(notice: Path) -> None:
    told = _run("sqlite:////nowhere/records.db", notice)
    assert told.exit_code == 2 and "run `aftersale setup`" in told.stderr


@pytest.mark.parametrize("many", [1500, pytest.param(MANY, marks=pytest.mark.soak)])
def test_very_many_open_cases_are_gone_through_in_pages(
    some: str, notice: Path, many: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    like(some, "C-1", many - 4)
    asked: list[int] = []
    page = CaseRepository.running_clocks

    def counted(self: CaseRepository, after: str, limit: int) -> Any:
        found = page(self, after, limit)
        asked.append(len(found))
        return found

    monkeypatch.setattr(CaseRepository, "running_clocks", counted)
    found = _json(some, notice, *ON_THE_FIFTH)
    assert (found["cases"], found["moved"]) == (many, many - 2)
    assert sum(asked) == many and len(asked) <= many / 1000 + 2, "each case is read once"


def _run(url: str, *words: str | Path) -> Result:
    told = CliRunner().invoke(app, ["policy", "impact", *map(str, words)], env={"AFTERSALE_RECORDS_URL": url})
    assert told.exception is None or isinstance(told.exception, SystemExit)
    return told


def _json(url: str, *words: str | Path) -> dict[str, Any]:
    told = _run(url, *words, "--json")
    assert (told.exit_code, told.stderr) == (0, "")
    return dict(json.loads(told.stdout))
