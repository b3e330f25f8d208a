"""Cases that run, as the records know them: in pages, with what was asked about their clocks."""

from datetime import timedelta

from aftersale.records import Records
from aftersale.times import SECOND
from aftersale.vocabulary import State
from tests.support.cases import at
from tests.support.drawing import HOUR, NOW, turn
from tests.support.running import open_file, turn_of


def test_open_cases_come_in_pages_by_id(kept: Records) -> None:
    kept.turns.write([turn(f"C-{number}", 1) for number in (3, 1, 2, 5)], now=NOW)
    kept.turns.write([turn("C-4", 1, final=True)], now=NOW)
    assert kept.cases.count_running() == 4
    assert kept.cases.running_ids("", 2) == ["C-1", "C-2"]
    assert kept.cases.running_ids("C-2", 2) == ["C-3", "C-5"]
    assert kept.cases.running_ids("C-5", 2) == []
    assert (kept.cases.is_running("C-1"), kept.cases.is_running("C-4"), kept.cases.is_running("C-9")) == (
        True,
        False,
        False,
    )
    assert kept.cases.known_ids(["C-1", "C-4", "C-9"]) == {"C-1", "C-4"}


def test_newcomers_are_those_whose_first_turn_was_written_since(kept: Records) -> None:
    kept.turns.write([turn("C-1", 1)], now=NOW)
    kept.turns.write([turn("C-2", 1)], now=NOW + HOUR)
    kept.turns.write([turn("C-1", 2)], now=NOW + HOUR)
    assert kept.cases.newcomer_ids(NOW, "", 9) == (["C-1", "C-2"], None)
    assert kept.cases.newcomer_ids(NOW + SECOND, "", 9) == (["C-2"], None)
    assert kept.cases.newcomer_ids(NOW + HOUR + SECOND, "", 9) == ([], None)
    assert kept.cases.newcomer_ids(NOW + SECOND, "", 1) == ([], "C-1"), "one was looked at, and there may be more"
    assert kept.cases.newcomer_ids(NOW + SECOND, "C-1", 1) == (["C-2"], "C-2")
    assert kept.cases.newcomer_ids(NOW + SECOND, "C-2", 1) == ([], None)


def test_a_first_turn_that_another_took_the_place_of_makes_a_newcomer(kept: Records) -> None:
    kept.turns.write([turn("C-1", 1)], now=NOW)
    kept.turns.write([turn("C-1", 1, "otherwise", attempt=1)], now=NOW + HOUR)
    assert kept.cases.newcomer_ids(NOW + HOUR, "", 9) == (["C-1"], None)


def test_clocks_are_read_as_the_case_has_them(kept: Records) -> None:
    case = open_file(State.AWAITING_BUYER_RETURN, case_id="C-1")
    before = case.stage_clock
    assert before is not None
    case.stage_clock = before.model_copy(update={"grace_until": at("2024-06-20 00:00:00")})
    kept.turns.write([turn_of(case)], now=NOW)
    [found] = kept.cases.running_clocks("", 9)
    assert found.clocks is not None
    [clock] = found.clocks
    assert (found.case_id, found.merchant_id, found.held) == ("C-1", "M-7", False)
    assert (clock.question, clock.respond_by) == (before.question, at("2024-06-20 00:00:00"))
    assert clock.last_instant == before.last_instant == at("2024-06-10 10:00:00")


def test_the_last_turn_that_holds_is_the_one_that_is_read(kept: Records) -> None:
    case = open_file(State.AWAITING_BUYER_RETURN, case_id="C-1")
    first = turn_of(case)
    second = first.model_copy(update={"seq": 2, "at": first.at + timedelta(hours=1), "history_length": 20, "asked": ()})
    kept.turns.write([first], now=NOW)
    assert kept.cases.running_clocks("", 9)[0].clocks is not None
    kept.turns.write([second], now=NOW)
    assert kept.cases.running_clocks("", 9)[0].clocks is None, "its clocks run, and it does not say what was asked"


def test_a_turn_of_an_older_version_says_that_it_does_not_know(kept: Records) -> None:
    kept.turns.write([turn_of(open_file(case_id="C-1"), asked=False), turn("C-2", 1)], now=NOW)
    old, without = kept.cases.running_clocks("", 9)
    assert (old.clocks, without.clocks) == (None, ()), "a case without a clock has nothing to ask"


def test_a_turn_that_an_older_version_wrote_is_the_same_turn(kept: Records) -> None:
    case = open_file(case_id="C-1")
    kept.turns.write([turn_of(case, asked=False)], now=NOW)
    kept.turns.write([turn_of(case)], now=NOW)
    [only] = kept.turns.of("C-1", void=True)
    assert only.turn.asked == (), "what is on file is left alone, and nobody hears of it again"
