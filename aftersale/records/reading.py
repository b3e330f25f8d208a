"""Reading the records: lists of cases by urgency, and what one case has done."""

from datetime import datetime
from typing import NamedTuple

from pydantic import StrictBool
from sqlalchemy import ColumnElement, Connection, and_, bindparam, or_, select, tuple_

from aftersale.case.turn import Turn, reassemble
from aftersale.contract.status import Status
from aftersale.money import Currency
from aftersale.records.tables import Found, cases, turns, urgency
from aftersale.schema import Id, Instant, MinorUnits, Schema
from aftersale.vocabulary import CaseKind, CloseReason, Command, OnTimeout, Outcome, Party, RefundState, State

# Kept, since putting a statement together takes longer than executing it.
_TOLD = (
    select(turns.c.content, turns.c.digest, turns.c.written_at, turns.c.voided_at)
    .where(turns.c.case_id == bindparam("case_id"))
    .order_by(turns.c.seq, turns.c.voided_at.is_(None), turns.c.voided_at, turns.c.digest)
)
_HOLDING = _TOLD.where(turns.c.voided_at.is_(None))


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
        """Where the case stands in the list; the next page comes after it."""
        return Place(self.respond_by, self.case_id)


class Written(NamedTuple):
    """A turn on file. One that history turned out not to have is void since `voided_at`."""

    turn: Turn
    digest: str
    written_at: datetime
    voided_at: datetime | None


def select_cases(
    connection: Connection,
    *,
    state: State | None,
    merchant: str | None,
    due_before: datetime | None,
    limit: int | None,
    after: Place | None,
) -> list[CaseLine]:
    """Cases by urgency; without a state, those that are open."""
    wanted = [cases.c.is_final.is_(False) if state is None else cases.c.state == state]
    if merchant is not None:
        wanted.append(cases.c.merchant_id == merchant)
    if due_before is not None:
        wanted.append(cases.c.respond_by < due_before)
    if after is not None:
        wanted.append(_after(after))
    query = select(cases).where(*wanted).order_by(*urgency()).limit(limit)
    return [CaseLine.model_construct(**row._mapping) for row in connection.execute(query)]


def _after(place: Place) -> ColumnElement[bool]:
    undated = cases.c.respond_by.is_(None)
    if place.respond_by is None:
        return and_(undated, cases.c.case_id > place.case_id)
    columns = (cases.c.respond_by, cases.c.case_id)
    return or_(undated, tuple_(*columns) > tuple_(*place, types=[column.type for column in columns]))


def record(connection: Connection, case_id: str) -> Status | None:
    """The whole status of a case, timeline included, as its turns tell it; None where it has none."""
    return reassemble([written.turn for written in select_turns(connection, case_id, void=False)])


def select_turns(connection: Connection, case_id: str, *, void: bool) -> list[Written]:
    """The turns of a case in order; with `void`, also those that no longer hold, each before what took its place."""
    return [_written(row) for row in connection.execute(_TOLD if void else _HOLDING, {"case_id": case_id})]


def _written(row: Found) -> Written:
    return Written(Turn.model_validate_json(row.content), row.digest, row.written_at, row.voided_at)
