"""Turns by which the records close what Temporal ended: what they say of the money is what the ledger knows."""

import pytest

from aftersale.contract.status import Instruction
from aftersale.errors import BadInput
from aftersale.money import Purpose
from aftersale.reconciliation.closing import closing_turn, recorded_end
from aftersale.reconciliation.judgement import Execution, ExecutionState
from aftersale.vocabulary import CloseReason, MessageEvent, Party, RefundState, State
from tests.support.drawing import HOUR, NOW, entry, status, turn

GONE = Execution(ExecutionState.TERMINATED, "run-1", NOW - HOUR, "was terminated (by mistake)")


def instruction(state: RefundState, amount: int = 12900, purpose: Purpose = "refund", n: int = 1) -> Instruction:
    """An instruction of the case as the ledger has it."""
    return Instruction(
        key=f"case/C-1/{purpose}/{n}",
        purpose=purpose,
        amount_minor=amount,
        currency="CNY",
        tender=None,
        status=state,
        instructed_at=NOW,
        provider_ref=None,
        reason=None,
    )


def test_a_closing_turn_ends_the_case_and_tells_both_sides() -> None:
    last = turn("C-1", 3)
    closing = closing_turn(last, status("C-1"), [], GONE, NOW)
    assert (closing.seq, closing.subject, closing.run_id != last.run_id) == (4, last.subject, True)
    standing = closing.status
    assert (standing.state, standing.is_final, standing.close_reason) == (State.CLOSED, True, CloseReason.TERMINATED)
    assert (standing.next.party, standing.next.respond_by, standing.deadlines) == (None, None, ())
    [line] = closing.entries
    assert (line.event, line.at, line.recorded_at) == ("Closed", NOW - HOUR, NOW)
    assert line.says == "closed 已关闭: terminated 异常终止: the workflow was terminated (by mistake)"
    told = [(each.to, each.recipient, each.event) for each in closing.messages]
    assert told == [(Party.BUYER, "B-5", MessageEvent.CASE_CLOSED), (Party.MERCHANT, "M-7", MessageEvent.CASE_CLOSED)]


@pytest.mark.parametrize(
    ("instructions", "stands", "amount"),
    [
        ([], RefundState.NONE, 12900),
        ([instruction(RefundState.PROCESSING)], RefundState.PROCESSING, 12900),
        ([instruction(RefundState.FAILED)], RefundState.FAILED, 12900),
        ([instruction(RefundState.SUCCEEDED, 5000)], RefundState.SUCCEEDED, 5000),
        (
            [instruction(RefundState.SUCCEEDED, 5000), instruction(RefundState.PROCESSING, 100, n=2)],
            RefundState.PROCESSING,
            5100,
        ),
        (
            [instruction(RefundState.SUCCEEDED, 5000), instruction(RefundState.SUCCEEDED, 5000, "clawback")],
            RefundState.CLAWED_BACK,
            0,
        ),
    ],
)
def test_a_closed_case_says_of_its_money_what_the_ledger_knows(
    instructions: list[Instruction], stands: RefundState, amount: int
) -> None:
    refund = closing_turn(turn("C-1", 1), status("C-1"), instructions, GONE, NOW).status.refund
    assert (refund.status, refund.amount_minor, refund.instructions) == (stands, amount, tuple(instructions))


def test_a_case_that_has_ended_by_the_records_is_not_closed_again() -> None:
    over = status("C-1", final=True)
    with pytest.raises(BadInput, match="has ended by the records already"):
        closing_turn(turn("C-1", 1), over, [], GONE, NOW)
    with pytest.raises(BadInput, match="has ended by the records already"):
        recorded_end(turn("C-1", 1), over, over, "run-1", NOW)


def test_a_closing_turn_is_never_before_the_turn_that_it_follows() -> None:
    ahead = turn("C-1", 1).model_copy(update={"at": NOW + HOUR})
    assert closing_turn(ahead, status("C-1"), [], GONE, NOW).at == NOW + HOUR


def test_an_end_that_the_records_lost_is_told_with_the_lines_that_they_lack() -> None:
    known, lost = entry("opened"), entry("paid")
    record = status("C-1", timeline=(known,))
    end = status("C-1", final=True, timeline=(known, lost))
    told = recorded_end(turn("C-1", 1), record, end, "run-1", NOW)
    assert (told.seq, told.entries, told.status.is_final, told.messages) == (2, (lost,), True, ())
