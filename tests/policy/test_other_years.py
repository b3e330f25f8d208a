"""Notices of other years, which change every dimension: the format says them as data, and binds nobody by them."""

from pathlib import Path

import pytest

from aftersale.policy.authoring.coverage import gaps
from aftersale.policy.authoring.lint import lint
from aftersale.policy.authoring.overlaps import overlaps
from aftersale.policy.book import Book
from aftersale.policy.load import load
from aftersale.policy.rules import PolicyFile
from tests.support.books import BOOK, OTHER_YEARS, ask, copied, due

YEARS = {file.id: file for file in OTHER_YEARS}


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Book:
    """The ordinary limits with the notices of other years in the place of the book's own."""
    return load(_with_other_years(tmp_path_factory.mktemp("other")))


def _with_other_years(target: Path) -> Path:
    root = copied(target)
    for path in (root / "notices").glob("*.toml"):
        path.unlink()
    for path in (root / "examples").glob("*.toml"):
        path.rename(root / "notices" / path.name)
    return root


def test_the_four_are_there_and_none_is_in_the_book() -> None:
    assert sorted(YEARS) == ["2022-cross-border", "2022-epidemic", "2023-spring-festival", "2026-spring-festival"]
    assert not YEARS.keys() & {file.id for file in BOOK.files}


def test_the_ordinary_limits_with_all_four_are_well(tmp_path: Path) -> None:
    assert lint(_with_other_years(tmp_path)) == []


@pytest.mark.parametrize("file", OTHER_YEARS, ids=lambda file: file.id)
def test_every_edge_is_shown_from_both_sides_and_every_figure_that_is_ours_says_so(file: PolicyFile) -> None:
    ordinary = [each for each in BOOK.files if each.tier in (None, "agreement")]
    assert list(gaps(Book([*ordinary, file]), file)) == []
    assert list(overlaps([*ordinary, file])) == []
    assert file.source is not None
    assert "in outline" in file.source
    assert all(window.assumed for window in file.window)


def test_the_epidemic_notice_goes_by_the_application_and_not_by_the_start_of_the_clock(book: Book) -> None:
    def sent_back(applied_at: str, region: str) -> str:
        given = {"applied_at": applied_at, "order": {"region": region}}
        return due(ask("buyer_return", "2022-05-02T10:00:00", book=book, **given))

    assert sent_back("2022-04-30T23:59:59", "shenzhen") == "2022-05-16T10:00:00"
    assert sent_back("2022-04-30T23:59:59", "changchun") == "2022-05-23T10:00:00"
    assert sent_back("2022-05-01T00:00:00", "changchun") == "2022-05-09T10:00:00"


def test_the_cross_border_notice_adds_to_whatever_the_expected_completion_is(book: Book) -> None:
    answer = ask("merchant_receipt", "2022-04-20T10:00:00", book=book, order={"merchant_class": "global"})
    assert (due(answer), answer.limit, answer.rules) == ("2022-05-07T10:00:00", "P17D", ("X1",))
    assert any("assumed: which clocks is illustrative" in line for line in answer.because)


def test_in_2023_the_merchant_had_to_switch_it_on_and_in_2026_nobody_had_to(book: Book) -> None:
    assert ask("dispatch", "2023-01-20T10:00:00", book=book).rules == ()
    delay = {"set_at": "2023-01-20T10:00:00", "until": "2023-02-04T23:59:59"}
    switched_on = ask("dispatch", "2023-01-20T10:00:00", book=book, order={"merchant_delay": delay})
    assert (due(switched_on), switched_on.rules) == ("2023-02-04T23:59:59", ("D1",))
    assert due(ask("dispatch", "2026-02-20T23:59:59", book=book)) == "2026-02-24T23:59:59"
    assert due(ask("dispatch", "2026-02-21T00:00:00", book=book)) == "2026-02-24T00:00:00"
