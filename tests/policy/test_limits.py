"""Every clock outside any notice: its limit, what a silence means, where the figure comes from."""

from typing import Any

import pytest

from aftersale.policy.facts import Question
from aftersale.vocabulary import Clock
from tests.support.books import BOOK, ask, due

START = "2024-06-03T10:00:00"

LIMITS: list[tuple[str, dict[str, Any], str, bool, str, str]] = [
    ("merchant_review", {}, "2024-06-05T10:00:00", False, "auto_approve", "sourced [d]"),
    (
        "merchant_review",
        {"kind": "refund", "dispatched": False},
        "2024-06-05T10:00:00",
        False,
        "auto_approve",
        "assumed",
    ),
    ("merchant_review", {"kind": "reship"}, "2024-06-05T10:00:00", False, "auto_approve", "assumed"),
    ("merchant_review", {"kind": "repair"}, "2024-06-05T10:00:00", False, "auto_approve", "assumed"),
    ("offer_response", {}, "2024-06-05T10:00:00", False, "lapse", "assumed"),
    ("buyer_return", {}, "2024-06-10T10:00:00", False, "auto_close", "sourced [a]"),
    ("merchant_receipt", {}, "2024-06-10T10:00:00", False, "auto_confirm", "sourced [a]"),
    ("merchant_receipt", {"extensions": ["P7D"]}, "2024-06-17T10:00:00", False, "auto_confirm", "sourced [a]"),
    ("merchant_inspection", {}, "2024-06-05T10:00:00", False, "auto_confirm", "sourced [a]"),
    ("replacement_dispatch", {"kind": "exchange"}, "2024-06-07T10:00:00", False, "breach", "sourced [b]"),
    ("reship_dispatch", {"kind": "reship"}, "2024-06-05T10:00:00", False, "breach", "assumed"),
    ("repair_dispatch", {"kind": "repair"}, "2024-06-10T10:00:00", False, "breach", "assumed"),
    ("buyer_receipt", {}, "2024-06-10T10:00:00", False, "auto_complete", "assumed"),
    ("stalled", {}, "2024-06-10T10:00:00", False, "alert", "assumed"),
    ("escalation", {}, "2024-06-10T10:00:00", False, "auto_close", "assumed"),
    ("arbitration_evidence", {}, "2024-06-06T10:00:00", False, "decide_on_file", "assumed"),
    ("arbitration_ruling", {}, "2024-06-08T10:00:00", False, "alert", "assumed"),
    ("claim_review", {"kind": "claim"}, "2024-06-05T10:00:00", False, "deemed_accepted", "assumed"),
    ("claim_review", {"kind": "claim", "tier": "platform"}, "2024-06-06T10:00:00", False, "alert", "assumed"),
    ("payout", {}, "2024-06-04T10:00:00", False, "alert", "assumed"),
    ("after_sale_validity", {}, "2024-06-19T00:00:00", True, "no_new_case", "sourced [c]"),
    (
        "after_sale_validity",
        {"order": {"categories": ["cosmetics"]}},
        "2024-08-03T00:00:00",
        True,
        "no_new_case",
        "sourced [c]",
    ),
    (
        "after_sale_validity",
        {"order": {"categories": ["fresh"]}},
        "2024-06-19T00:00:00",
        True,
        "no_new_case",
        "sourced [c]",
    ),
    ("fresh_damage_window", {}, "2024-06-04T10:00:00", False, "no_new_case", "sourced [h]"),
    ("cosmetic_allergy_window", {}, "2024-08-02T10:00:00", False, "no_new_case", "sourced [h]"),
    ("no_reason_window", {}, "2024-06-11T00:00:00", True, "no_new_case", "law [f]"),
    ("statutory_refund", {}, "2024-06-11T00:00:00", True, "alert", "law [g]"),
    ("dispatch", {}, "2024-06-05T10:00:00", False, "breach", "sourced [e]"),
    ("dispatch", {"order": {"dispatch_promise": "PT72H"}}, "2024-06-06T10:00:00", False, "breach", "sourced [e]"),
    ("dispatch", {"order": {"services": ["dispatch_in_24h"]}}, "2024-06-04T10:00:00", False, "breach", "sourced [h]"),
    (
        "dispatch",
        {"order": {"sale_mode": "pre_sale", "dispatch_promise": "P10D"}},
        "2024-06-13T10:00:00",
        False,
        "breach",
        "sourced [e]",
    ),
    ("false_dispatch_pickup", {}, "2024-06-04T10:00:00", False, "violation", "sourced [h]"),
    ("false_dispatch_hub", {}, "2024-06-04T10:00:00", False, "violation", "sourced [h]"),
    ("false_tracking_pickup", {}, "2024-06-05T10:00:00", False, "violation", "sourced [h]"),
    ("false_tracking_hub", {}, "2024-06-05T10:00:00", False, "violation", "sourced [h]"),
]


@pytest.mark.parametrize(("clock", "facts", "deadline", "exclusive", "on_timeout", "basis"), LIMITS)
def test_a_clock_runs_its_ordinary_limit(
    clock: str, facts: dict[str, Any], deadline: str, exclusive: bool, on_timeout: str, basis: str
) -> None:
    answer = ask(clock, START, **facts)
    assert (due(answer), answer.exclusive, answer.on_timeout) == (deadline, exclusive, on_timeout)
    question = Question.model_validate({"clock": clock, "started_at": START, **facts})
    row = BOOK.ordinary(question.clock, question, question.started_at)
    assert answer.rules == row.rules == CLAUSES.get(clock, ())
    named, _, source = basis.partition(" ")
    assert row.basis == named
    assert (row.source or "").startswith(source)
    assert row.reason or named != "assumed"


# The limits that a clause of the guarantee product sets itself; all others are ordinary.
CLAUSES = {"fresh_damage_window": ("S4",), "cosmetic_allergy_window": ("S5",)}


def test_the_table_names_every_clock() -> None:
    assert {clock for clock, *_ in LIMITS} == set(Clock)


def test_the_merchant_may_extend_its_receipt_once_when_two_days_remain() -> None:
    extension = ask("merchant_receipt", START).extension
    assert extension is not None
    assert extension.model_dump() == {"by": "merchant", "add": "P7D", "times": 1, "when_remaining": "P2D"}
    with_one = {str(row.clock) for file in BOOK.files for row in file.limit if row.extension}
    assert with_one == {"merchant_receipt"}


def test_a_fact_learned_late_leaves_everyone_a_day() -> None:
    assert ask("merchant_review", START).grace == "PT24H"


def test_the_law_stands_behind_two_clocks() -> None:
    statutory = {row.clock: row.statutory for file in BOOK.files for row in file.limit if row.statutory}
    assert statutory == {Clock.NO_REASON_WINDOW: "floor", Clock.STATUTORY_REFUND: "ceiling"}
