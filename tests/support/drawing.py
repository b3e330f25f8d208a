"""Turns that tests speak of: a plain return, turn by turn, as one attempt or another at a workflow task drew it."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from aftersale.case.turn import CaseSubject, Turn
from aftersale.contract.message import Message
from aftersale.contract.status import NOBODY, Entry, Next, RefundView, Status
from aftersale.records import Records, Report, Written
from aftersale.times import parse_instant
from aftersale.vocabulary import CaseKind, Command, MessageEvent, OnTimeout, Outcome, Party, RefundState, State

START = parse_instant("2024-02-01T10:00:00+08:00")
"""When the cases here are opened."""

DUE = START + timedelta(days=5)
"""When they are due, unless the test says otherwise."""

NOW = parse_instant("2024-02-01T10:00:05+08:00")
"""What the clock on the wall shows while a test writes."""

HOUR = timedelta(hours=1)


def status(case_id: str, *, final: bool = False, respond_by: datetime | None = DUE, **changes: Any) -> Status:
    """How a return stands: waiting for its merchant, or completed."""
    waiting = Next(
        party=Party.MERCHANT,
        commands=(Command.APPROVE, Command.REJECT),
        respond_by=respond_by,
        on_timeout=OnTimeout.AUTO_APPROVE,
    )
    plain: dict[str, Any] = {
        "case_id": case_id,
        "kind": CaseKind.RETURN,
        "state": State.COMPLETED if final else State.AWAITING_MERCHANT_REVIEW,
        "is_final": final,
        "outcome": Outcome.REFUNDED if final else None,
        "close_reason": None,
        "refund": RefundView(status=RefundState.NONE, amount_minor=12900, currency="CNY", instructions=()),
        "next": NOBODY if final else waiting,
        "deadlines": (),
        "escalation": None,
        "attempts": 1,
        "held_since": None,
        "timeline": (),
        "policy_version": "2024.1",
        "problems": (),
    }
    return Status(**{**plain, **changes})


def entry(says: str, at: datetime = START) -> Entry:
    """A line of the timeline."""
    return Entry(at=at, recorded_at=at, by=Party.MERCHANT, event="Said", says=says)


def message(
    case_id: str, number: int, says: str = "please answer", to: Party = Party.MERCHANT, **facts: Any
) -> Message:
    """The case's message of that number, but for what `facts` say otherwise."""
    plain: dict[str, Any] = {
        "message_id": f"{case_id}/{number}",
        "case_id": case_id,
        "order_id": "O-88",
        "recipient": {Party.MERCHANT: "M-7", Party.BUYER: "B-5"}.get(to),
        "event": MessageEvent.MOVE_AWAITED,
        "kind": CaseKind.RETURN,
        "state": State.AWAITING_MERCHANT_REVIEW,
    }
    return Message(**{**plain, "to": to, "says": says, **facts})


def turn(
    case_id: str,
    seq: int,
    says: str = "as it was",
    *,
    attempt: int = 0,
    messages: tuple[Message, ...] = (),
    merchant: str = "M-7",
    run_id: str = "run-1",
    **standing: Any,
) -> Turn:
    """Turn `seq`, at that many minutes after the start, drawn by that attempt: a later one sees a longer history."""
    at = START + timedelta(minutes=seq, seconds=attempt)
    return Turn(
        case_id=case_id,
        seq=seq,
        at=at,
        run_id=run_id,
        history_length=1000 * attempt + 10 * seq,
        subject=CaseSubject(order_id="O-88", merchant_id=merchant, buyer_ref="B-5", opened_at=START),
        status=status(case_id, **standing),
        entries=(entry(f"{case_id} {seq}: {says}", at),),
        messages=messages,
    )


def line(case_id: str, turns: int, says: str = "as it was", *, attempt: int = 0, first: int = 1) -> list[Turn]:
    """The turns `first` to `turns` of a case, each owing one message."""
    return [
        turn(case_id, seq, says, attempt=attempt, messages=(message(case_id, seq, f"{says}, {seq}"),))
        for seq in range(first, turns + 1)
    ]


def says(turns: Sequence[Written]) -> list[str]:
    """What the turns on file say, in words."""
    return [each.says.partition(": ")[2] for written in turns for each in written.turn.entries]


def owed(kept: Records, now: datetime = NOW) -> dict[str, str]:
    """What a messenger finds to deliver: what each message says, by its id. It gives them back."""
    leased = kept.outbox.lease("looker", 1000, now, HOUR)
    kept.outbox.release("looker")
    return {each.message.message_id: each.message.says for each in leased}


def tell(kept: Records, *message_ids: str, now: datetime = NOW) -> None:
    """Have a messenger deliver these messages; those that it leased beside them stay with it."""
    leased = {each.message.message_id for each in kept.outbox.lease("teller", 1000, now, HOUR)}
    assert leased >= set(message_ids)
    kept.outbox.report("teller", [Report(message_id) for message_id in message_ids], now)
