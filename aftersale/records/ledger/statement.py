"""Compare the books with the payment service's own statement, laid beside them for as long as it takes."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    Index,
    MetaData,
    Select,
    Table,
    Text,
    func,
    insert,
    or_,
    select,
)
from sqlalchemy.schema import CreateIndex, CreateTable, DropTable

from aftersale.ledger.reports import DifferenceKind, LedgerDifference, ProviderPayment
from aftersale.records.ledger.integrity import SUCCEEDED, Rules, difference, faults
from aftersale.records.ledger.tables import instructions, reservations
from aftersale.vocabulary import RefundState

_AT_A_TIME = 5000
"""How many payments are laid down at a time."""

_STATEMENT = Table(
    "statement",
    MetaData(),
    Column("key", Text, nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("currency", Text, nullable=False),
    Column("provider_ref", Text, nullable=False),
    prefixes=["TEMPORARY"],
)
_BY_KEY = Index("statement_by_key", _STATEMENT.c.key)
_FIGURES = (func.min(_STATEMENT.c[name]).label(name) for name in ("amount_minor", "currency", "provider_ref"))
_PAYMENTS = (
    select(_STATEMENT.c.key, *_FIGURES, func.count().label("times")).group_by(_STATEMENT.c.key).subquery("payments")
)
"""What was paid by key, and how often."""


def _other_or_missing() -> Select[Any]:
    """Settled instructions without exactly the payment that the books tell."""
    names = ("amount_minor", "currency")
    other = or_(
        *(_PAYMENTS.c[name] != instructions.c[name] for name in names),
        _PAYMENTS.c.provider_ref != func.coalesce(instructions.c.provider_ref, ""),
    )
    found = [_PAYMENTS.c[name].label(f"paid_{name}") for name in (*names, "provider_ref")]
    query = select(instructions, *found, _PAYMENTS.c.times).outerjoin(_PAYMENTS, _PAYMENTS.c.key == instructions.c.key)
    query = query.where(SUCCEEDED, or_(_PAYMENTS.c.key.is_(None), (_PAYMENTS.c.times == 1) & other))
    return query.order_by(instructions.c.key)


def _paid(wanted: ColumnElement[bool]) -> Select[Any]:
    """Payments, with the instruction and the reservation that belong to them."""
    ours = (instructions.c.order_id, instructions.c.case_id, instructions.c.state)
    theirs = (
        _PAYMENTS.c.key,
        _PAYMENTS.c.times,
        _PAYMENTS.c.amount_minor.label("paid_minor"),
        _PAYMENTS.c.currency.label("paid_currency"),
    )
    query = (
        select(*theirs, *ours)
        .select_from(_PAYMENTS)
        .outerjoin(instructions, instructions.c.key == _PAYMENTS.c.key)
        .outerjoin(reservations, reservations.c.case_id == instructions.c.case_id)
    )
    return query.where(wanted).order_by(_PAYMENTS.c.key)


# Kept, since putting a statement together takes longer than executing it.
_DIFFERING = _other_or_missing()
_ABANDONED = (instructions.c.state == RefundState.PROCESSING) & reservations.c.closed_at.is_not(None)
_PAID_AS_TOLD: Rules = {
    DifferenceKind.TWICE_IN_STATEMENT: (
        _paid(_PAYMENTS.c.times > 1),
        "instruction {key}: 1 payment in the books, {times} in the statement; have the payment service take back what "
        "is too much",
    ),
    DifferenceKind.UNKNOWN_PAYMENT: (
        _paid(instructions.c.key.is_(None)),
        "instruction {key}: {paid_minor} {paid_currency} in the statement, but no such instruction in the books; ask "
        "the payment service who instructed it",
    ),
    # Paid, but failed by our books, or processing although its case has given up its claim.
    DifferenceKind.PAID_UNSETTLED: (
        _paid(or_(instructions.c.state == RefundState.FAILED, _ABANDONED)),
        "instruction {key}: {paid_minor} {paid_currency} in the statement, but {state} in the books, so that the buyer "
        "may be paid twice; freeze order {order_id} (`aftersale ledger chargeback`) until that is cleared up",
    ),
}


def compare(connection: Connection, statement: Iterable[ProviderPayment]) -> Iterator[LedgerDifference]:
    """Find where the books and a statement of all that was ever paid disagree."""
    with _laid_down(connection, statement):
        yield from _missing_or_other(connection)
        yield from faults(connection, _PAID_AS_TOLD)


@contextmanager
def _laid_down(connection: Connection, statement: Iterable[ProviderPayment]) -> Iterator[None]:
    """Lay the statement beside the books, in a table that is this connection's own, and gone afterwards in any case."""
    connection.execute(CreateTable(_STATEMENT))
    paid = (
        {**payment.model_dump(include={"key", "amount_minor", "currency"}), "provider_ref": payment.provider_ref or ""}
        for payment in statement
        if payment.status == "succeeded"
    )
    while rows := list(islice(paid, _AT_A_TIME)):
        connection.execute(insert(_STATEMENT), rows)
    connection.execute(CreateIndex(_BY_KEY))
    yield
    connection.execute(DropTable(_STATEMENT))


def _missing_or_other(connection: Connection) -> Iterator[LedgerDifference]:
    """Find settled instructions without exactly one payment, the one which the books tell."""
    for row in connection.execute(_DIFFERING):
        ours = f"instruction {row.key}: {row.amount_minor} {row.currency} as {row.provider_ref} in the books"
        if row.times is None:
            says = f"{ours}, but not in the statement; ask the payment service whether it was paid"
            yield difference(DifferenceKind.NOT_IN_STATEMENT, row, says)
        else:
            theirs = f"{row.paid_amount_minor} {row.paid_currency} as {row.paid_provider_ref} in the statement"
            says = f"{ours}, but {theirs}; ask the payment service which is true"
            yield difference(DifferenceKind.STATEMENT_DIFFERS, row, says)
