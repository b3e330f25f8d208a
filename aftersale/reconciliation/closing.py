"""Closing turns: what the records add to a case that Temporal ended, or whose end they lost. Pure."""

from collections.abc import Sequence
from datetime import datetime

from aftersale.case.turn import Turn
from aftersale.contract.message import Message
from aftersale.contract.status import NOBODY, Entry, Instruction, RefundView, Status
from aftersale.errors import bad_input
from aftersale.reconciliation.judgement import Execution
from aftersale.vocabulary import CloseReason, MessageEvent, Party, RefundState, State


def closing_turn(
    last: Turn, record: Status, instructions: Sequence[Instruction], execution: Execution, now: datetime
) -> Turn:
    """Return the turn that closes a case which Temporal ended; both sides are told.

    `last` is the last turn on file, `record` the record so far, `instructions` what the ledger has of the case: it
    knows of money more than a case that was ended in the midst of it. A case that is reset goes on, and its next turn
    takes this one's place. Raises BadInput where the record has its end.
    """
    _require_open(record)
    why = CloseReason.TERMINATED
    says = f"{State.CLOSED.words}: {why.words}: the workflow {execution.says or 'is gone'}"
    entry = Entry(at=execution.ended_at or now, recorded_at=now, by=Party.SYSTEM, event="Closed", says=says)
    status = record.model_copy(
        update={
            "state": State.CLOSED,
            "is_final": True,
            "close_reason": why,
            "refund": _refund(record.refund, instructions),
            "next": NOBODY,
            "deadlines": (),
            "held_since": None,
            "timeline": (),
        }
    )
    messages = [_closed(last, status, party, execution.run_id) for party in (Party.BUYER, Party.MERCHANT)]
    return _following(last, status, (entry,), messages, execution.run_id, now)


def recorded_end(last: Turn, record: Status, end: Status, run_id: str, now: datetime) -> Turn:
    """Return the turn that tells the end which a completed workflow left and the records lost.

    Nobody is told: what the lost turns owed is not known to be untold. Raises BadInput where the record has its end.
    """
    _require_open(record)
    added = end.timeline[len(record.timeline) :] or end.timeline[-1:]
    return _following(last, end.model_copy(update={"timeline": ()}), added, [], run_id, now)


def _following(
    last: Turn, status: Status, entries: Sequence[Entry], messages: Sequence[Message], run_id: str, now: datetime
) -> Turn:
    return Turn(
        case_id=last.case_id,
        seq=last.seq + 1,
        at=max(now, last.at),  # of turns by different runs the later one stands, and a case may run a little ahead
        run_id=f"reconciliation of {run_id}",
        history_length=0,
        subject=last.subject,
        status=status,
        entries=tuple(entries),
        messages=tuple(messages),
    )


def _closed(last: Turn, status: Status, to: Party, run_id: str) -> Message:
    subject = last.subject
    own = {Party.BUYER: subject.buyer_ref, Party.MERCHANT: subject.merchant_id} if subject else {}
    return Message(
        message_id=f"{last.case_id}/terminated/{run_id}/{to}",
        case_id=last.case_id,
        order_id=subject.order_id if subject else None,
        to=to,
        recipient=own.get(to),
        event=MessageEvent.CASE_CLOSED,
        kind=status.kind,
        state=status.state,
        says=CloseReason.TERMINATED.words,
    )


def _refund(recorded: RefundView, instructions: Sequence[Instruction]) -> RefundView:
    """Return where the money is by the ledger, now that nothing is reserved any more."""
    refunds = [each for each in instructions if each.purpose == "refund"]
    paid = [each for each in refunds if each.status is RefundState.SUCCEEDED]
    on_its_way = [each for each in instructions if each.status is RefundState.PROCESSING]
    back = [each for each in instructions if each.purpose == "clawback" and each.status is RefundState.SUCCEEDED]
    has = sum(each.amount_minor for each in paid) - sum(each.amount_minor for each in back)
    if on_its_way:
        coming = sum(each.amount_minor for each in on_its_way if each.purpose == "refund")
        state, amount = RefundState.PROCESSING, has + coming
    elif paid:
        state, amount = (RefundState.SUCCEEDED if has else RefundState.CLAWED_BACK), has
    else:
        state, amount = (RefundState.FAILED if refunds else RefundState.NONE), recorded.amount_minor
    return recorded.model_copy(
        update={"status": state, "amount_minor": amount, "instructions": tuple(instructions) or recorded.instructions}
    )


def _require_open(record: Status) -> None:
    if record.is_final:
        raise bad_input("case_id", f"{record.case_id} has ended by the records already ({record.state.words})")
