"""The judgement of a reconciliation: what is a discrepancy, a second this side and that, and what mends it."""

from dataclasses import replace
from datetime import timedelta

import pytest

from aftersale.ledger.reports import DifferenceKind, LedgerDifference
from aftersale.reconciliation.discrepancies import Discrepancy
from aftersale.reconciliation.judgement import (
    MOST_ALIKE,
    OVERDUE,
    QUIET,
    Execution,
    ExecutionState,
    ListedCase,
    OutboxLag,
    StuckWorkflow,
    UndecidedRefund,
    condense,
    judge_deadline,
    judge_difference,
    judge_execution,
    judge_refund,
    judge_stuck,
    judge_undelivered,
    judge_waiting,
)
from aftersale.times import SECOND
from aftersale.vocabulary import DiscrepancyKind, Party, State
from tests.support.drawing import DUE, NOW

CASE = ListedCase("C-1", "O-1", State.AWAITING_MERCHANT_REVIEW, DUE)


def ended(state: ExecutionState, ago: timedelta = QUIET) -> Execution:
    """A workflow that ended so long ago."""
    return Execution(state, "run-1", NOW - ago, "was terminated (by mistake)")


def test_a_case_that_runs_is_left_alone() -> None:
    assert judge_execution(CASE, Execution(ExecutionState.RUNNING), NOW) is None


def test_a_terminated_case_is_found_once_no_activity_of_it_can_be_at_work() -> None:
    assert judge_execution(CASE, ended(ExecutionState.TERMINATED, QUIET - SECOND), NOW) is None
    found = judge_execution(CASE, ended(ExecutionState.TERMINATED), NOW)
    assert found is not None and found.kind is DiscrepancyKind.CASE_TERMINATED
    assert (
        "awaiting merchant review 待商家处理 by the records, but its workflow was terminated (by mistake)" in found.says
    )
    assert found.command == "temporal workflow reset --workflow-id case/C-1 --type LastWorkflowTask --reason 'goes on'"


def test_a_case_that_temporal_does_not_know_is_not_closed_by_itself_but_by_a_person() -> None:
    """Under a wrong namespace, or after a restore, none is known, and all of them go on elsewhere."""
    found = judge_execution(CASE, Execution(ExecutionState.UNKNOWN), NOW)
    assert found is not None and found.kind is DiscrepancyKind.CASE_FORGOTTEN
    assert "TEMPORAL_NAMESPACE" in found.says and found.command == "aftersale reconcile --close C-1"


def test_what_only_the_ledger_knows_of_is_released_where_temporal_does_not_know_it() -> None:
    found = judge_execution(ListedCase("C-1", "O-1"), Execution(ExecutionState.UNKNOWN), NOW)
    assert found is not None and "case C-1 holds money" in found.says
    assert found.command == "aftersale ledger release C-1"


def test_a_completed_case_whose_end_the_records_lost_is_held_against_the_statement() -> None:
    found = judge_execution(CASE, ended(ExecutionState.COMPLETED), NOW)
    assert found is not None and found.kind is DiscrepancyKind.END_UNRECORDED
    assert found.command == "aftersale ledger check --statement FILE"


def test_a_silence_that_is_not_acted_on_is_found_an_hour_after_its_last_instant() -> None:
    assert judge_deadline(CASE, DUE + OVERDUE - SECOND) is None
    found = judge_deadline(CASE, DUE + OVERDUE)
    assert found is not None and found.kind is DiscrepancyKind.CASE_OVERDUE
    assert found.command == "temporal workflow describe --workflow-id case/C-1"


@pytest.mark.parametrize("case", [replace(CASE, is_held=True), replace(CASE, respond_by=None)])
def test_a_case_on_hold_or_without_a_clock_is_never_late(case: ListedCase) -> None:
    assert judge_deadline(case, DUE + 100 * OVERDUE) is None


def test_a_stuck_workflow_is_found_with_its_case_if_it_is_one() -> None:
    found = [judge_stuck(StuckWorkflow(name, 7, NOW)) for name in ("case/C-1", "watch/S-1")]
    assert [(each.subject, each.case_id) for each in found] == [("case/C-1", "C-1"), ("watch/S-1", None)]
    assert "attempt 7" in found[0].says and found[1].command == "temporal workflow describe --workflow-id watch/S-1"


def test_messages_that_wait_are_one_discrepancy_and_none_where_none_waits() -> None:
    assert judge_waiting([]) == []
    lags = [OutboxLag(Party.BUYER, 2, NOW), OutboxLag(Party.MERCHANT, 3, NOW - SECOND)]
    [found] = judge_waiting(lags)
    assert found.says.startswith("5 messages are due and have waited since 2024-02-01T10:00:04+08:00")


def test_messages_that_a_channel_does_not_take_are_one_discrepancy_for_each_party() -> None:
    found = judge_undelivered(OutboxLag(Party.BUYER, 2, NOW, "json-1: refused"))
    assert (found.subject, "json-1: refused" in found.says) == ("buyer", True)
    assert "AFTERSALE_NOTIFY_BUYER" in found.says


def test_a_refund_of_a_case_that_is_over_stays_for_the_platform() -> None:
    found = judge_refund(UndecidedRefund("case/C-1/refund/1", "C-1", "O-1", 12900, "CNY", NOW))
    assert found.subject == "case/C-1/refund/1" and "12900 CNY minor" in found.says
    assert found.command.startswith("temporal workflow reset --workflow-id case/C-1")


@pytest.mark.parametrize(
    ("kind", "is_found_as", "command"),
    [
        (DifferenceKind.LINE_OVERPAID, DiscrepancyKind.LEDGER_DIFFERS, "aftersale ledger show O-1"),
        (DifferenceKind.RESERVATION_OUTLIVES_CASE, DiscrepancyKind.LEDGER_DIFFERS, "aftersale ledger release C-1"),
        (DifferenceKind.PAID_UNSETTLED, DiscrepancyKind.STATEMENT_DIFFERS, "aftersale ledger show O-1"),
    ],
)
def test_what_is_wrong_with_the_books_keeps_its_words(
    kind: DifferenceKind, is_found_as: DiscrepancyKind, command: str
) -> None:
    found = judge_difference(LedgerDifference(kind=kind, order_id="O-1", case_id="C-1", says="so much; do this"))
    assert (found.kind, found.says, found.command) == (is_found_as, "so much; do this", command)


def test_every_kind_of_difference_is_of_the_books_or_of_the_statement_as_the_ledger_parts_them() -> None:
    of_statement = {
        kind for kind in DifferenceKind if "statement" in kind or kind in ("unknown_payment", "paid_unsettled")
    }
    found = {kind: judge_difference(LedgerDifference(kind=kind, says="")).kind for kind in DifferenceKind}
    assert {kind for kind, as_ in found.items() if as_ is DiscrepancyKind.STATEMENT_DIFFERS} == of_statement


def late(number: int) -> Discrepancy:
    """A case that is late."""
    found = judge_deadline(replace(CASE, case_id=f"C-{number}"), DUE + OVERDUE)
    assert found is not None
    return found


def test_very_many_of_a_kind_have_one_cause_and_are_told_as_one() -> None:
    assert len(condense(late(number) for number in range(MOST_ALIKE))) == MOST_ALIKE
    [one] = condense(late(number) for number in range(MOST_ALIKE + 1))
    assert one.subject == "many" and one.says.startswith(f"{MOST_ALIKE + 1} at once")


def test_what_was_closed_is_told_one_by_one_however_many() -> None:
    gone = [judge_execution(replace(CASE, case_id=f"C-{n}"), ended(ExecutionState.TERMINATED), NOW) for n in range(50)]
    assert len(condense(each for each in gone if each)) == 50
