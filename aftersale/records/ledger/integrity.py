"""Proving the books: every rule that they must obey, asked of all orders at once. What breaks one is a difference."""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Connection, Select, Table, and_, case, cast, func, or_, select

from aftersale.ledger.reports import DifferenceKind, LedgerDifference
from aftersale.records.ledger.tables import allocations, instructions, order_lines, reservations, tenders
from aftersale.records.tables import cases
from aftersale.vocabulary import RefundState

SUCCEEDED = instructions.c.state == RefundState.SUCCEEDED


def differences(connection: Connection) -> Iterator[LedgerDifference]:
    """Return what is wrong with the books in themselves, one rule after the other."""
    yield from _tenders_overpaid(connection)
    yield from _lines_overpaid(connection)
    yield from _orders_overpaid(connection)
    yield from _clawed_back_too_much(connection)
    yield from _not_allocated(connection)
    yield from _without_payment(connection)
    yield from _sharing_a_payment(connection)
    yield from _outliving_their_case(connection)


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


# Kept, since putting a statement together takes longer than executing it.
_TENDERS_OVERPAID = _beyond_paid(tenders, allocations.c.order_line_id, allocations.c.tender)
_LINES_OVERPAID = _beyond_paid(order_lines, allocations.c.order_line_id)


def _orders_beyond_paid() -> Select[Any]:
    """By the instructions' own amounts, so that nothing that was not allocated is overlooked."""
    net = total(signed_amount(instructions.c.amount_minor)).label("settled")
    given = select(instructions.c.order_id, net).where(SUCCEEDED).group_by(instructions.c.order_id).subquery()
    per_order = select(order_lines.c.order_id, total(order_lines.c.paid_minor).label("paid"))
    bought = per_order.group_by(order_lines.c.order_id).subquery()
    paid = func.coalesce(bought.c.paid, 0).label("paid")
    query = select(given, paid).outerjoin(bought, bought.c.order_id == given.c.order_id)
    return query.where(given.c.settled > paid).order_by(given.c.order_id)


_ORDERS_OVERPAID = _orders_beyond_paid()


def _beyond_refunded() -> Select[Any]:
    """Return cases of which more was clawed back than was refunded."""
    amount, purpose = instructions.c.amount_minor, instructions.c.purpose
    refunded = total(case((purpose == "refund", amount), else_=0)).label("refunded")
    back = total(case((purpose == "clawback", amount), else_=0)).label("back")
    grouped = (instructions.c.order_id, instructions.c.case_id)
    query = select(*grouped, refunded, back).where(SUCCEEDED).group_by(*grouped)
    return query.having(back > refunded).order_by(*grouped)


_CLAWED_BACK_TOO_MUCH = _beyond_refunded()


def _tenders_overpaid(connection: Connection) -> Iterator[LedgerDifference]:
    for row in connection.execute(_TENDERS_OVERPAID):
        yield LedgerDifference(
            kind=DifferenceKind.TENDER_OVERPAID,
            order_id=row.order_id,
            says=f"order {row.order_id}, line {row.order_line_id}: {row.settled} went back to {row.tender}, which paid "
            f"{row.paid}; {_look(row.order_id)}, and post the rest to the tender that it really went to",
        )


def _lines_overpaid(connection: Connection) -> Iterator[LedgerDifference]:
    for row in connection.execute(_LINES_OVERPAID):
        yield LedgerDifference(
            kind=DifferenceKind.LINE_OVERPAID,
            order_id=row.order_id,
            says=f"order {row.order_id}, line {row.order_line_id}: {row.settled} was refunded, of {row.paid} paid; "
            f"{_look(row.order_id)}, and claw back what is too much",
        )


def _orders_overpaid(connection: Connection) -> Iterator[LedgerDifference]:
    for row in connection.execute(_ORDERS_OVERPAID):
        yield LedgerDifference(
            kind=DifferenceKind.ORDER_OVERPAID,
            order_id=row.order_id,
            says=f"order {row.order_id}: {row.settled} was refunded, of {row.paid} paid; {_look(row.order_id)}, and "
            "claw back what is too much",
        )


def _clawed_back_too_much(connection: Connection) -> Iterator[LedgerDifference]:
    for row in connection.execute(_CLAWED_BACK_TOO_MUCH):
        yield LedgerDifference(
            kind=DifferenceKind.CLAWED_BACK_TOO_MUCH,
            order_id=row.order_id,
            case_id=row.case_id,
            says=f"case {row.case_id}: {row.back} was clawed back, of {row.refunded} refunded; "
            f"{_look(row.order_id)}, and refund what is too much",
        )


# Every instruction spread to its last unit, and paid once


def _spread_otherwise() -> Select[Any]:
    """Instructions of which more or less is allocated than was instructed."""
    spread, parts = total(allocations.c.amount_minor).label("spread"), func.count(allocations.c.key)
    live = or_(instructions.c.state != RefundState.FAILED, parts > 0)
    query = select(instructions, spread).outerjoin(allocations, allocations.c.key == instructions.c.key)
    query = query.group_by(instructions.c.key).having(and_(spread != instructions.c.amount_minor, live))
    return query.order_by(instructions.c.key)


_REFERENCE = instructions.c.provider_ref
_SHARED = select(_REFERENCE).where(SUCCEEDED, _REFERENCE != "").group_by(_REFERENCE).having(func.count() > 1)
_NOT_ALLOCATED = _spread_otherwise()
_UNPAID = select(instructions).where(SUCCEEDED, func.coalesce(_REFERENCE, "") == "").order_by(instructions.c.key)
_SHARING = select(instructions).where(SUCCEEDED, _REFERENCE.in_(_SHARED)).order_by(_REFERENCE, instructions.c.key)


def _not_allocated(connection: Connection) -> Iterator[LedgerDifference]:
    """Find instructions of which more or less is allocated; one that the ledger refused is spread over nothing."""
    for row in connection.execute(_NOT_ALLOCATED):
        yield of_instruction(
            row,
            DifferenceKind.NOT_ALLOCATED,
            f"{row.amount_minor} was instructed, but {row.spread} is allocated; find out which lines and tenders it "
            "went to, and allocate all of it",
        )


def _without_payment(connection: Connection) -> Iterator[LedgerDifference]:
    for row in connection.execute(_UNPAID):
        yield of_instruction(
            row,
            DifferenceKind.NO_PAYMENT,
            f"{row.amount_minor} {row.currency} counts as settled, by 0 payments; ask the payment service what it "
            "holds under the key, and enter its reference",
        )


def _sharing_a_payment(connection: Connection) -> Iterator[LedgerDifference]:
    sharers: defaultdict[str, list[Any]] = defaultdict(list)
    for row in connection.execute(_SHARING):
        sharers[row.provider_ref].append(row)
    for provider_ref, rows in sharers.items():
        named = ", ".join(f"{row.key} ({row.amount_minor} {row.currency})" for row in rows)
        yield of_instruction(
            rows[0],
            DifferenceKind.PAYMENT_SHARED,
            f"payment {provider_ref} settles {len(rows)} instructions, {named}; ask the payment service which of them "
            "it paid",
        )


# No reservation outlives its case

_OUTLIVING = (
    select(reservations, cases.c.state)
    .join(cases, cases.c.case_id == reservations.c.case_id)
    .where(reservations.c.closed_at.is_(None), cases.c.is_final)
    .order_by(reservations.c.case_id)
)


def _outliving_their_case(connection: Connection) -> Iterator[LedgerDifference]:
    for row in connection.execute(_OUTLIVING):
        yield LedgerDifference(
            kind=DifferenceKind.RESERVATION_OUTLIVES_CASE,
            order_id=row.order_id,
            case_id=row.case_id,
            says=f"case {row.case_id} is {row.state.words}, yet holds money of order {row.order_id}; run `aftersale "
            f"ledger release {row.case_id}`",
        )


def of_instruction(row: Any, kind: DifferenceKind, says: str) -> LedgerDifference:
    """Return a difference about an instruction, or about a payment under its key."""
    return LedgerDifference(
        kind=kind, order_id=row.order_id, case_id=row.case_id, key=row.key, says=f"instruction {row.key}: {says}"
    )


def _look(order_id: str) -> str:
    return f"see `aftersale ledger show {order_id}`"
