"""Discrepancies in the records: each is told once, settled when it is gone, and new when it comes again."""

from datetime import timedelta
from functools import partial

import pytest

from aftersale.reconciliation.closing import closing_turn
from aftersale.reconciliation.discrepancies import Discrepancy
from aftersale.reconciliation.judgement import PACE, UNDELIVERED, Execution, ExecutionState, ListedCase
from aftersale.records import Records, Report
from aftersale.times import SECOND
from aftersale.vocabulary import DiscrepancyKind, MessageEvent, Party, RefundState, State
from tests.support.bookkeeping import claim, hold, instruction, paid
from tests.support.drawing import HOUR, NOW, START, message, turn

LATE, STUCK = DiscrepancyKind.CASE_OVERDUE, DiscrepancyKind.WORKFLOW_STUCK
GONE = Execution(ExecutionState.TERMINATED, "run-1", NOW, "was terminated")


def found(case_id: str = "C-1", says: str = "late", kind: DiscrepancyKind = LATE) -> Discrepancy:
    """A discrepancy about a case."""
    return Discrepancy(kind=kind, subject=case_id, case_id=case_id, says=says, command="aftersale reconcile")


def alerts(kept: Records) -> list[str]:
    """The ids of the alerts that the platform is owed."""
    leased = kept.outbox.lease("a", 100, NOW + 100 * HOUR, SECOND)
    return [each.message.message_id for each in leased if each.message.event is MessageEvent.DISCREPANCY]


def test_a_discrepancy_is_told_once_while_it_stands(kept: Records) -> None:
    keep = kept.reconciliation.keep
    assert keep([LATE], [found()], NOW) == ["case_overdue/C-1"]
    assert keep([LATE], [found(says="still late")], NOW + HOUR) == []
    [stands] = kept.reconciliation.open_discrepancies()
    assert (stands.found_at, stands.says, stands.times) == (NOW, "still late", 1)
    assert alerts(kept) == ["reconciliation/case_overdue/C-1/1"]


def test_what_is_not_found_any_more_is_settled_and_new_when_it_comes_again(kept: Records) -> None:
    keep = kept.reconciliation.keep
    keep([LATE], [found()], NOW)
    keep([LATE], [], NOW + HOUR)
    assert kept.reconciliation.open_discrepancies() == []
    assert keep([LATE], [found()], NOW + 2 * HOUR) == ["case_overdue/C-1"]
    [again] = kept.reconciliation.open_discrepancies()
    assert (again.found_at, again.times) == (NOW + 2 * HOUR, 2)
    assert alerts(kept) == ["reconciliation/case_overdue/C-1/1", "reconciliation/case_overdue/C-1/2"]


def test_a_part_that_was_not_looked_at_settles_nothing(kept: Records) -> None:
    kept.reconciliation.keep([STUCK], [found(kind=STUCK)], NOW)
    kept.reconciliation.keep([LATE], [], NOW + HOUR)
    assert [each.kind for each in kept.reconciliation.open_discrepancies()] == [STUCK]


def test_a_closed_case_leaves_the_list_holds_nothing_and_its_refund_under_way_stays_taken(kept: Records) -> None:
    hold(kept.ledger, claim("C-1", {"L1": 10000}))
    kept.turns.write([turn("C-1", 1), turn("C-1", 2)], now=NOW)
    kept.ledger.instruct(instruction("C-1", 4000), NOW)
    kept.ledger.release("C-1", NOW)
    for _ in range(2):
        closing = partial(closing_turn, execution=GONE, now=NOW)
        kept.reconciliation.add_closing_turn("C-1", "C-1/terminated/run-1/buyer", closing, NOW)
    assert kept.cases.find() == []
    assert [written.turn.seq for written in kept.turns.of("C-1")] == [1, 2, 3]
    record, books = kept.turns.record("C-1"), kept.ledger.order_books("O-1")
    assert record is not None and books is not None
    assert (record.state, record.refund.status) == (State.CLOSED, RefundState.PROCESSING)
    assert [(line.reserved_minor, line.processing_minor, line.left_minor) for line in books.lines] == [(0, 4000, 6000)]
    assert [each.key for each in kept.reconciliation.undecided_refunds()] == ["case/C-1/refund/1"]
    kept.ledger.settle(paid("case/C-1/refund/1"), 1, True, NOW)
    assert kept.reconciliation.undecided_refunds() == [] == kept.ledger.check()


def test_a_case_that_is_reset_goes_on_in_the_place_of_its_closing_turn(kept: Records) -> None:
    kept.turns.write([turn("C-1", 1)], now=NOW)
    draw = partial(closing_turn, execution=GONE, now=NOW)
    kept.reconciliation.add_closing_turn("C-1", "C-1/terminated/run-1/buyer", draw, NOW)
    after = turn("C-1", 2, "goes on").model_copy(update={"run_id": "run-2", "at": NOW + HOUR})
    kept.turns.write([after], now=NOW + HOUR)
    record = kept.turns.record("C-1")
    assert record is not None and not record.is_final
    assert [written.turn.seq for written in kept.turns.of("C-1")] == [1, 2]


def test_money_that_a_case_without_a_record_holds_is_found_when_it_is_old(kept: Records) -> None:
    hold(kept.ledger, claim("C-1"), claim("C-2", order_id="O-2"))
    kept.turns.write([turn("C-2", 1)], now=NOW)
    assert kept.reconciliation.unrecorded_cases(NOW) == []
    assert kept.reconciliation.unrecorded_cases(NOW + SECOND) == [ListedCase("C-1", "O-1")]


def test_messages_that_are_due_are_behind_once_they_have_waited_beyond_their_pace(kept: Records) -> None:
    kept.turns.write([turn("C-1", 1, messages=(message("C-1", 1),))], now=NOW)
    assert kept.reconciliation.waiting_messages(NOW + PACE - SECOND) == []
    [lag] = kept.reconciliation.waiting_messages(NOW + PACE)
    assert (lag.party, lag.messages, lag.since) == (Party.MERCHANT, 1, NOW)
    kept.outbox.lease("a", 1, NOW + PACE, HOUR)
    assert kept.reconciliation.waiting_messages(NOW + PACE) == [], "a messenger has it in hand"


def test_messages_that_no_channel_takes_in_a_day_are_not_delivered(kept: Records) -> None:
    kept.turns.write([turn("C-1", 1, messages=(message("C-1", 1),))], now=NOW)
    kept.outbox.lease("a", 1, NOW, HOUR)
    kept.outbox.report("a", [Report("C-1/1", refused={"mail": "no such address"}, due=NOW + HOUR)], NOW)
    assert kept.reconciliation.undelivered_messages(NOW + UNDELIVERED - SECOND) == []
    [lag] = kept.reconciliation.undelivered_messages(NOW + UNDELIVERED)
    assert lag.error == "mail: no such address"


@pytest.mark.parametrize(("since", "expected"), [(timedelta(), {"case/C-1/refund/1"}), (SECOND, set())])
def test_what_was_settled_since_a_statement_was_written_is_told_apart(
    kept: Records, since: timedelta, expected: set[str]
) -> None:
    hold(kept.ledger, claim("C-1"))
    kept.ledger.instruct(instruction("C-1", 4000), START)
    kept.ledger.settle(paid("case/C-1/refund/1"), 1, True, NOW)
    assert kept.reconciliation.settled_since(NOW + since) == expected
