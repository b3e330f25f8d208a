"""Asking is cheap, and stays so as notices gather: counted, so that it holds on every machine."""

import json
import sys
from collections import Counter
from collections.abc import Callable

import pytest

from aftersale.policy.book import Book
from aftersale.policy.deadline import Applied, Computation
from aftersale.policy.explain import explain_text, json_line
from aftersale.policy.select import Bound
from tests.support.books import BOOK, ask, crowded

ORDER = {
    "paid_at": "2024-01-20T09:00:00+08:00",
    "labels": [],
    "sale_mode": "in_stock",
    "services": ["instant_refund"],
}
QUESTION = {"clock": "merchant_review", "kind": "return", "started_at": "2024-01-30T00:00:00+08:00", "order": ORDER}


@pytest.mark.parametrize("others", [1, 200])
def test_a_question_is_put_to_no_rule_of_another_clock(others: int, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: Counter[str] = Counter()
    judge = Bound.applies

    def counted(self: Bound, computation: Computation) -> Applied | None:
        asked[self.rule.id] += 1
        return judge(self, computation)

    monkeypatch.setattr(Bound, "applies", counted)
    ask("merchant_review", "2024-01-30T00:00:00", book=crowded(others))
    own = [rule.id for file in BOOK.binding for rule in file.rule if "merchant_review" in rule.clock]
    assert {"S13", "S15", "S23", "S24"} <= set(own)
    assert asked == Counter(own)


def test_a_question_takes_no_more_calls_among_200_notices_than_beside_one() -> None:
    def calls_in(book: Book) -> int:
        return calls(lambda: ask("merchant_review", "2024-01-30T00:00:00", book=book))

    assert calls_in(crowded(200)) == calls_in(crowded(1))


def test_a_question_takes_no_more_calls_as_the_last_of_very_many_than_as_one_of_a_few() -> None:
    few, many = calls(lambda: answers(20)), calls(lambda: answers(2_000))
    assert many / 2_000 <= few / 20
    assert few / 20 < 1_000


def test_very_many_questions_are_answered_in_their_order() -> None:
    found = answers(2_000)
    assert len(found) == 2_000
    assert all('"due_at": "2024-02-04T00:00:00+08:00"' in answer for answer in found)


def answers(many: int) -> list[str]:
    """The answers to one question, put so often in one text."""
    return [json_line(answer) for answer in explain_text(BOOK, "\n".join([json.dumps(QUESTION)] * many))]


def calls(do: Callable[[], object]) -> int:
    """How many functions of Python are called; the first time prepares what is kept."""
    do()
    made = 0

    def count(_frame: object, event: str, _argument: object) -> None:
        nonlocal made
        made += event == "call"

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        do()
    finally:
        sys.setprofile(before)
    return made
