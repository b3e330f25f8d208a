"""Put a case's messages into the outbox, and take back those that an abandoned line of its history had owed.

A message that was ever handed to a messenger may have reached its party, whatever came of the attempt; its id stands
for its words from then on. One that was not can be withdrawn without a trace.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import Connection, select, update

from aftersale.case.turn import Turn
from aftersale.contract.message import Message
from aftersale.records.tables import Found, outbox, put_new
from aftersale.records.turn_plan import WritePlan
from aftersale.vocabulary import MessageEvent

Standing = Literal["pending", "sent", "withdrawn"]
"""What can be the matter with a message in the outbox."""

SECOND_THOUGHTS = timedelta(minutes=1)
"""How long a correction waits: what an abandoned attempt had told is mostly told again by the next turns."""


def enqueue(connection: Connection, case_id: str, plan: WritePlan, now: datetime) -> None:
    """Enqueue the messages of the new turns; withdraw, or correct, those of voided turns that no new turn repeats."""
    lost = _messages_from(connection, case_id, plan.void_from) if plan.void_from else {}
    for turn, mark in plan.new:
        for place, message in enumerate(turn.messages):
            lost.pop(_enqueue(connection, message, turn.seq, place, mark.digest, now), None)
    for row in lost.values():
        _take_back(connection, row, plan.new[-1][0], now)


def enqueue_once(connection: Connection, message: Message, place: int, now: datetime) -> None:
    """Enqueue a message of no case's turn, unless it is owed or was told already."""
    put_new(connection, outbox, _row(message, 0, place, now))


def _messages_from(connection: Connection, case_id: str, seq: int) -> dict[str, Found]:
    """Lock and return the messages that turns from `seq` on had owed, by id; corrections are no turn's own."""
    wanted = (outbox.c.case_id == case_id) & (outbox.c.seq >= seq) & outbox.c.corrects.is_(None)
    # Locked, so that no messenger takes in hand what is being withdrawn.
    rows = connection.execute(select(outbox).where(wanted).with_for_update())
    return {row.message_id: row for row in rows}


def _enqueue(connection: Connection, message: Message, seq: int, place: int, digest: str, now: datetime) -> str:
    """Enqueue a message of a turn; return the id under which it is owed.

    Where the id was told with other words, or was corrected, receivers would take the message for a repeat: it goes out
    under an id made from its own and the turn's digest.
    """
    if _put(connection, _row(message, seq, place, now)):
        return message.message_id
    row, correction = (_found(connection, each) for each in (message.message_id, _correction_id(message.message_id)))
    same = row is not None and Message.model_validate_json(row.content) == message
    if row and same and not (correction and correction.attempts):
        _set(connection, message.message_id, seq=seq, place=place, state="sent" if row.sent_at else "pending")
        if correction:
            _set(connection, correction.message_id, state="withdrawn")
        return message.message_id
    renamed = message.model_copy(update={"message_id": f"{message.message_id}/{digest[:12]}"})
    return _enqueue(connection, renamed, seq, place, digest, now)


def _take_back(connection: Connection, row: Found, turn: Turn, now: datetime) -> None:
    """Withdraw a message that no turn owes any more; correct it where its party may have been told."""
    if row.state == "pending":
        _set(connection, row.message_id, state="withdrawn")
    if not row.attempts:
        return
    message = _correction(Message.model_validate_json(row.content), turn)
    due = now + SECOND_THOUGHTS
    _put(connection, _row(message, turn.seq, len(turn.messages), now, corrects=row.message_id, next_try_at=due))


def _correction(told: Message, turn: Turn) -> Message:
    """Make what the party is told instead: which message does not hold, what it had said, how the case stands now."""
    return Message(
        message_id=_correction_id(told.message_id),
        case_id=told.case_id,
        order_id=told.order_id,
        to=told.to,
        recipient=told.recipient,
        event=MessageEvent.MESSAGE_CORRECTED,
        kind=turn.status.kind,
        state=turn.status.state,
        says=f"{told.event.words}: {told.says or (told.state.words if told.state else told.source)}",
        corrects=told.message_id,
    )


def _correction_id(message_id: str) -> str:
    return f"{message_id}/correction"


def _found(connection: Connection, message_id: str) -> Found | None:
    wanted = select(outbox).where(outbox.c.message_id == message_id)
    return connection.execute(wanted.with_for_update()).one_or_none()


def _put(connection: Connection, row: Mapping[str, Any]) -> bool:
    """Put a message into the outbox, or in the place of one under its id that nobody was told; False if one was."""
    if put_new(connection, outbox, row):
        return True
    untold = (outbox.c.message_id == row["message_id"]) & (outbox.c.attempts == 0)
    return connection.execute(update(outbox).where(untold).values(row)).rowcount == 1


def _set(connection: Connection, message_id: str, **values: Any) -> None:
    connection.execute(update(outbox).where(outbox.c.message_id == message_id).values(**values))


def _row(message: Message, seq: int, place: int, now: datetime, **about: Any) -> Mapping[str, Any]:
    pending: Standing = "pending"
    return {
        "message_id": message.message_id,
        "case_id": message.source,
        "seq": seq,
        "place": place,
        "party": message.to,
        "event": message.event,
        "content": message.model_dump_json(),
        "corrects": None,
        "created_at": now,
        "state": pending,
        "attempts": 0,
        "next_try_at": now,
        "together": None,
        **about,
    }
