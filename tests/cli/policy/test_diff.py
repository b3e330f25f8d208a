"""`aftersale policy diff` as a shell meets it: books and files held against one another, in words, table and JSON."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from aftersale.cli.policy.book import policy
from tests.support.books import BOOK, ROOT, copied
from tests.support.spoiling import FESTIVAL, edit

LONGER = ('effect = { set = "P5D" }', 'effect = { set = "P8D" }')


@pytest.fixture(autouse=True)
def _book_in_the_checkout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AFTERSALE_POLICIES", str(ROOT))
    monkeypatch.setenv("NO_COLOR", "1")


def _run(*words: str | Path) -> Result:
    result = CliRunner().invoke(policy, ["diff", *map(str, words)])
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result


def _told(*words: str | Path) -> dict[str, Any]:
    result = _run(*words, "--json")
    assert result.exit_code == 0
    answer: dict[str, Any] = json.loads(result.stdout)
    return answer


def _moves(answer: dict[str, Any]) -> set[tuple[str, str]]:
    return {(each["clock"], each["change"]) for each in answer["moves"]}


@pytest.fixture
def longer(tmp_path: Path) -> Path:
    """A copy of the book whose S24 gives 8 days instead of 5."""
    root = copied(tmp_path)
    edit(root, FESTIVAL, *LONGER)
    return root


def test_two_books_are_told_apart_clock_by_clock(longer: Path) -> None:
    result = _run(ROOT, longer)
    assert result.exit_code == 0
    assert result.stdout.startswith(f"{BOOK.version} → ")
    assert "merchant_review 商家处理: 3 days later (" in result.stdout
    assert "2024-02-04 00:00:00, by S22 S24" in result.stdout
    assert "2024-02-07 00:00:00, by S22 S24" in result.stdout
    answer = _told(ROOT, longer)
    assert _moves(answer) == {("merchant_review", "3 days later")}
    assert {(*each["old"]["rules"], each["new"]["limit"]) for each in answer["moves"]} == {("S22", "S24", "P8D")}


def test_a_question_that_moves_can_be_put_to_explain_as_it_is(longer: Path) -> None:
    moved = _told(ROOT, longer)["moves"][0]
    explained = CliRunner().invoke(policy, ["explain"], input=json.dumps(moved["question"]))
    assert json.loads(explained.stdout)["due_at"] == moved["old"]["due_at"]


def test_the_other_way_round_the_clock_moves_back(longer: Path) -> None:
    assert _moves(_told(longer, ROOT)) == {("merchant_review", "3 days earlier")}


def test_a_book_is_held_against_the_one_in_use_where_it_stands_alone(longer: Path) -> None:
    assert _moves(_told(longer)) == {("merchant_review", "3 days later")}


def test_a_file_takes_the_place_of_its_namesake_in_the_book_in_use(longer: Path) -> None:
    assert _moves(_told(longer / FESTIVAL)) == {("merchant_review", "3 days later")}
    assert _moves(_told(ROOT / FESTIVAL, longer / FESTIVAL)) == {("merchant_review", "3 days later")}


def test_a_file_is_held_against_the_book_that_is_named_beside_it(longer: Path) -> None:
    assert _moves(_told(longer, ROOT / FESTIVAL)) == {("merchant_review", "3 days earlier")}
    assert _moves(_told(ROOT / FESTIVAL, longer)) == {("merchant_review", "3 days later")}


def test_a_draft_is_tried_as_if_in_force() -> None:
    answer = _told(ROOT / "notices" / "2027-spring-festival.toml")
    assert ("buyer_return", "21 days later") in _moves(answer)
    assert ("false_tracking_hub", "waived") in _moves(answer)
    assert {clock for clock, _ in _moves(answer)} >= {"presale", "dispatch", "merchant_receipt"}
    assert all("2024-0" not in json.dumps(each["question"]) for each in answer["moves"])


def test_a_notice_of_another_year_is_told_by_the_day_of_payment() -> None:
    result = _run(ROOT / "examples" / "2026-spring-festival.toml")
    assert "started 2026-02-16 00:00:00" in result.stdout
    assert "2026-02-24 23:59:59, by H1" in result.stdout
    assert "2026-02-18 00:00:00, ordinary" in result.stdout


def test_of_books_that_say_the_same_no_clock_moves() -> None:
    assert _run(ROOT, ROOT).stdout.splitlines()[1:] == ["no clock moves"]
    assert _told(ROOT / FESTIVAL)["moves"] == []


def test_figures_that_are_no_clock_are_told(longer: Path) -> None:
    edit(longer, "limits/rights.toml", "most = 5", "most = 7")
    assert "attempts_per_order_line: 7 instead of 5" in _run(longer).stdout
    assert _told(longer)["settings"] == [{"name": "attempts_per_order_line", "old": "5", "new": "7"}]


@pytest.mark.parametrize("second", [(), (str(ROOT),)])
def test_what_is_no_book_and_no_file_is_refused_with_what_to_name(second: tuple[str, ...], tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "nowhere.toml"):
        result = _run(path, *second, "--json")
        assert result.exit_code == 2
        said = "is neither a policy file nor a folder that holds book.toml; name one of them"
        assert json.loads(result.stdout)["error"] == f"{path}: {said}"


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "spoilt.toml").write_text("x", encoding="utf-8")
    result = _run(tmp_path / "spoilt.toml")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "spoilt.toml: is not TOML" in result.stderr
