"""The tables as today's code reads and writes them. Migrations make them; a test holds both together."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from functools import cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Connection,
    DateTime,
    Dialect,
    Index,
    Integer,
    MetaData,
    Row,
    Table,
    Text,
    TypeDecorator,
    UnaryExpression,
    bindparam,
    func,
    text,
)
from sqlalchemy.dialects import postgresql, sqlite

from aftersale.vocabulary import (
    CaseKind,
    Clock,
    CloseReason,
    Command,
    DiscrepancyKind,
    OnTimeout,
    Outcome,
    Party,
    RefundState,
    State,
)

Found = Row[*tuple[Any, ...]]
"""A row of whatever was asked for."""


class Moment(TypeDecorator[datetime]):
    """An aware instant, kept in UTC: `timestamptz` in PostgreSQL, text that sorts in SQLite. Comes back in UTC."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Convert to UTC. A naive datetime is refused: nobody knows when it is."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value} has no zone; give an aware instant")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Read as UTC, which SQLite does not say."""
        if value is None:
            return None
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)


class Word(TypeDecorator[StrEnum]):
    """A word of a closed set, kept as its value."""

    impl = Text
    cache_ok = True

    def __init__(self, closed_set: type[StrEnum]) -> None:
        """Keep words of this set."""
        super().__init__()
        self.closed_set = closed_set
        self._words = {word.value: word for word in closed_set}

    def process_bind_param(self, value: StrEnum | None, dialect: Dialect) -> str | None:
        """Return the word's value."""
        return None if value is None else self.closed_set(value).value

    def process_result_value(self, value: str | None, dialect: Dialect) -> StrEnum | None:
        """Return the word of that value."""
        return None if value is None else self._words[value]


class Commands(TypeDecorator[tuple[Command, ...]]):
    """Commands in one text, parted by spaces."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Sequence[Command] | None, dialect: Dialect) -> str | None:
        """Join the commands."""
        return None if value is None else " ".join(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> tuple[Command, ...] | None:
        """Part the text."""
        return None if value is None else tuple(_COMMANDS[word] for word in value.split())


_COMMANDS = {command.value: command for command in Command}

metadata = MetaData()

turns = Table(
    "turns",
    metadata,
    Column("case_id", Text, primary_key=True),
    Column("seq", Integer, primary_key=True),
    Column("digest", Text, primary_key=True),
    Column("at", Moment, nullable=False),
    Column("run_id", Text, nullable=False),
    Column("history_length", Integer, nullable=False),
    Column("content", Text, nullable=False),
    Column("written_at", Moment, nullable=False),
    Column("voided_at", Moment),
)
Index(
    "turns_that_hold",
    turns.c.case_id,
    turns.c.seq,
    unique=True,
    sqlite_where=text("voided_at IS NULL"),
    postgresql_where=text("voided_at IS NULL"),
)

cases = Table(
    "cases",
    metadata,
    Column("case_id", Text, primary_key=True),
    Column("kind", Word(CaseKind), nullable=False),
    Column("state", Word(State), nullable=False),
    Column("party", Word(Party)),
    Column("commands", Commands, nullable=False),
    Column("respond_by", Moment),
    Column("on_timeout", Word(OnTimeout)),
    Column("is_final", Boolean, nullable=False),
    Column("outcome", Word(Outcome)),
    Column("close_reason", Word(CloseReason)),
    Column("merchant_id", Text),
    Column("order_id", Text),
    Column("buyer_ref", Text),
    Column("amount_minor", BigInteger, nullable=False),
    Column("currency", Text),
    Column("refund_status", Word(RefundState), nullable=False),
    Column("held_since", Moment),
    Column("policy_version", Text),
    Column("last_seq", Integer, nullable=False),
    Column("opened_at", Moment, nullable=False),
    Column("updated_at", Moment, nullable=False),
)


def urgency() -> tuple[UnaryExpression[bool], Column[datetime], Column[str]]:
    """Return the order of lists: what is due first comes first, what has no deadline last."""
    undated: Any = cases.c.respond_by.is_(None)
    return undated, cases.c.respond_by, cases.c.case_id


Index("cases_by_urgency", cases.c.is_final, *urgency())
Index("cases_by_merchant", cases.c.merchant_id, cases.c.is_final, *urgency())
Index("cases_by_state", cases.c.state, *urgency())

outbox = Table(
    "outbox",
    metadata,
    Column("message_id", Text, primary_key=True),
    Column("case_id", Text, nullable=False),
    Column("seq", Integer, nullable=False),
    Column("place", Integer, nullable=False),
    Column("party", Word(Party), nullable=False),
    Column("event", Text, nullable=False),
    Column("content", Text, nullable=False),
    Column("corrects", Text),
    Column("created_at", Moment, nullable=False),
    Column("state", Text, nullable=False),
    Column("lease_owner", Text),
    Column("leased_until", Moment),
    Column("attempts", Integer, nullable=False),
    Column("next_try_at", Moment, nullable=False),
    Column("together", Text),
    Column("last_error", Text),
    Column("sent_at", Moment),
)
Index("outbox_of_case", outbox.c.case_id, outbox.c.seq)
Index("outbox_by_next_try", outbox.c.state, outbox.c.next_try_at)
Index("outbox_by_lease", outbox.c.lease_owner)

deliveries = Table(
    "deliveries",
    metadata,
    Column("message_id", Text, primary_key=True),
    Column("channel", Text, primary_key=True),
    Column("attempts", Integer, nullable=False),
    Column("delivered_at", Moment),
    Column("last_error", Text),
)


violations = Table(
    "violations",
    metadata,
    Column("violation_id", Text, primary_key=True),
    Column("shipment_id", Text, nullable=False),
    Column("order_id", Text, nullable=False),
    Column("merchant_id", Text, nullable=False),
    Column("clock", Word(Clock), nullable=False),
    Column("tracking_no", Text),
    Column("due_at", Moment, nullable=False),
    Column("breached_at", Moment, nullable=False),
    Column("rules", Text, nullable=False),
    Column("policy_version", Text, nullable=False),
    Column("counts_for_score", Boolean, nullable=False),
    Column("cleared_at", Moment),
    Column("claim_case_id", Text),
    Column("content", Text, nullable=False),
)
Index("violations_in_order", violations.c.breached_at, violations.c.violation_id)
Index("violations_of_merchant", violations.c.merchant_id, violations.c.breached_at, violations.c.violation_id)
Index("violations_of_order", violations.c.order_id)

discrepancies = Table(
    "discrepancies",
    metadata,
    Column("discrepancy_id", Text, primary_key=True),
    Column("kind", Word(DiscrepancyKind), nullable=False),
    Column("subject", Text, nullable=False),
    Column("case_id", Text),
    Column("order_id", Text),
    Column("says", Text, nullable=False),
    Column("command", Text, nullable=False),
    Column("times", Integer, nullable=False),
    Column("found_at", Moment, nullable=False),
    Column("settled_at", Moment),
)
Index("discrepancies_that_stand", discrepancies.c.settled_at, discrepancies.c.found_at)


Insert = sqlite.Insert | postgresql.Insert


def first_told(column: Column[Any]) -> ColumnElement[Any]:
    """Return what a column holds, or, where that is nothing, the parameter `new_<name>`, stored as the column is."""
    return func.coalesce(column, bindparam(f"new_{column.name}", type_=column.type))


def into(table: Table, dialect: str) -> Insert:
    """Make an insert that can say what to do where the key exists already; both databases say it alike."""
    return sqlite.insert(table) if dialect == "sqlite" else postgresql.insert(table)


def keys(table: Table) -> list[str]:
    """Return the names of a table's key."""
    return [column.name for column in table.primary_key]


def put(connection: Connection, table: Table, row: Mapping[str, Any]) -> None:
    """Insert a row; where its key exists already, give that row these values instead."""
    connection.execute(_upsert(table, connection.dialect.name, tuple(row)), row)


@cache
def _upsert(table: Table, dialect: str, columns: tuple[str, ...]) -> Insert:
    """Make the statement, and keep it, since putting it together takes longer than executing it."""
    insert = into(table, dialect)
    new = {name: insert.excluded[name] for name in columns if name not in keys(table)}
    return insert.on_conflict_do_update(index_elements=keys(table), set_=new)


def put_new(connection: Connection, table: Table, row: Mapping[str, Any]) -> bool:
    """Insert a row; False, and nothing done, where its key exists already."""
    return connection.execute(_insert_new(table, connection.dialect.name), row).rowcount == 1


@cache
def _insert_new(table: Table, dialect: str) -> Insert:
    insert = into(table, dialect).on_conflict_do_nothing(index_elements=keys(table))
    # Unless it is asked for, how many rows an insert made is not kept for PostgreSQL.
    return insert.execution_options(preserve_rowcount=True)
