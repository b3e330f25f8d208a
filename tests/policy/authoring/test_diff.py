"""Two books compared: which clocks move, for which facts, by which rules."""

from datetime import date, timedelta
from typing import Any

import pytest

from aftersale.policy.authoring.diff import (
    Difference,
    answer_in_words,
    change,
    differences,
    distance_in_words,
    facts_in_words,
    settings,
)
from aftersale.policy.book import Book
from aftersale.policy.rules import PolicyFile
from tests.support.books import BOOK, OTHER_YEARS, ask, at, notice, with_notices
from tests.support.mutations import Mutant, mutants

WINDOW = {"w": ("2024-02-01T00:00:00", "2024-02-17T23:59:59")}
PUBLISHED = [file for file in [*BOOK.files, *OTHER_YEARS] if file.published]
UNSHOWN = [file.model_copy(update={"example": ()}) for file in PUBLISHED]
UNCHANGED = Book(UNSHOWN)
ALIKE = (
    "merchant_review/reship-repair without when.kind"  # its figure is that of the row beside it; only `basis` differs
)


def _found(old: PolicyFile, new: PolicyFile) -> list[Difference]:
    return list(differences(with_notices(old), with_notices(new)))


def _notice(effect: dict[str, Any], **given: Any) -> PolicyFile:
    rule = {"id": "N1", "key": "started", "window": "w", "effect": effect, "when": given.pop("when", {})}
    return notice(rule, windows=given.pop("windows", WINDOW), **given)


def test_a_book_does_not_differ_from_itself() -> None:
    assert list(differences(BOOK, BOOK)) == []
    assert list(settings(BOOK, BOOK)) == []


def _mutants() -> list[Any]:
    return [
        pytest.param(file.id, mutant, id=f"{file.id}: {name}")
        for file in UNSHOWN
        for name, mutant in mutants(file)
        if name != ALIKE
    ]


@pytest.mark.parametrize(("name", "mutant"), _mutants())
def test_every_change_of_a_clause_is_found_even_where_no_example_shows_it(name: str, mutant: Mutant) -> None:
    changed = Book([mutant() if file.id == name else file for file in UNSHOWN])
    assert next(differences(UNCHANGED, changed), None) is not None


def test_a_longer_limit_is_told_with_both_deadlines_and_both_rules() -> None:
    found = [each for each in _found(_notice({"set": "P5D"}), _notice({"set": "P8D"})) if not each.asked.as_of]
    assert {(each.clock, each.moved, change([each])) for each in found} == {
        ("merchant_review", timedelta(days=3), "3 days later")
    }
    told = {(facts_in_words(each.asked), answer_in_words(each.old), answer_in_words(each.new)) for each in found}
    assert (
        "started 2024-02-01 00:00:00, paid 2024-01-31 00:00:00",
        "2024-02-06 00:00:00, by N1",
        "2024-02-09 00:00:00, by N1",
    ) in told
    assert not any("2024-01-31 23:59:59" in facts or "2024-02-18" in facts for facts, _, _ in told)


def test_a_window_that_ends_a_second_earlier_moves_that_second_alone() -> None:
    shorter = {"w": ("2024-02-01T00:00:00", "2024-02-17T23:59:58")}
    found = _found(_notice({"set": "P5D"}), _notice({"set": "P5D"}, windows=shorter))
    assert {answer_in_words(each.new) for each in found} == {"2024-02-19 23:59:59, ordinary"}
    assert {change([each]) for each in found} == {"3 days earlier"}


def test_a_filter_that_is_dropped_is_told_with_the_fact_that_it_had_barred() -> None:
    labelled = _notice({"set": "P5D"}, when={"labels_none": ["fragile"]})
    found = _found(labelled, _notice({"set": "P5D"}))
    assert found
    assert all("labels fragile" in facts_in_words(each.asked) for each in found)


def test_an_announcement_that_moves_is_told_by_what_was_known_when() -> None:
    found = _found(_notice({"set": "P5D"}), _notice({"set": "P5D"}, announced=date(2024, 1, 5)))
    assert {facts_in_words(each.asked).partition("as of ")[2][:10] for each in found} == {"2024-01-01", "2024-01-04"}


def test_a_repeal_is_told_for_today_and_not_for_what_was_known_before() -> None:
    repealed = _notice({"set": "P5D"}, status="repealed", repealed=date(2024, 2, 10))
    found = _found(_notice({"set": "P5D"}), repealed)
    assert {answer_in_words(each.new).rpartition(", ")[2] for each in found} == {"ordinary"}
    known = {facts_in_words(each.asked).partition("as of ")[2][:19] for each in found}
    assert "2024-02-10 00:00:00" in known
    assert "2024-02-09 23:59:59" not in known


@pytest.mark.parametrize(
    ("effect", "words"),
    [
        ({"waive": True}, "waived"),
        ({"set": "P6D"}, "1 day later"),
        ({"unchanged": True}, "3 days earlier"),
    ],
)
def test_what_becomes_different_is_said_in_words(effect: dict[str, Any], words: str) -> None:
    found = [each for each in _found(_notice({"set": "P5D"}), _notice(effect)) if not each.asked.as_of]
    assert {change([each]) for each in found} == {words}


def test_the_same_instant_by_another_rule_is_told_as_such() -> None:
    renamed = notice(
        {"id": "N9", "key": "started", "window": "w", "effect": {"set": "P5D"}}, windows=WINDOW, id="notice"
    )
    found = _found(_notice({"set": "P5D"}), renamed)
    assert {(each.moved, change([each])) for each in found} == {(timedelta(), "same instant: other rules")}


def test_a_clock_that_the_new_book_refuses_is_told_with_the_reason() -> None:
    twice = [{"id": name, "key": "started", "window": "w", "effect": {"set": "P5D"}} for name in ("N1", "N2")]
    found = _found(_notice({"set": "P5D"}), notice(*twice, windows=WINDOW))
    assert {change([each]) for each in found} == {"refused"}
    assert "N1 and notice N2 hold at equal precedence" in answer_in_words(found[0].new)


def test_a_presale_cap_is_told_with_the_promise_that_it_turns() -> None:
    def caps(limit: str) -> PolicyFile:
        return notice(windows=WINDOW, presale=[{"id": "N2", "says": "a cap", "window": "w", "cap": limit}])

    found = _found(caps("P5D"), caps("P7D"))
    told = {(facts_in_words(each.asked), answer_in_words(each.old), answer_in_words(each.new)) for each in found}
    assert (
        "set 2024-02-17 23:59:59, promise P7D",
        "not allowed, cap P5D, by N2",
        "allowed, cap P7D, by N2",
    ) in told
    assert {(each.clock, each.way) for each in found} == {("presale", "cap P7D instead of P5D")}


def test_figures_that_are_no_clock_are_told_by_name() -> None:
    def later(file: PolicyFile) -> PolicyFile:
        return file.model_copy(
            update={
                "setting": tuple(row.model_copy(update={"value": "PT36H"}) for row in file.setting),
                "ceiling": tuple(row.model_copy(update={"most": 7}) for row in file.ceiling),
            }
        )

    changed = Book([later(file) for file in BOOK.files])
    assert list(settings(BOOK, changed)) == [
        ("attempts_per_order_line", "5", "7"),
        ("late_fact_grace", "PT24H", "PT36H"),
    ]


def test_questions_that_differ_the_same_way_are_told_by_their_range() -> None:
    dispatch = {"id": "N1", "clock": "dispatch", "key": "paid", "window": "w"}
    old, new = (
        notice({**dispatch, "effect": {"until": effect}}, windows=WINDOW)
        for effect in (at("2024-02-18T00:00:00"), at("2024-02-22T00:00:00"))
    )
    later = [each for each in _found(old, new) if each.way == "later"]
    assert change(later) == "2 days 1 s to 4 days later"


@pytest.mark.parametrize(
    ("distance", "words"),
    [
        (timedelta(days=1), "1 day"),
        (timedelta(days=18, hours=3), "18 days 3 h"),
        (timedelta(minutes=61, seconds=1), "1 h 1 min 1 s"),
    ],
)
def test_a_distance_is_said_as_people_say_it(distance: timedelta, words: str) -> None:
    assert distance_in_words(distance) == words


def test_an_answer_is_compared_by_what_it_says_and_not_by_the_version_of_its_book() -> None:
    renamed = Book(BOOK.files, BOOK.services.files, name="another name")
    assert ask("payout", "2024-06-03T10:00:00", book=renamed).policy_version != BOOK.version
    assert list(differences(BOOK, renamed)) == []
