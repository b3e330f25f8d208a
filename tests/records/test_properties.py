"""Whatever is written again, and whatever abandoned attempts wrote, the records end as history has it."""

from collections.abc import Sequence
from itertools import count

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from aftersale.case.turn import Turn, digest
from aftersale.records import Records, RecordsGap, Report
from aftersale.records.outbox_enqueue import SECOND_THOUGHTS
from aftersale.records.turn_plan import TurnMark, plan_writes
from tests.support.drawing import NOW, line, owed

_numbers = count(1)

on_both = settings(
    max_examples=40,
    phases=(Phase.generate,),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    derandomize=True,
)

lengths = st.integers(1, 5)


@st.composite
def replays(draw: st.DrawFn) -> tuple[int, list[tuple[int, int]]]:
    """A number of turns, and stretches of them to write, none beginning beyond what is written by then."""
    turns = draw(lengths)
    written, stretches = 0, []
    while written < turns:
        first = draw(st.integers(1, written + 1))
        last = draw(st.integers(first, turns))
        stretches.append((first, last))
        written = max(written, last)
    return turns, stretches


Attempt = tuple[int, int, bool]
"""After how many turns that hold it begins, how many it draws, and whether a messenger is about."""

attempts = st.lists(st.tuples(st.integers(0, 4), st.integers(1, 4), st.booleans()), min_size=1, max_size=5)


@on_both
@given(replays())
def test_any_replay_of_stretches_ends_as_one_writing_does(
    kept: Records, drawn: tuple[int, list[tuple[int, int]]]
) -> None:
    turns, stretches = drawn
    again, once = f"A-{next(_numbers)}", f"B-{next(_numbers)}"
    for first, last in stretches:
        kept.turns.write(line(again, last, first=first), now=NOW)
    kept.turns.write(line(once, turns), now=NOW)
    assert [each.turn for each in kept.turns.of(again, void=True)] == line(again, turns)
    assert [each.turn for each in kept.turns.of(once, void=True)] == line(once, turns)


@on_both
@given(attempts, st.data())
def test_the_last_attempt_is_what_holds_and_every_party_ends_up_told_so(
    kept: Records, drawn: list[Attempt], data: st.DataObject
) -> None:
    case_id = f"C-{next(_numbers)}"
    history: list[Turn] = []
    abandoned: list[list[Turn]] = []
    for number, (kept_turns, new, told) in enumerate(drawn):
        begins = min(kept_turns, len(history))
        drawn_turns = line(case_id, begins + new, f"attempt {number}", attempt=number, first=begins + 1)
        abandoned.append(history[begins:])
        history = [*history[:begins], *drawn_turns]
        kept.turns.write(drawn_turns, now=NOW)
        if told:
            deliver_all(kept)
    for stale in data.draw(st.permutations([turns for turns in abandoned if turns])):
        write_as_a_frozen_worker(kept, stale)
    assert [each.turn for each in kept.turns.of(case_id)] == history
    deliver_all(kept)
    assert told_of(kept, case_id) == {turn.messages[0].says for turn in history}


@given(attempts)
def test_a_plan_leaves_on_file_what_it_was_given(drawn: list[Attempt]) -> None:
    on_file: dict[int, TurnMark] = {}
    for number, (kept_turns, new, _) in enumerate(drawn):
        begins = min(kept_turns, len(on_file))
        turns = line("C-1", begins + new, attempt=number, first=begins + 1)
        plan = plan_writes("C-1", on_file, turns)
        held = {seq: mark for seq, mark in on_file.items() if plan.void_from is None or seq < plan.void_from}
        on_file = held | {turn.seq: mark for turn, mark in plan.new}
        assert [on_file[turn.seq].digest for turn in turns] == [digest(turn) for turn in turns]
        assert sorted(on_file) == [*range(1, begins + new + 1)]


def write_as_a_frozen_worker(kept: Records, turns: Sequence[Turn]) -> None:
    try:
        kept.turns.write(turns, now=NOW)
    except RecordsGap:
        pytest.fail("a frozen worker's turns are dropped, or are on file")


_INBOX: dict[str, dict[str, str]] = {}


def deliver_all(kept: Records) -> None:
    """Deliver what is due, corrections included, as a messenger a minute later would."""
    later = NOW + SECOND_THOUGHTS
    told = owed(kept, later)
    for message_id, says in told.items():
        _INBOX.setdefault(message_id.partition("/")[0], {}).setdefault(message_id, says)
    kept.outbox.report("messenger", [Report(message_id) for message_id in told], later)


def told_of(kept: Records, case_id: str) -> set[str]:
    """What the parties hold true in the end: all that they were told, less what was corrected."""
    inbox = _INBOX.get(case_id, {})
    return {
        says
        for message_id, says in inbox.items()
        if not message_id.endswith("/correction") and f"{message_id}/correction" not in inbox
    }
