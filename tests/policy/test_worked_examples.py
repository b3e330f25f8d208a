"""The worked examples of the rules, written out apart from the policy files, so that neither can drift alone."""

from typing import Any

import pytest

from tests.support.books import ask, due

TAGGED = ["spring_festival_nonstop"]


def _tagged(paid_at: str) -> dict[str, Any]:
    return {"order": {"paid_at": paid_at, "labels": TAGGED}}


WORKED = [
    ("E1", "merchant_review", {"kind": "refund"}, "2024-01-30T00:00:00", "02-01T00:00:00", "02-04T00:00:00", "S22 S24"),
    ("E2", "merchant_review", {"kind": "refund"}, "2024-01-29T23:59:59", "01-31T23:59:59", "01-31T23:59:59", ""),
    ("E3", "merchant_review", {"kind": "return"}, "2024-02-15T23:59:59", "02-17T23:59:59", "02-20T23:59:59", "S22 S24"),
    (
        "E5",
        "merchant_review",
        {"kind": "return", **_tagged("2024-02-05T09:00:00")},
        "2024-02-15T23:59:59",
        "02-17T23:59:59",
        "02-17T23:59:59",
        "S11 S13",
    ),
    (
        "E6",
        "merchant_review",
        {"kind": "refund", "dispatched": False},
        "2024-02-10T09:30:00",
        "02-12T09:30:00",
        "02-12T09:30:00",
        "S22 S23",
    ),
    (
        "E7",
        "buyer_return",
        {"kind": "return", **_tagged("2024-01-29T00:00:00")},
        "2024-02-01T10:00:00",
        "02-08T10:00:00",
        "02-29T10:00:00",
        "S11 S14",
    ),
    ("E10", "buyer_return", {"kind": "return"}, "2024-02-05T12:00:00", "02-12T12:00:00", "02-12T12:00:00", ""),
    (
        "E11",
        "merchant_receipt",
        {"kind": "return"},
        "2024-01-25T00:00:00",
        "02-01T00:00:00",
        "02-09T00:00:00",
        "S22 S25",
    ),
    (
        "E14",
        "merchant_inspection",
        {"kind": "return"},
        "2024-02-08T15:20:00",
        "02-10T15:20:00",
        "02-23T15:20:00",
        "S22 S26",
    ),
    (
        "E16",
        "replacement_dispatch",
        {"kind": "exchange"},
        "2024-02-05T09:00:00",
        "02-09T09:00:00",
        "02-20T09:00:00",
        "S22 S27",
    ),
    (
        "E18",
        "reship_dispatch",
        {"kind": "reship"},
        "2024-02-15T23:59:59",
        "02-17T23:59:59",
        "03-01T23:59:59",
        "S22 S28",
    ),
    ("E21", "dispatch", {}, "2024-02-02T00:00:00", "02-04T00:00:00", "02-22T23:59:59", "S16"),
    (
        "E23b",
        "dispatch",
        {"order": {"dispatch_promise": "PT72H"}},
        "2024-02-20T23:59:59",
        "02-23T23:59:59",
        "02-23T23:59:59",
        "S16",
    ),
    ("E29a", "false_dispatch_pickup", {}, "2024-02-02T00:00:00", "02-03T00:00:00", "02-04T00:00:00", "S29"),
    (
        "E29c",
        "false_dispatch_hub",
        {"dispatch_clicked_at": "2024-02-02T00:00:00"},
        "2024-02-03T12:00:00",
        "02-04T12:00:00",
        "02-07T12:00:00",
        "S30",
    ),
    ("E31", "fresh_damage_window", {"kind": "claim"}, "2021-08-12T18:05:30", None, "2021-08-13T18:05:30", "S4"),
    (
        "E34",
        "merchant_receipt",
        {"kind": "return", "extensions": ["P7D"]},
        "2024-02-10T12:00:00",
        "02-17T12:00:00",
        "03-03T12:00:00",
        "S22 S25",
    ),
    (
        "E35",
        "buyer_return",
        {"agreed_limits": {"buyer_return": "P10D"}, **_tagged("2024-02-05T09:00:00")},
        "2024-02-05T12:00:00",
        None,
        "02-15T12:00:00",
        "S15",
    ),
    ("E36", "statutory_refund", {}, "2024-02-08T15:20:00", None, "02-16T00:00:00", ""),
]
"""Number, clock, facts, start, ordinary point, deadline, rules. A month and day alone are of 2024."""


@pytest.mark.parametrize(("number", "clock", "facts", "start", "ordinary", "deadline", "rules"), WORKED)
def test_the_book_works_the_example_as_the_rules_do(
    number: str, clock: str, facts: dict[str, Any], start: str, ordinary: str | None, deadline: str, rules: str
) -> None:
    answer = ask(clock, start, **facts)
    assert due(answer).endswith(deadline), number
    assert list(answer.rules) == rules.split()
    assert answer.exclusive == (number == "E36")
    if ordinary is not None:
        assert answer.ordinary_due_at == ask(clock, start, as_of="2024-01-01T00:00:00", **facts).ordinary_due_at
        assert answer.model_dump(mode="json")["ordinary_due_at"] == f"2024-{ordinary}+08:00"


def test_the_statutory_guard_alerts_while_a_notice_leaves_the_merchant_more_time() -> None:
    guard, act = ask("statutory_refund", "2024-02-08T15:20:00"), ask("merchant_inspection", "2024-02-08T15:20:00")
    assert guard.on_timeout == "alert"
    assert guard.due_at is not None
    assert act.due_at is not None
    assert guard.due_at < act.due_at
