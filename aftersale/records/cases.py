"""Cases as the records know them: lists by urgency, and those that run, page by page in the order of their ids."""

import json
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from pydantic import StrictBool, TypeAdapter
from sqlalchemy import ColumnElement, Select, and_, func, or_, select, tuple_

from aftersale.case.turn import Asked
from aftersale.money import Currency
from aftersale.policy.deadline import Deadline
from aftersale.policy.running import RunningCase, RunningClock
from aftersale.records.tables import Found, cases, turns, urgency
from aftersale.records.transactions import PAGE, Repository
from aftersale.schema import Id, Instant, MinorUnits, Schema
from aftersale.times import parse_instant
from aftersale.vocabulary import CaseKind, CloseReason, Command, OnTimeout, Outcome, Party, RefundState, State

_OPEN = cases.c.is_final.is_(False)

_SILENCES = {word.value: word for word in OnTimeout}

_ASKED = TypeAdapter(tuple[Asked, ...])


class Place(NamedTuple):
    """A place in a list by urgency: the deadline, if there is one, then the case."""

    respond_by: datetime | None
    case_id: str


class CaseLine(Schema):
    """A case in a list: how it stood after its turn `last_seq`, at `updated_at`."""

    case_id: Id
    kind: CaseKind
    state: State
    party: Party | None
    commands: tuple[Command, ...]
    respond_by: Instant | None
    on_timeout: OnTimeout | None
    is_final: StrictBool
    outcome: Outcome | None
    close_reason: CloseReason | None
    merchant_id: Id | None
    order_id: Id | None
    buyer_ref: Id | None
    amount_minor: MinorUnits
    currency: Currency | None
    refund_status: RefundState
    held_since: Instant | None
    policy_version: str | None
    last_seq: int
    opened_at: Instant
    updated_at: Instant

    @property
    def place(self) -> Place:
        """Return where the case stands in the list; the next page comes after it."""
        return Place(self.respond_by, self.case_id)


class CaseRepository(Repository):
    """Cases as they stand after their last turn. Writing turns keeps them so; here they are only read."""

    def find(
        self,
        *,
        state: State | None = None,
        merchant: str | None = None,
        due_before: datetime | None = None,
        limit: int | None = PAGE,
        after: Place | None = None,
    ) -> list[CaseLine]:
        """List cases by urgency: by deadline, those without one last, then by id. Without a state, those that are open.

        `due_before` leaves out what is due at that instant or later, or never. `after` is the `place` of the last case
        of the page before; a limit of None means all.
        """
        wanted = [_OPEN if state is None else cases.c.state == state]
        if merchant is not None:
            wanted.append(cases.c.merchant_id == merchant)
        if due_before is not None:
            wanted.append(cases.c.respond_by < due_before)
        if after is not None:
            wanted.append(_after(after))
        query = select(cases).where(*wanted).order_by(*urgency()).limit(limit)
        with self._reading() as connection:
            return [CaseLine.model_construct(**row._mapping) for row in connection.execute(query)]

    def lines_of(self, case_ids: Collection[str]) -> dict[str, CaseLine]:
        """Return those of these cases that the records know, by their ids."""
        query = select(cases).where(cases.c.case_id.in_(case_ids))
        with self._reading() as connection:
            return {row.case_id: CaseLine.model_construct(**row._mapping) for row in connection.execute(query)}

    def known_ids(self, case_ids: Collection[str]) -> set[str]:
        """Return those of these ids that the records know, of open cases or not."""
        query = select(cases.c.case_id).where(cases.c.case_id.in_(case_ids))
        with self._reading() as connection:
            return set(connection.execute(query).scalars())

    # Cases that run, in the order of their ids

    def is_running(self, case_id: str) -> bool:
        """Tell whether the records show the case as open."""
        query = select(cases.c.case_id).where(_OPEN, cases.c.case_id == case_id)
        with self._reading() as connection:
            return connection.execute(query).first() is not None

    def count_running(self) -> int:
        """Count the open cases."""
        with self._reading() as connection:
            return connection.execute(select(func.count()).select_from(cases).where(_OPEN)).scalar_one()

    def running_ids(self, after: str, limit: int) -> list[str]:
        """Return the ids of open cases after an id."""
        with self._reading() as connection:
            return list(connection.execute(_page(after, limit)).scalars())

    def newcomer_ids(self, since: datetime, after: str, limit: int) -> tuple[list[str], str | None]:
        """Return, of so many open cases after an id, those whose first turn was written at that instant or later.

        With the id after which to go on, None where there are no more. The instant is that of the clock of the worker
        that wrote the turn. A first turn that was lost and written anew counts as new: whoever went through the cases
        before did not see it.
        """
        page = _page(after, limit).subquery()
        first = (turns.c.case_id == page.c.case_id) & (turns.c.seq == 1) & turns.c.voided_at.is_(None)
        query = select(page.c.case_id, turns.c.written_at).outerjoin_from(page, turns, first).order_by(page.c.case_id)
        with self._reading() as connection:
            rows = connection.execute(query).all()
        new = [row.case_id for row in rows if row.written_at is not None and row.written_at >= since]
        return new, rows[-1].case_id if len(rows) == limit else None

    def running_clocks(self, after: str, limit: int) -> Sequence[RunningCase]:
        """Return open cases after an id, with what another policy book needs to know about their clocks."""
        last = (turns.c.case_id == cases.c.case_id) & (turns.c.seq == cases.c.last_seq) & turns.c.voided_at.is_(None)
        wanted = (cases.c.case_id, cases.c.kind, cases.c.state, cases.c.merchant_id, cases.c.held_since)
        query = select(*wanted, turns.c.content).join(turns, last).where(_OPEN, cases.c.case_id > after)
        with self._reading() as connection:
            return [_case(row) for row in connection.execute(query.order_by(cases.c.case_id).limit(limit))]


def _after(place: Place) -> ColumnElement[bool]:
    undated = cases.c.respond_by.is_(None)
    if place.respond_by is None:
        return and_(undated, cases.c.case_id > place.case_id)
    columns = (cases.c.respond_by, cases.c.case_id)
    return or_(undated, tuple_(*columns) > tuple_(*place, types=[column.type for column in columns]))


def _page(after: str, limit: int) -> Select[str]:
    return select(cases.c.case_id).where(_OPEN, cases.c.case_id > after).order_by(cases.c.case_id).limit(limit)


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
    """Return the clocks that ran after a turn; None where it was written before turns told what was asked."""
    shown, asked = turn["status"]["deadlines"], _ASKED.validate_python(turn.get("asked", ()))
    if len(shown) != len(asked):
        return None
    told_at = parse_instant(turn["at"])
    return tuple(_clock(view, each, told_at) for view, each in zip(shown, asked, strict=True))


def _clock(view: dict[str, Any], asked: Asked, told_at: datetime) -> RunningClock:
    """Make a running clock as its case has it, but for what only bears on its reminders and extensions."""
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
