"""Asking is cheap, and stays so as notices gather."""

import json
import time
from collections import Counter

import pytest

from aftersale.policy.book import Book
from aftersale.policy.deadline import Applied, Reckoning
from aftersale.policy.explain import explain_text, written
from aftersale.policy.select import Bound
from tests.policy.books import BOOK, ask, notice

MANY = 20_000
SECONDS = 10


def _crowded(others: int) -> Book:
    """The book with so many more notices, none of which concerns the merchant's review."""
    clocks = ["buyer_return", "escalation", "payout"]
    files = [
        notice(
            {"id": "N1", "clock": clocks, "effect": {"set": "P9D"}, "when": {"regions_any": [f"r{n}"]}},
            id=f"notice-{n}",
        )
        for n in range(others)
    ]
    return Book([*BOOK.files, *files])


@pytest.mark.parametrize("others", [1, 200])
def test_a_question_is_put_to_no_rule_of_another_clock(others: int, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: Counter[str] = Counter()
    judge = Bound.applies

    def counted(self: Bound, reckoning: Reckoning) -> Applied | None:
        asked[self.rule.id] += 1
        return judge(self, reckoning)

    monkeypatch.setattr(Bound, "applies", counted)
    ask("merchant_review", "2024-01-30T00:00:00", book=_crowded(others))
    own = [rule.id for file in BOOK.binding for rule in file.rule if "merchant_review" in rule.clock]
    assert {"S13", "S15", "S23", "S24"} <= set(own)
    assert asked == Counter(own)


def test_a_question_takes_no_longer_among_200_notices_than_beside_one() -> None:
    beside_one, among_many = _crowded(1), _crowded(200)
    pairs = [
        (_timed(beside_one), _timed(among_many)) for _ in range(7)
    ]  # in turns, so that a busy machine slows both alike
    assert min(many for _, many in pairs) < 2 * min(one for one, _ in pairs)


def _timed(book: Book) -> float:
    begun = time.perf_counter()
    for _ in range(300):
        ask("merchant_review", "2024-01-30T00:00:00", book=book)
    return time.perf_counter() - begun


def test_twenty_thousand_questions_are_answered_in_ten_seconds() -> None:
    order = {
        "paid_at": "2024-01-20T09:00:00+08:00",
        "labels": [],
        "sale_mode": "in_stock",
        "services": ["instant_refund"],
    }
    question = {"clock": "merchant_review", "kind": "return", "started_at": "2024-01-30T00:00:00+08:00", "order": order}
    begun = time.perf_counter()
    answers = [written(answer) for answer in explain_text(BOOK, "\n".join([json.dumps(question)] * MANY))]
    assert time.perf_counter() - begun < SECONDS
    assert len(answers) == MANY
    assert all('"due_at": "2024-02-04T00:00:00+08:00"' in answer for answer in answers)
