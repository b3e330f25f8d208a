"""Reading which cases run: page by page in the order of their ids, with what was asked about their clocks."""

import json
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import Connection, Select, func, select

from aftersale.case.turn import Asked
from aftersale.policy.authoring.impact import RunningCase
from aftersale.policy.deadline import Deadline
from aftersale.policy.running import RunningClock
from aftersale.records.tables import Found, cases, turns
from aftersale.times import parse_instant
from aftersale.vocabulary import OnTimeout

_OPEN = cases.c.is_final.is_(False)

_SILENCES = {word.value: word for word in OnTimeout}

_ASKED = TypeAdapter(tuple[Asked, ...])


def count(connection: Connection) -> int:
    """How many cases are open."""
    return connection.execute(select(func.count()).select_from(cases).where(_OPEN)).scalar_one()


def ids(connection: Connection, after: str, limit: int) -> list[str]:
    """The open cases after an id, in order."""
    return list(connection.execute(_page(after, limit)).scalars())


def newcomers(connection: Connection, since: datetime, after: str, limit: int) -> tuple[list[str], str | None]:
    """Of so many open cases after an id, those whose first turn was written at that instant or later.

    With the id after which to go on, None where there are no more. A first turn that was lost and written anew counts
    as new: whoever went through the cases before did not see it.
    """
    page = _page(after, limit).subquery()
    first = (turns.c.case_id == page.c.case_id) & (turns.c.seq == 1) & turns.c.voided_at.is_(None)
    query = select(page.c.case_id, turns.c.written_at).outerjoin_from(page, turns, first).order_by(page.c.case_id)
    rows = connection.execute(query).all()
    new = [row.case_id for row in rows if row.written_at is not None and row.written_at >= since]
    return new, rows[-1].case_id if len(rows) == limit else None


def _page(after: str, limit: int) -> Select[str]:
    return select(cases.c.case_id).where(_OPEN, cases.c.case_id > after).order_by(cases.c.case_id).limit(limit)


def select_known(connection: Connection, case_ids: Collection[str]) -> set[str]:
    """Which of these cases the records know, open or not."""
    return set(connection.execute(select(cases.c.case_id).where(cases.c.case_id.in_(case_ids))).scalars())


def is_open(connection: Connection, case_id: str) -> bool:
    """Whether the records show the case as open."""
    return connection.execute(select(cases.c.case_id).where(_OPEN, cases.c.case_id == case_id)).first() is not None


def clocks(connection: Connection, after: str, limit: int) -> Sequence[RunningCase]:
    """The open cases after an id, in order, with their running clocks."""
    last = (turns.c.case_id == cases.c.case_id) & (turns.c.seq == cases.c.last_seq) & turns.c.voided_at.is_(None)
    wanted = (cases.c.case_id, cases.c.kind, cases.c.state, cases.c.merchant_id, cases.c.held_since, turns.c.content)
    query = select(*wanted).join(turns, last).where(_OPEN, cases.c.case_id > after)
    return [_case(row) for row in connection.execute(query.order_by(cases.c.case_id).limit(limit))]


def _case(row: Found) -> RunningCase:
    return RunningCase(
        case_id=row.case_id,
        kind=row.kind,
        state=row.state,
        merchant_id=row.merchant_id,
        held=row.held_since is not None,
        clocks=clocks_of(json.loads(row.content)),
    )


def clocks_of(turn: dict[str, Any]) -> tuple[RunningClock, ...] | None:
    """The clocks that ran after a turn; None where it was written before turns told what was asked about them."""
    shown, asked = turn["status"]["deadlines"], _ASKED.validate_python(turn.get("asked", ()))
    if len(shown) != len(asked):
        return None
    told_at = parse_instant(turn["at"])
    return tuple(_clock(view, each, told_at) for view, each in zip(shown, asked, strict=True))


def _clock(view: dict[str, Any], asked: Asked, told_at: datetime) -> RunningClock:
    """A running clock as its case has it, but for what only bears on its reminders and extensions."""
    due_at, ordinary = view["due_at"], view["ordinary_due_at"]
    deadline = Deadline.model_construct(
        clock=asked.question.clock,
        started_at=asked.question.started_at,
        due_at=parse_instant(due_at) if due_at else None,
        exclusive=view["exclusive"],
        ordinary_due_at=parse_instant(ordinary),
        limit=view["limit"],
        waived=view["waived"],
        rules=tuple(view["rules"]),
        policy_version=view["policy_version"],
        on_timeout=_SILENCES[view["on_timeout"]],
        counts_for_score=view["counts_for_score"],
        because=(),
    )
    return RunningClock.model_construct(
        question=asked.question, deadline=deadline, told_at=told_at, grace_until=asked.grace_until
    )
