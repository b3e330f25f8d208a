"""Comparing the books with the payment service's own statement, which is laid beside them for as long as it takes."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any

from sqlalchemy import BigInteger, Column, Connection, Index, MetaData, Subquery, Table, Text, func, insert, or_, select

from aftersale.ledger.reports import DifferenceKind, LedgerDifference, ProviderPayment
from aftersale.records.ledger.integrity import SUCCEEDED, of_instruction
from aftersale.records.ledger.tables import instructions, reservations
from aftersale.vocabulary import RefundState

_AT_A_TIME = 5000
"""How many payments are laid down at a time."""


def compare(connection: Connection, statement: Iterable[ProviderPayment]) -> Iterator[LedgerDifference]:
    """Find where the books and a statement of all that was ever paid disagree."""
    with _laid_down(connection, statement) as payments:
        yield from _missing_or_other(connection, payments)
        yield from _twice(connection, payments)
        yield from _unknown(connection, payments)
        yield from _unsettled(connection, payments)


@contextmanager
def _laid_down(connection: Connection, statement: Iterable[ProviderPayment]) -> Iterator[Subquery]:
    """Keep a statement in a temporary table while the block runs; give what was paid by key, and how often.

    The table is this connection's own, and gone afterwards in any case.
    """
    table = Table(
        "statement",
        MetaData(),
        Column("key", Text, nullable=False),
        Column("amount_minor", BigInteger, nullable=False),
        Column("currency", Text, nullable=False),
        Column("provider_ref", Text, nullable=False),
        prefixes=["TEMPORARY"],
    )
    table.create(connection)
    paid = (
        {**payment.model_dump(include={"key", "amount_minor", "currency"}), "provider_ref": payment.provider_ref or ""}
        for payment in statement
        if payment.status == "succeeded"
    )
    while rows := list(islice(paid, _AT_A_TIME)):
        connection.execute(insert(table), rows)
    Index("statement_by_key", table.c.key).create(connection)
    figures = (func.min(table.c[name]).label(name) for name in ("amount_minor", "currency", "provider_ref"))
    yield select(table.c.key, *figures, func.count().label("times")).group_by(table.c.key).subquery()
    table.drop(connection)


def _missing_or_other(connection: Connection, payments: Subquery) -> Iterator[LedgerDifference]:
    """Find settled instructions without a payment in the statement, and those whose payment is another there."""
    reference = func.coalesce(instructions.c.provider_ref, "")
    other = or_(
        payments.c.amount_minor != instructions.c.amount_minor,
        payments.c.currency != instructions.c.currency,
        payments.c.provider_ref != reference,
    )
    found = [payments.c[name].label(f"paid_{name}") for name in ("amount_minor", "currency", "provider_ref")]
    query = select(instructions, *found, payments.c.times).outerjoin(payments, payments.c.key == instructions.c.key)
    query = query.where(SUCCEEDED, or_(payments.c.key.is_(None), (payments.c.times == 1) & other))
    for row in connection.execute(query.order_by(instructions.c.key)):
        ours = f"{row.amount_minor} {row.currency} as {row.provider_ref} in the books"
        if row.times is None:
            says = f"{ours}, but not in the statement; ask the payment service whether it was paid"
            yield of_instruction(row, DifferenceKind.NOT_IN_STATEMENT, says)
        else:
            theirs = f"{row.paid_amount_minor} {row.paid_currency} as {row.paid_provider_ref} in the statement"
            says = f"{ours}, but {theirs}; ask the payment service which is true"
            yield of_instruction(row, DifferenceKind.STATEMENT_DIFFERS, says)


def _twice(connection: Connection, payments: Subquery) -> Iterator[LedgerDifference]:
    for row in _beside(connection, payments, payments.c.times > 1):
        says = (
            f"1 payment in the books, {row.times} in the statement; have the payment service take back what is too much"
        )
        yield of_instruction(row, DifferenceKind.TWICE_IN_STATEMENT, says)


def _unknown(connection: Connection, payments: Subquery) -> Iterator[LedgerDifference]:
    for row in _beside(connection, payments, instructions.c.key.is_(None)):
        says = (
            f"{row.paid_minor} {row.paid_currency} in the statement, but no such instruction in the books; ask the "
            "payment service who instructed it"
        )
        yield of_instruction(row, DifferenceKind.UNKNOWN_PAYMENT, says)


def _unsettled(connection: Connection, payments: Subquery) -> Iterator[LedgerDifference]:
    """Find what was paid, but failed by our books, or is processing although its case has given up its claim."""
    abandoned = (instructions.c.state == RefundState.PROCESSING) & reservations.c.closed_at.is_not(None)
    wanted = or_(instructions.c.state == RefundState.FAILED, abandoned)
    for row in _beside(connection, payments, wanted):
        says = (
            f"{row.paid_minor} {row.paid_currency} in the statement, but {row.state} in the books, so that the buyer "
            f"may be paid twice; freeze order {row.order_id} (`aftersale ledger chargeback`) until that is cleared up"
        )
        yield of_instruction(row, DifferenceKind.PAID_UNSETTLED, says)


def _beside(connection: Connection, payments: Subquery, wanted: Any) -> Iterator[Any]:
    """Return payments, with the instruction and the reservation that belong to them."""
    ours = (instructions.c.order_id, instructions.c.case_id, instructions.c.state)
    theirs = (
        payments.c.key,
        payments.c.times,
        payments.c.amount_minor.label("paid_minor"),
        payments.c.currency.label("paid_currency"),
    )
    query = (
        select(*theirs, *ours)
        .select_from(payments)
        .outerjoin(instructions, instructions.c.key == payments.c.key)
        .outerjoin(reservations, reservations.c.case_id == instructions.c.case_id)
    )
    yield from connection.execute(query.where(wanted).order_by(payments.c.key))
