"""Turns: the rows of a case in order. Writing them keeps its projection too, and the messages that it owes."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, bindparam, func, insert, select, update

from aftersale.case.turn import Turn, reassemble
from aftersale.contract.status import Entry, Status
from aftersale.errors import bad_input
from aftersale.records.outbox_enqueue import enqueue
from aftersale.records.tables import Found, cases, put, turns
from aftersale.records.transactions import Repository
from aftersale.records.turn_plan import TurnMark, WritePlan, plan_writes

# Kept, since putting a statement together takes longer than executing it.
_NEW_TURNS = insert(turns)
_HOLDING = select(turns.c.seq, turns.c.digest, turns.c.run_id, turns.c.history_length, turns.c.at).where(
    turns.c.case_id == bindparam("case_id"), turns.c.voided_at.is_(None)
)
_HOLDING_FROM = _HOLDING.where(turns.c.seq >= bindparam("first"))
_LAST_HOLDING = _HOLDING.order_by(turns.c.seq.desc()).limit(1)
_ALL_TURNS = (
    select(turns.c.content, turns.c.digest, turns.c.written_at, turns.c.voided_at)
    .where(turns.c.case_id == bindparam("case_id"))
    .order_by(turns.c.seq, turns.c.voided_at.is_(None), turns.c.voided_at, turns.c.digest)
)
_HOLDING_TURNS = _ALL_TURNS.where(turns.c.voided_at.is_(None))


class Written(NamedTuple):
    """A turn on file. One that history turned out not to have is void since `voided_at`."""

    turn: Turn
    digest: str
    written_at: datetime
    voided_at: datetime | None


class TurnRepository(Repository):
    """What cases have done, turn by turn."""

    def write(self, given: Sequence[Turn], *, now: datetime | None = None) -> None:
        """Write turns in one transaction; each case's must be in ascending order.

        A turn that is on file already changes nothing. One that differs from the turn on file under its number takes
        that one's place: history is the truth, and the old one, with all that its abandoned attempt wrote after it, is
        kept but void; its messages are withdrawn, or corrected where they may have been told. A turn of an attempt that
        was itself abandoned before is dropped. The projection follows the last turn written, never an older one.

        Raises RecordsGap, and writes nothing, where a turn before the given ones is missing; ValueError where a case's
        are in another order.
        """
        with self._writing() as connection:
            _write(connection, given, now or datetime.now(UTC))

    def append(
        self,
        case_id: str,
        known: Callable[[Turn], Entry | None],
        draw: Callable[[Turn, Status], Turn],
        *,
        now: datetime | None = None,
    ) -> Entry:
        """Add a turn to a case that is over, unless a turn on file has told it; return the line that tells it.

        `known` finds that line in a turn on file. `draw` makes the turn of the last one on file and the record so far;
        what it raises is raised, and nothing is written. Raises BadInput for a case that the records do not know.
        """
        with self._writing() as connection:
            return append_turn(connection, case_id, known, draw, now or datetime.now(UTC))

    def record(self, case_id: str) -> Status | None:
        """Return the whole status of a case after its last turn on file, timeline included; None for an unknown one."""
        return reassemble([written.turn for written in self.of(case_id)])

    def of(self, case_id: str, *, void: bool = False) -> list[Written]:
        """Return the turns of a case in order; with `void`, also those that do not hold, before what replaced them."""
        with self._reading() as connection:
            return _select(connection, case_id, void=void)


def append_turn(
    connection: Connection,
    case_id: str,
    known: Callable[[Turn], Entry | None],
    draw: Callable[[Turn, Status], Turn],
    now: datetime,
) -> Entry:
    """Add a turn within a transaction, as `TurnRepository.append` does."""
    _lock(connection, [case_id])
    on_file = [written.turn for written in _select(connection, case_id)]
    over = reassemble(on_file)
    if over is None:
        raise bad_input("case_id", "is of no case that the records know; check it")
    if (told := next(filter(None, map(known, on_file)), None)) is not None:
        return told
    drawn = draw(on_file[-1], over)
    _write(connection, [drawn], now)
    return drawn.entries[0]


def _select(connection: Connection, case_id: str, *, void: bool = False) -> list[Written]:
    rows = connection.execute(_ALL_TURNS if void else _HOLDING_TURNS, {"case_id": case_id})
    return [_written(row) for row in rows]


def _written(row: Found) -> Written:
    return Written(Turn.model_validate_json(row.content), row.digest, row.written_at, row.voided_at)


def _write(connection: Connection, given: Sequence[Turn], now: datetime) -> None:
    lines = _by_case(given)
    _lock(connection, sorted(lines))
    for case_id, line in lines.items():
        plan = plan_writes(case_id, _on_file(connection, case_id, line[0].seq), line)
        if plan.new:
            _write_rows(connection, case_id, plan, now)
            put(connection, cases, _projection(plan.new[-1][0]))
            enqueue(connection, case_id, plan, now)


def _by_case(given: Sequence[Turn]) -> dict[str, list[Turn]]:
    lines: dict[str, list[Turn]] = {}
    for turn in given:
        line = lines.setdefault(turn.case_id, [])
        if line and turn.seq <= line[-1].seq:
            raise ValueError(f"turn {turn.seq} of case {turn.case_id} comes after {line[-1].seq}; give them in order")
        line.append(turn)
    return lines


def _lock(connection: Connection, case_ids: Sequence[str]) -> None:
    """Take these cases' advisory locks until the transaction ends. SQLite has locked the whole file by now."""
    if connection.dialect.name == "postgresql":
        for case_id in case_ids:
            key = hashlib.sha256(f"aftersale/case/{case_id}".encode()).digest()[:8]
            connection.execute(select(func.pg_advisory_xact_lock(int.from_bytes(key, signed=True))))


def _on_file(connection: Connection, case_id: str, first: int) -> dict[int, TurnMark]:
    """Return the marks of the turns that hold: from the one before `first`, or the last one where that is missing."""
    rows = connection.execute(_HOLDING_FROM, {"case_id": case_id, "first": first - 1}).all()
    if not rows and first > 1:
        rows = connection.execute(_LAST_HOLDING, {"case_id": case_id}).all()
    return {row.seq: TurnMark(row.digest, row.run_id, row.history_length, row.at) for row in rows}


def _write_rows(connection: Connection, case_id: str, plan: WritePlan, now: datetime) -> None:
    rows = [_row(turn, mark, now) for turn, mark in plan.new]
    if plan.void_from is None:
        connection.execute(_NEW_TURNS, rows)
        return
    holding = (turns.c.case_id == case_id) & (turns.c.seq >= plan.void_from) & turns.c.voided_at.is_(None)
    connection.execute(update(turns).where(holding).values(voided_at=now))
    for row in rows:
        put(connection, turns, row)  # a turn that was voided before may be the true one after all


def _row(turn: Turn, mark: TurnMark, now: datetime) -> Mapping[str, Any]:
    return {
        "case_id": turn.case_id,
        "seq": turn.seq,
        **mark._asdict(),
        "content": turn.model_dump_json(),
        "written_at": now,
        "voided_at": None,
    }


def _projection(turn: Turn) -> Mapping[str, Any]:
    status, subject = turn.status, turn.subject
    return {
        "case_id": turn.case_id,
        "kind": status.kind,
        "state": status.state,
        "party": status.next.party,
        "commands": status.next.commands,
        "respond_by": status.next.respond_by,
        "on_timeout": status.next.on_timeout,
        "is_final": status.is_final,
        "outcome": status.outcome,
        "close_reason": status.close_reason,
        "merchant_id": subject and subject.merchant_id,
        "order_id": subject and subject.order_id,
        "buyer_ref": subject and subject.buyer_ref,
        "amount_minor": status.refund.amount_minor,
        "currency": status.refund.currency,
        "refund_status": status.refund.status,
        "held_since": status.held_since,
        "policy_version": status.policy_version,
        "last_seq": turn.seq,
        "opened_at": subject.opened_at if subject else turn.at,
        "updated_at": turn.at,
    }
