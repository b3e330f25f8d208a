"""The impact of another book on clocks that run: exactly what a case does when it is told, counted beforehand."""

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from aftersale.policy.authoring.impact import MOVES, Fate, Impact, Way, fate, publication_instant
from aftersale.policy.book import Book
from aftersale.policy.facts import Question
from aftersale.policy.running import RunningCase, RunningClock
from aftersale.records.cases import clocks_of
from aftersale.times import SECOND, parse_instant
from aftersale.vocabulary import CaseKind, State
from tests.support.books import BOOK, notice, with_notices
from tests.support.cases import at
from tests.support.files import running
from tests.support.running import open_file, turn_of

JUNE = "2024-06-03 10:00:00"
DUE = at("2024-06-10 10:00:00")
OF_JUNE = {"june": ("2024-06-01T00:00:00", "2024-06-30T23:59:59")}
PASSED = st.integers(0, 40 * 24 * 3600).map(lambda seconds: timedelta(seconds=seconds))
DAYS = st.integers(1, 40)
ASKED = st.sampled_from(["merchant_review", "buyer_return", "merchant_receipt", "merchant_inspection", "escalation"])
MOMENTS = st.integers(0, 60 * 24 * 3600).map(lambda seconds: at("2024-01-15 00:00:00") + timedelta(seconds=seconds))
FACTS = st.fixed_dictionaries(
    {"kind": st.sampled_from(["return", "exchange", "repair"])},
    optional={
        "extensions": st.lists(st.sampled_from(["P7D", "PT1H"]), max_size=1),
        "held": st.sampled_from(["P2D", "PT1S"]),
        "agreed_limits": st.dictionaries(ASKED, st.sampled_from(["P3D", "P20D"]), max_size=2),
        "order": st.fixed_dictionaries(
            {"labels": st.sampled_from([[], ["spring_festival_nonstop"]]), "paid_at": MOMENTS}
        ),
    },
)


def with_limit(clock: str = "buyer_return", days: int = 14, **effect: Any) -> Book:
    """The ordinary book with a notice, announced on 4 June, on clocks that started in June 2024."""
    rule = {"id": "T1", "clock": clock, "key": "started", "window": "june", "effect": {"set": f"P{days}D", **effect}}
    return Book([*BOOK.files, notice(rule, windows=OF_JUNE, announced=date(2024, 6, 4))])


@given(
    clock=ASKED,
    started=MOMENTS,
    facts=FACTS,
    days=DAYS,
    shorten=st.booleans(),
    since=PASSED,
)
@settings(max_examples=150)
def test_it_says_what_a_case_does_that_is_told_at_that_instant(
    clock: str, started: datetime, facts: dict[str, Any], days: int, shorten: bool, since: timedelta
) -> None:
    """The records hold enough of a clock: from what they say of it comes what the case itself makes of the new book."""
    question = Question.model_validate({"clock": clock, "started_at": started, "as_of": started, **facts})
    case, now = open_file(), started + since
    case.stage_clock = before = RunningClock.start(question, BOOK.ask(question), started)
    rule = {"id": "T1", "clock": clock, "effect": {"set": f"P{days}D", **({"may_shorten": True} if shorten else {})}}
    new = with_notices(notice(rule))
    [read] = clocks_of(json.loads(turn_of(case).model_dump_json())) or ()
    found = fate(read, BOOK, new, now)
    if before.lapses_at is not None and before.lapses_at <= now:
        assert found == Fate(Way.RUN_OUT)
        return
    asked = question.model_copy(update={"as_of": now})
    case.retime(before, asked, new.ask(asked), "told", now)
    changed = [entry for entry in case.timeline if entry.event == "DeadlineChanged"]
    assert (found.way in MOVES) == bool(changed)
    after = case.stage_clock
    assert after is not None
    if found.moved is not None:
        assert after.respond_by is not None and before.respond_by is not None
        assert found.moved == after.respond_by - before.respond_by
        assert found.past == (after.grace_until is not None)


@given(clock=ASKED, started=MOMENTS, facts=FACTS, since=PASSED)
@settings(max_examples=60)
def test_what_the_same_book_moves_is_owed_already(
    clock: str, started: datetime, facts: dict[str, Any], since: timedelta
) -> None:
    question = Question.model_validate({"clock": clock, "started_at": started, "as_of": started, **facts})
    clock_now = RunningClock.start(question, BOOK.ask(question), started)
    found = fate(clock_now, BOOK, BOOK, started + since)
    assert found.owed == (found.way in MOVES)


def test_a_clock_that_has_run_out_by_then_is_left_alone_unless_it_is_held() -> None:
    clock, new = running("buyer_return", JUNE), with_limit()
    assert fate(clock, BOOK, new, DUE).way is Way.LATER
    assert fate(clock, BOOK, new, DUE + SECOND) == Fate(Way.RUN_OUT)
    assert fate(clock, BOOK, new, DUE + SECOND, held=True) == Fate(Way.LATER, timedelta(7))


def test_a_deadline_that_lies_in_the_past_leaves_the_grace() -> None:
    clock, new = running("buyer_return", JUNE), with_limit(days=2, may_shorten=True)
    shortened = at("2024-06-05 10:00:00")
    assert fate(clock, BOOK, new, shortened) == Fate(Way.EARLIER, timedelta(-5))
    moved = fate(clock, BOOK, new, shortened + SECOND)
    assert moved == Fate(Way.EARLIER, timedelta(-4, 1), past=True), "a day after it is told"


def test_a_clock_for_which_the_new_book_has_no_answer_is_counted_as_such() -> None:
    torn = Book([file for file in BOOK.files if file.id != "goods-limits"])
    assert fate(running("buyer_return", JUNE), BOOK, torn, at("2024-06-05 10:00:00")) == Fate(Way.UNANSWERED)


def test_a_limit_that_is_waived_moves_without_a_distance() -> None:
    rule = {"id": "T1", "clock": "buyer_return", "effect": {"waive": True}}
    new, now = with_notices(notice(rule)), at("2024-06-05 10:00:00")
    clock = running("buyer_return", JUNE)
    assert fate(clock, BOOK, new, now) == Fate(Way.WAIVED)
    question = clock.question
    waived = RunningClock.start(question, new.ask(question), question.started_at)
    assert fate(waived, new, BOOK, now) == Fate(Way.NO_LONGER_WAIVED)


def test_a_notice_is_known_from_its_day_or_from_now_where_that_is_past() -> None:
    new, early, late = with_limit(), at("2024-06-01 00:00:00"), at("2024-06-20 00:00:00")
    assert publication_instant(BOOK, new, early) == parse_instant("2024-06-04T00:00:00+08:00")
    assert publication_instant(BOOK, new, late) == late
    [file] = (file for file in new.files if file not in BOOK.files)
    repealed = file.model_copy(update={"status": "repealed", "repealed": date(2024, 6, 25)})
    assert publication_instant(new, Book([*BOOK.files, repealed]), late) == parse_instant("2024-06-25T00:00:00+08:00")
    assert publication_instant(BOOK, BOOK, late) == late


def test_all_open_cases_add_up() -> None:
    new, now = with_limit(), at("2024-06-05 10:00:00")
    found = Impact(BOOK, new, now)
    held = open_case("C-1", "buyer_return", "M-1", since="2024-06-02 09:00:00")
    found.add([held, open_case("C-2", "buyer_return", "M-2"), open_case("C-3", "escalation", "M-2")])
    found.add([RunningCase("C-4", CaseKind.RETURN, State.REFUNDING, None, held=False, clocks=None)])
    assert (found.cases, found.cases_moved, found.moved, found.past) == (4, 2, 2, 0)
    assert found.clocks == {Way.LATER: 2, Way.STANDS: 1, Way.UNKNOWN: 1}
    assert found.span(Way.LATER) == (timedelta(7), timedelta(7), timedelta(7))
    assert found.span(Way.EARLIER) is None
    assert (found.by_kind, found.by_merchant) == ({CaseKind.RETURN: 2}, {"M-1": 1, "M-2": 1})


def open_case(case_id: str, clock: str, merchant: str, since: str = JUNE) -> RunningCase:
    """A case with one running clock."""
    clocks = (running(clock, since),)
    return RunningCase(case_id, CaseKind.RETURN, State.AWAITING_BUYER_RETURN, merchant, held=False, clocks=clocks)


def test_instants_of_the_records_are_in_utc() -> None:
    [read] = clocks_of(json.loads(turn_of(open_file()).model_dump_json())) or ()
    assert read.deadline.due_at == DUE and read.deadline.due_at.tzinfo is UTC
