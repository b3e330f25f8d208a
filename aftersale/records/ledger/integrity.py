"""Prove the books: every rule that they must obey, asked of all orders at once. What breaks one is a difference."""

from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Connection, Row, Select, Table, and_, case, cast, func, or_, select

from aftersale.ledger.reports import DifferenceKind, LedgerDifference
from aftersale.records.ledger.tables import allocations, attempts, instructions, order_lines, reservations, tenders
from aftersale.records.tables import cases
from aftersale.vocabulary import RefundState

SUCCEEDED = instructions.c.state == RefundState.SUCCEEDED

Rules = Mapping[DifferenceKind, tuple[Select[Any], str]]
"""What breaks each rule: the query that finds it, and what is said of each row found, by the names of its columns."""


def differences(connection: Connection) -> Iterator[LedgerDifference]:
    """Return what is wrong with the books in themselves, one rule after the other."""
    yield from faults(connection, _NEVER_TOO_MUCH)
    yield from faults(connection, _EACH_IN_FULL)
    yield from _sharing_a_payment(connection)
    yield from faults(connection, _NO_LONGER_THAN_ITS_CASE)


def faults(connection: Connection, rules: Rules) -> Iterator[LedgerDifference]:
    """Return what breaks these rules, one after the other."""
    for kind, (query, says) in rules.items():
        for row in connection.execute(query):
            yield difference(kind, row, says.format_map(row._mapping))


def difference(kind: DifferenceKind, row: Row[Any], says: str) -> LedgerDifference:
    """Return a difference about what a row names: an order, and the case or the instruction if it is about one."""
    named = {name: row._mapping.get(name) for name in ("order_id", "case_id", "key")}
    return LedgerDifference(kind=kind, says=says, **named)


def total(amount: ColumnElement[int]) -> ColumnElement[int]:
    """Return the sum of a column, 0 where there is none, as whole a number as its parts."""
    return cast(func.coalesce(func.sum(amount), 0), BigInteger)


def signed_amount(amount: ColumnElement[int]) -> ColumnElement[int]:
    """Return what an instruction's amount gives the buyer."""
    return case((instructions.c.purpose == "clawback", -amount), else_=amount)


# Never more to the buyer than the buyer paid


def _settled(*by: ColumnElement[Any]) -> Select[Any]:
    """Return what succeeded, net of clawbacks, by order and these."""
    net = total(signed_amount(allocations.c.amount_minor)).label("settled")
    grouped = (instructions.c.order_id, *by)
    return (
        select(*grouped, net)
        .join(allocations, allocations.c.key == instructions.c.key)
        .where(SUCCEEDED)
        .group_by(*grouped)
    )


def _beyond_paid(table: Table, *by: ColumnElement[Any]) -> Select[Any]:
    """Find where more was settled than this table says was paid, grouped by order and the given columns."""
    settled = _settled(*by).subquery()
    names = settled.c.keys()[:-1]
    same = and_(*(table.c[name] == settled.c[name] for name in names))
    paid = func.coalesce(table.c.paid_minor, 0).label("paid")
    query = select(settled, paid).outerjoin(table, same).where(settled.c.settled > paid)
    return query.order_by(*(settled.c[name] for name in names))


def _orders_beyond_paid() -> Select[Any]:
    """By the instructions' own amounts, so that nothing that was not allocated is overlooked."""
    net = total(signed_amount(instructions.c.amount_minor)).label("settled")
    given = select(instructions.c.order_id, net).where(SUCCEEDED).group_by(instructions.c.order_id).subquery()
    per_order = select(order_lines.c.order_id, total(order_lines.c.paid_minor).label("paid"))
    bought = per_order.group_by(order_lines.c.order_id).subquery()
    paid = func.coalesce(bought.c.paid, 0).label("paid")
    query = select(given, paid).outerjoin(bought, bought.c.order_id == given.c.order_id)
    return query.where(given.c.settled > paid).order_by(given.c.order_id)


def _beyond_refunded() -> Select[Any]:
    """Return cases of which more was clawed back than was refunded."""
    amount, purpose = instructions.c.amount_minor, instructions.c.purpose
    refunded = total(case((purpose == "refund", amount), else_=0)).label("refunded")
    back = total(case((purpose == "clawback", amount), else_=0)).label("back")
    grouped = (instructions.c.order_id, instructions.c.case_id)
    query = select(*grouped, refunded, back).where(SUCCEEDED).group_by(*grouped)
    return query.having(back > refunded).order_by(*grouped)


# Kept, since putting a statement together takes longer than executing it.
_NEVER_TOO_MUCH: Rules = {
    DifferenceKind.TENDER_OVERPAID: (
        _beyond_paid(tenders, allocations.c.order_line_id, allocations.c.tender),
        "order {order_id}, line {order_line_id}: {settled} went back to {tender}, which paid {paid}; see `aftersale "
        "ledger show {order_id}`, and post the rest to the tender that it really went to",
    ),
    DifferenceKind.LINE_OVERPAID: (
        _beyond_paid(order_lines, allocations.c.order_line_id),
        "order {order_id}, line {order_line_id}: {settled} was refunded, of {paid} paid; see `aftersale ledger show "
        "{order_id}`, and claw back what is too much",
    ),
    DifferenceKind.ORDER_OVERPAID: (
        _orders_beyond_paid(),
        "order {order_id}: {settled} was refunded, of {paid} paid; see `aftersale ledger show {order_id}`, and claw "
        "back what is too much",
    ),
    DifferenceKind.CLAWED_BACK_TOO_MUCH: (
        _beyond_refunded(),
        "case {case_id}: {back} was clawed back, of {refunded} refunded; see `aftersale ledger show {order_id}`, and "
        "refund what is too much",
    ),
}


# Every instruction spread to its last unit, and paid once


def _spread_otherwise() -> Select[Any]:
    """Find instructions of which more or less is allocated; one that the ledger refused is spread over nothing."""
    spread, parts = total(allocations.c.amount_minor).label("spread"), func.count(allocations.c.key)
    live = or_(instructions.c.state != RefundState.FAILED, parts > 0)
    query = select(instructions, spread).outerjoin(allocations, allocations.c.key == instructions.c.key)
    query = query.group_by(instructions.c.key).having(and_(spread != instructions.c.amount_minor, live))
    return query.order_by(instructions.c.key)


def _declined_unheard() -> Select[Any]:
    """Find instructions that were sent and count as declined, though the payment service never said so (R31)."""
    heard = func.count(attempts.c.outcome)
    query = select(instructions).join(attempts, attempts.c.key == instructions.c.key)
    query = query.where(instructions.c.state == RefundState.FAILED).group_by(instructions.c.key)
    return query.having(heard == 0).order_by(instructions.c.key)


_REFERENCE = instructions.c.provider_ref
_SHARED = select(_REFERENCE).where(SUCCEEDED, _REFERENCE != "").group_by(_REFERENCE).having(func.count() > 1)
_SHARING = select(instructions).where(SUCCEEDED, _REFERENCE.in_(_SHARED)).order_by(_REFERENCE, instructions.c.key)

_EACH_IN_FULL: Rules = {
    DifferenceKind.NOT_ALLOCATED: (
        _spread_otherwise(),
        "instruction {key}: {amount_minor} was instructed, but {spread} is allocated; find out which lines and tenders "
        "it went to, and allocate all of it",
    ),
    DifferenceKind.NO_PAYMENT: (
        select(instructions).where(SUCCEEDED, func.coalesce(_REFERENCE, "") == "").order_by(instructions.c.key),
        "instruction {key}: {amount_minor} {currency} counts as settled, by 0 payments; ask the payment service what "
        "it holds under the key, and enter its reference",
    ),
    DifferenceKind.DECLINED_UNHEARD: (
        _declined_unheard(),
        "instruction {key}: {amount_minor} {currency} was sent and counts as declined, but the payment service has not "
        "said so; freeze order {order_id} (`aftersale ledger chargeback`) until it tells what it holds under the key",
    ),
}


def _sharing_a_payment(connection: Connection) -> Iterator[LedgerDifference]:
    for provider_ref, found in groupby(connection.execute(_SHARING), key=lambda row: row.provider_ref):
        rows = list(found)
        named = ", ".join(f"{row.key} ({row.amount_minor} {row.currency})" for row in rows)
        says = (
            f"payment {provider_ref} settles {len(rows)} instructions, {named}; ask the payment service which of them"
        )
        yield difference(DifferenceKind.PAYMENT_SHARED, rows[0], f"instruction {rows[0].key}: {says} it paid")


_NO_LONGER_THAN_ITS_CASE: Rules = {
    DifferenceKind.RESERVATION_OUTLIVES_CASE: (
        select(reservations, cases.c.state)
        .join(cases, cases.c.case_id == reservations.c.case_id)
        .where(reservations.c.closed_at.is_(None), cases.c.is_final)
        .order_by(reservations.c.case_id),
        "case {case_id} is {state.words}, yet holds money of order {order_id}; run `aftersale ledger release "
        "{case_id}`",
    ),
}
