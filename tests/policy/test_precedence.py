"""Precedence (R10), and what agreements, extensions, holds and the law do to a clock (R16, R17)."""

from itertools import pairwise
from typing import Any

import pytest

from aftersale.vocabulary import Clock
from tests.support.books import ask, due, notice, with_notices

START = "2024-06-03T10:00:00"
LAW = (Clock.NO_REASON_WINDOW, Clock.STATUTORY_REFUND)
TAGGED = {"paid_at": "2024-02-05T09:00:00", "labels": ["spring_festival_nonstop"]}


def test_an_agreement_goes_before_the_tagged_regime() -> None:
    answer = ask("buyer_return", "2024-02-05T12:00:00", agreed_limits={"buyer_return": "P10D"}, order=TAGGED)
    assert (due(answer), answer.rules) == ("2024-02-15T12:00:00", ("S15",))


def test_an_agreement_goes_before_a_notice() -> None:
    answer = ask("merchant_review", "2024-02-05T12:00:00", agreed_limits={"merchant_review": "PT1H"})
    assert (due(answer), answer.rules) == ("2024-02-05T13:00:00", ("S15",))


def test_the_tagged_regime_goes_before_a_notice_that_knows_no_labels() -> None:
    rules = [
        {"id": "N1", "key": "started", "window": "w", "effect": {"set": "P9D"}},
        {"id": "T1", "tier": "tagged", "effect": {"unchanged": True}, "when": {"labels_any": ["tagged"]}},
    ]
    book = with_notices(notice(*rules, windows={"w": ("2024-02-01T00:00:00", "2024-03-01T00:00:00")}))
    tagged = ask("merchant_review", "2024-02-05T12:00:00", book=book, order={"labels": ["tagged"]})
    plain = ask("merchant_review", "2024-02-05T12:00:00", book=book)
    assert (due(tagged), tagged.rules) == ("2024-02-07T12:00:00", ("T1",))
    assert (due(plain), plain.rules) == ("2024-02-14T12:00:00", ("N1",))


def test_the_tiers_stand_in_their_order() -> None:
    tiers = ["category", "notice", "tagged", "ruling", "agreement"]
    for weaker, stronger in pairwise(tiers):
        rules = [{"id": tier, "tier": tier, "effect": {"set": "P9D"}} for tier in (stronger, weaker)]
        assert ask("merchant_review", START, book=with_notices(notice(*rules))).rules == (stronger,)


@pytest.mark.parametrize("clock", [clock for clock in Clock if clock not in LAW])
def test_an_agreement_is_honoured_on_every_clock(clock: Clock) -> None:
    answer = ask(clock, START, agreed_limits={clock.value: "PT90M"})
    assert answer.rules == ("S15",)
    assert answer.limit == "PT90M"


@pytest.mark.parametrize("clock", list(Clock))
def test_an_agreement_on_another_clock_changes_nothing(clock: Clock) -> None:
    others = {other.value: "PT90M" for other in Clock if other is not clock}
    assert ask(clock, START, agreed_limits=others) == ask(clock, START)


def test_an_agreement_never_cuts_the_seven_days_without_a_reason() -> None:
    shorter = ask("no_reason_window", START, agreed_limits={"no_reason_window": "P6DT23H59M59S"})
    assert (due(shorter), shorter.rules, shorter.limit) == ("2024-06-11T00:00:00", (), "P7D")
    assert "the law's point" in " ".join(shorter.because)
    longer = ask("no_reason_window", START, agreed_limits={"no_reason_window": "P10D"})
    assert (due(longer), longer.rules) == ("2024-06-14T00:00:00", ("S15",))


def test_an_agreement_never_lengthens_the_statutory_refund() -> None:
    longer = ask("statutory_refund", START, agreed_limits={"statutory_refund": "P7DT1S"})
    assert (due(longer), longer.rules) == ("2024-06-11T00:00:00", ())
    shorter = ask("statutory_refund", START, agreed_limits={"statutory_refund": "P3D"})
    assert (due(shorter), shorter.rules) == ("2024-06-07T00:00:00", ("S15",))


@pytest.mark.parametrize(
    ("clock", "granted", "deadline"),
    [
        ("merchant_receipt", {"extensions": ["P7D"]}, "2024-06-17T10:00:00"),
        ("merchant_receipt", {"extensions": ["P7D", "PT1H"]}, "2024-06-17T11:00:00"),
        ("merchant_receipt", {"held": "PT5H30M"}, "2024-06-10T15:30:00"),
        ("merchant_receipt", {"held": "PT0S"}, "2024-06-10T10:00:00"),
        ("merchant_receipt", {"extensions": ["P7D"], "held": "PT5H"}, "2024-06-17T15:00:00"),
        ("no_reason_window", {"extensions": ["P1D"]}, "2024-06-12T00:00:00"),
        ("no_reason_window", {"held": "P1D"}, "2024-06-11T00:00:00"),
        ("statutory_refund", {"extensions": ["P1D"]}, "2024-06-11T00:00:00"),
        ("statutory_refund", {"held": "P1D"}, "2024-06-11T00:00:00"),
    ],
)
def test_extensions_and_holds_add_up_except_where_the_law_forbids(
    clock: str, granted: dict[str, Any], deadline: str
) -> None:
    answer = ask(clock, START, **granted)
    assert (due(answer), answer.rules) == (deadline, ())


def test_an_extension_adds_to_what_a_rule_gave_and_changes_no_selection() -> None:
    out = ask("merchant_receipt", "2024-02-11T00:00:00", extensions=["P7D"])
    assert (due(out), out.rules) == ("2024-02-25T00:00:00", ())
    held_in = ask("merchant_receipt", "2024-02-10T23:59:59", held="PT1S")
    assert (due(held_in), held_in.rules) == ("2024-02-26T00:00:00", ("S22", "S25"))


def test_a_waived_clock_stays_waived_whatever_is_added() -> None:
    facts: dict[str, Any] = {
        "dispatch_clicked_at": "2024-02-02T00:00:00",
        "order": {"services": ["remote_area_logistics"]},
    }
    answer = ask("false_tracking_hub", "2024-02-03T12:00:00", extensions=["P1D"], held="P1D", **facts)
    assert (answer.waived, answer.due_at, answer.limit) == (True, None, None)
