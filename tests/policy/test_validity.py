"""A text's two times: when it is known, from announcement to repeal, and where it has effect (R9, R14)."""

from datetime import date
from typing import Any

import pytest

from aftersale.policy.facts import Question
from aftersale.policy.rules import PolicyFile
from aftersale.policy.validity import stage
from aftersale.vocabulary import Clock
from tests.support.books import ask, due, notice, utc, with_notices

WINDOW = {"w": ("2024-02-01T00:00:00", "2024-02-17T23:59:59")}
START = "2024-02-10T10:00:00"
ORDINARY, LONGER = "2024-02-12T10:00:00", "2024-02-15T10:00:00"


def _notice(**given: Any) -> PolicyFile:
    cap = {"id": "N2", "says": "no pre-sale", "window": "w", "cap": "forbidden"}
    rule = {"id": "N1", "key": "started", "window": "w", "effect": {"set": "P5D"}}
    return notice(rule, windows=WINDOW, presale=[cap], **given)


def _repealed() -> PolicyFile:
    return _notice(status="repealed", repealed=date(2024, 2, 11))


@pytest.mark.parametrize("status", ["announced", "in_force"])
def test_a_notice_binds_once_announced_whether_its_windows_have_begun_or_not(status: str) -> None:
    book = with_notices(_notice(status=status))
    before_its_windows, before_its_day = "2024-01-01T00:00:00", "2023-12-31T23:59:59"
    assert due(ask("merchant_review", START, book=book, as_of=before_its_windows)) == LONGER
    assert due(ask("merchant_review", START, book=book, as_of=before_its_day)) == ORDINARY


@pytest.mark.parametrize(
    ("as_of", "deadline", "cap"),
    [
        ("2023-12-31T23:59:59", ORDINARY, "category"),
        ("2024-01-01T00:00:00", LONGER, "forbidden"),
        ("2024-02-10T23:59:59", LONGER, "forbidden"),
        ("2024-02-11T00:00:00", ORDINARY, "category"),
        (None, ORDINARY, "category"),
    ],
)
def test_a_repealed_notice_binds_as_of_any_moment_before_its_repeal(as_of: str | None, deadline: str, cap: str) -> None:
    book = with_notices(_repealed())
    assert due(ask("merchant_review", START, book=book, as_of=as_of)) == deadline
    assert book.presale(utc(START), "P1D", utc(as_of) if as_of else None).cap == cap


def test_what_a_repealed_notice_had_superseded_holds_again() -> None:
    old = notice({"id": "O1", "effect": {"set": "P9D"}}, id="old")
    new = _notice(status="repealed", repealed=date(2024, 2, 11), supersedes=["old"])
    book = with_notices(old, new)
    assert ask("merchant_review", START, book=book, as_of="2024-02-10T23:59:59").rules == ("N1",)
    assert ask("merchant_review", START, book=book, as_of="2024-02-11T00:00:00").rules == ("O1",)


def test_a_repealed_notice_cannot_bear_on_what_starts_after_its_repeal() -> None:
    book = with_notices(_repealed())
    facts = Question.model_validate({"clock": "merchant_review", "started_at": START})
    assert "merchant_review:N1" in book.clauses_bearing_on(facts, [Clock.MERCHANT_REVIEW], utc("2024-02-10T23:59:59"))
    assert "merchant_review:N1" not in book.clauses_bearing_on(
        facts, [Clock.MERCHANT_REVIEW], utc("2024-02-11T00:00:00")
    )


@pytest.mark.parametrize("status", ["draft", "consultation"])
def test_drafts_and_consultations_bind_nobody_as_of_any_moment(status: str) -> None:
    book = with_notices(_notice(status=status))
    for as_of in (None, "2024-01-01T00:00:00", "2030-01-01T00:00:00"):
        assert due(ask("merchant_review", START, book=book, as_of=as_of)) == ORDINARY


@pytest.mark.parametrize(
    ("at", "reached"),
    [
        ("2023-12-31T23:59:59", None),
        ("2024-01-01T00:00:00", "announced"),
        ("2024-01-31T23:59:59", "announced"),
        ("2024-02-01T00:00:00", "in_force"),
        ("2024-02-10T23:59:59", "in_force"),
        ("2024-02-11T00:00:00", "repealed"),
    ],
)
def test_how_far_a_text_had_come_follows_from_its_dates(at: str, reached: str | None) -> None:
    assert stage(_repealed(), utc(at)) == reached
    assert stage(_notice(status="draft"), utc(at)) == "draft"


def test_the_day_of_the_application_decides_where_a_notice_asks_for_it() -> None:
    rule = {"id": "N1", "key": "applied", "window": "w", "clock": ["buyer_return", "merchant_review"]}
    book = with_notices(notice({**rule, "effect": {"add": "P7D"}}, windows=WINDOW))
    started = "2024-02-20T10:00:00"
    inside, outside = "2024-02-17T23:59:59", "2024-02-18T00:00:00"
    assert due(ask("buyer_return", started, book=book, applied_at=inside)) == "2024-03-05T10:00:00"
    assert due(ask("buyer_return", started, book=book, applied_at=outside)) == "2024-02-27T10:00:00"
    unsaid = ask("buyer_return", started, book=book)
    assert "N1 is passed over: applied_at is not given" in unsaid.because
    assert ask("merchant_review", inside, book=book).rules == ("N1",)
    assert ask("merchant_review", outside, book=book).rules == ()


def test_what_is_ours_in_a_clause_is_said_where_it_is_explained() -> None:
    rule = {"id": "N1", "effect": {"set": "P5D"}, "assumed": "the figure is illustrative"}
    answer = ask("merchant_review", START, book=with_notices(notice(rule)))
    assert any("a clause; assumed: the figure is illustrative" in line for line in answer.because)
