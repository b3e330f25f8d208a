"""Turns are written once, in order, each with its projection and its messages."""

from datetime import timedelta

import pytest

from aftersale.records import Records, RecordsGap
from aftersale.vocabulary import Command, Party, State
from tests.support.drawing import DUE, NOW, START, line, message, owed, says, status, turn


def test_a_case_is_on_file_as_its_turns_tell_it(kept: Records) -> None:
    for each in line("C-1", 3):
        kept.turns.write([each], now=NOW)
    whole = status("C-1", timeline=tuple(entry for each in line("C-1", 3) for entry in each.entries))
    assert kept.turns.record("C-1") == whole
    assert [(each.turn.seq, each.voided_at) for each in kept.turns.of("C-1")] == [(1, None), (2, None), (3, None)]
    assert kept.turns.record("C-2") is None and kept.turns.of("C-2") == []


def test_a_list_shows_the_case_after_its_last_turn(kept: Records) -> None:
    kept.turns.write(line("C-1", 2), now=NOW)
    [case] = kept.cases.find()
    assert (case.state, case.party, case.commands) == (
        State.AWAITING_MERCHANT_REVIEW,
        Party.MERCHANT,
        (Command.APPROVE, Command.REJECT),
    )
    assert (case.respond_by, case.opened_at, case.updated_at) == (DUE, START, START + timedelta(minutes=2))
    assert (case.merchant_id, case.order_id, case.amount_minor, case.currency) == ("M-7", "O-88", 12900, "CNY")
    assert (case.last_seq, case.is_final, case.outcome) == (2, False, None)


def test_a_line_of_a_list_can_be_written_as_json_and_read_again(kept: Records) -> None:
    kept.turns.write(line("C-1", 1), now=NOW)
    [case] = kept.cases.find()
    assert type(case).model_validate_json(case.model_dump_json()) == case


def test_writing_again_changes_nothing(kept: Records) -> None:
    kept.turns.write(line("C-1", 3), now=NOW)
    before = kept.turns.of("C-1", void=True), kept.cases.find(), owed(kept)
    kept.turns.write(line("C-1", 3), now=NOW + timedelta(hours=1))
    kept.turns.write(line("C-1", 2), now=NOW + timedelta(hours=2))
    kept.turns.write(line("C-1", 3)[1:], now=NOW + timedelta(hours=3))
    assert (kept.turns.of("C-1", void=True), kept.cases.find(), owed(kept)) == before


def test_an_older_turn_that_comes_again_does_not_turn_the_projection_back(kept: Records) -> None:
    kept.turns.write([turn("C-1", 1), turn("C-1", 2, final=True)], now=NOW)
    kept.turns.write([turn("C-1", 1)], now=NOW)
    [case] = kept.cases.find(state=State.COMPLETED)
    assert case.last_seq == 2


def test_a_gap_is_refused_and_says_from_where_on_to_write(kept: Records) -> None:
    kept.turns.write(line("C-1", 2), now=NOW)
    with pytest.raises(RecordsGap, match=r"turn 4 of case C-1 .* end with turn 2; write its turns from 3 on") as caught:
        kept.turns.write([turn("C-1", 4)], now=NOW)
    assert (caught.value.case_id, caught.value.last_seq) == ("C-1", 2)
    with pytest.raises(RecordsGap, match="end with turn 2"):
        kept.turns.write([turn("C-1", 7)], now=NOW)
    with pytest.raises(RecordsGap, match="end with turn 0; write its turns from 1 on"):
        kept.turns.write([turn("C-2", 2)], now=NOW)


def test_all_is_written_or_nothing(kept: Records) -> None:
    with pytest.raises(RecordsGap):
        kept.turns.write([*line("C-1", 1), turn("C-2", 2)], now=NOW)
    assert kept.turns.record("C-1") is None and owed(kept) == {}


def test_turns_out_of_order_are_a_mistake_of_the_caller(kept: Records) -> None:
    with pytest.raises(ValueError, match="turn 1 of case C-1 comes after 2; give them in order"):
        kept.turns.write([turn("C-1", 2), turn("C-1", 1)], now=NOW)


def test_a_turn_and_its_messages_are_owed_together(kept: Records) -> None:
    kept.turns.write([turn("C-1", 1, messages=(message("C-1", 1, "a"), message("C-1", 2, "b", Party.BUYER)))], now=NOW)
    assert owed(kept) == {"C-1/1": "a", "C-1/2": "b"}


def test_a_refused_request_without_a_subject_is_on_file_too(kept: Records) -> None:
    kept.turns.write([turn("C-1", 1, final=True).model_copy(update={"subject": None})], now=NOW)
    [case] = kept.cases.find(state=State.COMPLETED)
    assert (case.merchant_id, case.opened_at) == (None, START + timedelta(minutes=1))


def test_words_in_any_script_come_back_as_they_were(kept: Records) -> None:
    odd = turn("C-1", 1, "退款 🧧 \u202e \x00 'quoted' \\ %s :name")
    kept.turns.write([odd], now=NOW)
    assert [written.turn for written in kept.turns.of("C-1")] == [odd]
    assert says(kept.turns.of("C-1"))[0].startswith("退款 🧧")
