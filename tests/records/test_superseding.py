"""History is the truth: what an abandoned attempt at a workflow task wrote gives way, and what it told is corrected."""

from datetime import timedelta

import pytest

from aftersale.records import Records, RecordsGap, Report
from aftersale.records.outbox_enqueue import SECOND_THOUGHTS
from aftersale.vocabulary import MessageEvent, State
from tests.support.drawing import NOW, line, message, owed, says, tell, turn

LATER = NOW + SECOND_THOUGHTS
"""When a correction is due."""


def test_a_differing_turn_takes_the_place_of_the_one_on_file_which_is_kept_but_void(kept: Records) -> None:
    kept.turns.write([turn("C-1", 1), turn("C-1", 2, "lapsed")], now=NOW)
    kept.turns.write([turn("C-1", 2, "approved", attempt=1, final=True)], now=LATER)
    assert says(kept.turns.of("C-1")) == ["as it was", "approved"]
    assert says(kept.turns.of("C-1", void=True)) == ["as it was", "lapsed", "approved"]
    assert [each.voided_at for each in kept.turns.of("C-1", void=True)] == [None, LATER, None]
    record = kept.turns.record("C-1")
    assert record is not None and record.is_final and kept.cases.find() == []


def test_what_the_abandoned_attempt_wrote_afterwards_is_void_with_it(kept: Records) -> None:
    kept.turns.write(line("C-1", 4, "lapsed"), now=NOW)
    kept.turns.write([turn("C-1", 3, "approved", attempt=1)], now=NOW)
    assert says(kept.turns.of("C-1")) == ["lapsed", "lapsed", "approved"]
    with pytest.raises(RecordsGap, match="end with turn 3"):
        kept.turns.write([turn("C-1", 5, attempt=1)], now=NOW)
    kept.turns.write([turn("C-1", 4, "sent back", attempt=1)], now=NOW)
    assert says(kept.turns.of("C-1")) == ["lapsed", "lapsed", "approved", "sent back"]


def test_a_frozen_worker_that_writes_on_does_not_overwrite_history(kept: Records) -> None:
    """Its turns were drawn from a shorter history than those that took their place."""
    kept.turns.write([turn("C-1", 1), turn("C-1", 2, "approved", attempt=1)], now=NOW)
    kept.turns.write([turn("C-1", 2, "lapsed")], now=NOW)
    kept.turns.write([turn("C-1", 2, "lapsed"), turn("C-1", 3, "refunded")], now=NOW)
    assert says(kept.turns.of("C-1", void=True)) == ["as it was", "approved"]


def test_a_frozen_worker_does_not_write_on_after_the_turn_that_took_its_own_turns_place(kept: Records) -> None:
    kept.turns.write([turn("C-1", 1), turn("C-1", 2, "approved", attempt=9)], now=NOW)
    kept.turns.write([turn("C-1", 3, "refunded")], now=NOW)
    assert says(kept.turns.of("C-1")) == ["as it was", "approved"]


def test_a_turn_of_a_reset_run_takes_the_place_of_one_with_a_longer_history(kept: Records) -> None:
    kept.turns.write(line("C-1", 3), now=NOW)
    reset = turn("C-1", 2, "approved", attempt=1, run_id="run-2").model_copy(update={"history_length": 5})
    kept.turns.write([reset], now=NOW)
    assert says(kept.turns.of("C-1")) == ["as it was", "approved"]


def test_a_voided_turn_that_history_has_after_all_holds_again(kept: Records) -> None:
    first, other = turn("C-1", 1, "lapsed"), turn("C-1", 1, "approved", attempt=1)
    again = first.model_copy(update={"history_length": 9999})
    for each in (first, other, again):
        kept.turns.write([each], now=NOW)
    assert says(kept.turns.of("C-1")) == ["lapsed"] and len(kept.turns.of("C-1", void=True)) == 2


# What the abandoned attempt told


def test_an_unsent_message_of_a_voided_turn_is_withdrawn_without_a_word(kept: Records) -> None:
    kept.turns.write(
        [turn("C-1", 1, "lapsed", messages=(message("C-1", 1, "lapsed"), message("C-1", 2, "pay")))], now=NOW
    )
    kept.turns.write([turn("C-1", 1, "approved", attempt=1, messages=(message("C-1", 1, "approved"),))], now=NOW)
    assert owed(kept, LATER) == {"C-1/1": "approved"}
    assert kept.outbox.backlog(LATER).withdrawn == 1


def test_a_sent_message_of_a_voided_turn_is_corrected_and_the_true_one_goes_out_under_an_id_of_its_own(
    kept: Records,
) -> None:
    kept.turns.write([turn("C-1", 1, "lapsed", messages=(message("C-1", 1, "lapsed"),))], now=NOW)
    tell(kept, "C-1/1")
    kept.turns.write([turn("C-1", 1, "approved", attempt=1, messages=(message("C-1", 1, "approved"),))], now=NOW)
    [(true_id, body)] = owed(kept, NOW).items()
    assert true_id.startswith("C-1/1/") and body == "approved"
    told = owed(kept, LATER)
    assert set(told) == {true_id, "C-1/1/correction"}
    assert told["C-1/1/correction"] == "move awaited 待您处理: lapsed"


def test_a_correction_says_to_whom_it_goes_what_does_not_hold_and_where_the_case_stands(kept: Records) -> None:
    kept.turns.write([turn("C-1", 1, "lapsed", messages=(message("C-1", 1, "lapsed", respond_by=LATER),))], now=NOW)
    tell(kept, "C-1/1")
    kept.turns.write([turn("C-1", 1, "approved", attempt=1, final=True)], now=NOW)
    [correction] = kept.outbox.lease("a", 10, LATER, timedelta(seconds=30))
    assert correction.message == message(
        "C-1",
        1,
        "move awaited 待您处理: lapsed",
        message_id="C-1/1/correction",
        event=MessageEvent.MESSAGE_CORRECTED,
        state=State.COMPLETED,
        corrects="C-1/1",
    )


def test_a_message_that_a_messenger_had_in_hand_counts_as_told(kept: Records) -> None:
    """The attempt may have come through, whatever became of the messenger."""
    kept.turns.write([turn("C-1", 1, "lapsed", messages=(message("C-1", 1, "lapsed"),))], now=NOW)
    kept.outbox.lease("crashed", 10, NOW, timedelta(seconds=1))
    kept.turns.write([turn("C-1", 1, "approved", attempt=1)], now=NOW)
    assert set(owed(kept, LATER)) == {"C-1/1/correction"}


def test_a_messages_that_the_true_turn_repeats_needs_no_correction(kept: Records) -> None:
    """A re-run turn mostly differs by a second, and tells the same."""
    kept.turns.write(line("C-1", 1), now=NOW)
    tell(kept, "C-1/1")
    kept.turns.write(line("C-1", 1, attempt=1), now=NOW)
    assert owed(kept, LATER) == {} and kept.outbox.backlog(LATER).sent == 1


def test_a_message_that_a_later_true_turn_repeats_is_not_corrected_if_it_comes_within_a_minute(kept: Records) -> None:
    kept.turns.write(line("C-1", 3), now=NOW)
    tell(kept, "C-1/1", "C-1/2", "C-1/3")
    kept.turns.write(line("C-1", 1, attempt=1), now=NOW)
    assert kept.outbox.backlog(NOW).pending == 2
    kept.turns.write(line("C-1", 3, attempt=1, first=2), now=NOW)
    assert owed(kept, LATER) == {}


def test_what_was_corrected_and_then_holds_after_all_is_told_anew(kept: Records) -> None:
    kept.turns.write(line("C-1", 2), now=NOW)
    tell(kept, "C-1/1", "C-1/2")
    kept.turns.write(line("C-1", 1, attempt=1), now=NOW)
    tell(kept, "C-1/2/correction", now=LATER)
    kept.turns.write(line("C-1", 2, attempt=1, first=2), now=LATER)
    [(again, body)] = owed(kept, LATER).items()
    assert again.startswith("C-1/2/") and again != "C-1/2/correction" and body == "as it was, 2"


def test_a_message_that_was_only_put_off_can_be_withdrawn_without_a_word(kept: Records) -> None:
    kept.turns.write([turn("C-1", 1, "lapsed", messages=(message("C-1", 1, "lapsed"),))], now=NOW)
    kept.outbox.lease("a", 10, NOW, timedelta(seconds=30))
    kept.outbox.report("a", [Report("C-1/1", due=LATER)], NOW)
    kept.turns.write([turn("C-1", 1, "approved", attempt=1, messages=(message("C-1", 1, "approved"),))], now=NOW)
    assert owed(kept, LATER) == {"C-1/1": "approved"}


def test_a_message_that_one_channel_did_not_take_counts_as_told(kept: Records) -> None:
    """Its answer may have been lost on the way."""
    kept.turns.write([turn("C-1", 1, "lapsed", messages=(message("C-1", 1, "lapsed"),))], now=NOW)
    for tries in ({"mail": "no answer"}, {}):
        kept.outbox.lease("a", 10, NOW, timedelta(seconds=30))
        kept.outbox.report("a", [Report("C-1/1", refused=tries, due=NOW)], NOW)
    kept.turns.write([turn("C-1", 1, "approved", attempt=1, messages=(message("C-1", 1, "approved"),))], now=NOW)
    [true_id] = owed(kept, NOW)
    assert true_id.startswith("C-1/1/") and set(owed(kept, LATER)) == {true_id, "C-1/1/correction"}


def test_a_message_that_was_withdrawn_while_it_was_put_off_keeps_its_id_for_its_words(kept: Records) -> None:
    kept.turns.write([turn("C-1", 1, "lapsed", messages=(message("C-1", 1, "lapsed"),))], now=NOW)
    kept.outbox.lease("slow", 10, NOW, timedelta(minutes=5))
    kept.turns.write([turn("C-1", 1, "approved", attempt=1)], now=NOW)
    kept.outbox.report("slow", [Report("C-1/1", due=NOW)], NOW)
    kept.turns.write([turn("C-1", 1, "agreed", attempt=2, messages=(message("C-1", 1, "agreed"),))], now=NOW)
    assert "C-1/1" not in owed(kept, LATER) and "agreed" in owed(kept, LATER).values()


def test_a_delivery_that_ends_after_its_message_was_withdrawn_still_counts(kept: Records) -> None:
    kept.turns.write([turn("C-1", 1, "lapsed", messages=(message("C-1", 1),))], now=NOW)
    kept.outbox.lease("slow", 10, NOW, timedelta(minutes=5))
    kept.turns.write([turn("C-1", 1, "approved", attempt=1)], now=NOW)
    kept.outbox.report("slow", [Report("C-1/1", ["mail"])], NOW)
    assert kept.outbox.backlog(NOW).sent == 1 and set(owed(kept, LATER)) == {"C-1/1/correction"}


def test_a_failed_delivery_does_not_bring_a_withdrawn_message_back(kept: Records) -> None:
    kept.turns.write([turn("C-1", 1, "lapsed", messages=(message("C-1", 1),))], now=NOW)
    kept.outbox.lease("slow", 10, NOW, timedelta(minutes=5))
    kept.turns.write([turn("C-1", 1, "approved", attempt=1)], now=NOW)
    kept.outbox.report("slow", [Report("C-1/1", refused={"mail": "no answer"}, due=NOW)], NOW)
    assert set(owed(kept, LATER)) == {"C-1/1/correction"}
