"""Proving the books: every rule that they must obey, asked of all orders at once. What breaks one is a difference."""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Connection, Select, and_, case, cast, func, or_, select

from aftersale.ledger.reports import DifferenceKind, LedgerDifference
from aftersale.records.ledger.tables import allocations, instructions, order_lines, reservations, tenders
from aftersale.records.tables import cases
from aftersale.vocabulary import RefundState

SUCCEEDED = instructions.c.state == RefundState.SUCCEEDED


def differences(connection: Connection) -> Iterator[LedgerDifference]:
    """Find what is wrong with the books in themselves, one rule after the other."""
    yield from _tenders_overpaid(connection)
    yield from _lines_overpaid(connection)
    yield from _orders_overpaid(connection)
    yield from _clawed_back_too_much(connection)
    yield from _not_allocated(connection)
    yield from _without_payment(connection)
    yield from _sharing_a_payment(connection)
    yield from _outliving_their_case(connection)


def total(amount: ColumnElement[int]) -> ColumnElement[int]:
    """Sum a column, 0 where there is none, as whole a number as its parts."""
    return cast(func.coalesce(func.sum(amount), 0), BigInteger)


def signed_amount(amount: ColumnElement[int]) -> ColumnElement[int]:
    """Return what an instruction's amount gives the buyer."""
    return case((instructions.c.purpose == "clawback", -amount), else_=amount)


# Never more to the buyer than the buyer paid


def _settled(*by: ColumnElement[Any]) -> Select[Any]:
    """Select what succeeded, net of clawbacks, by order and these."""
    net = total(signed_amount(allocations.c.amount_minor)).label("settled")
    grouped = (instructions.c.order_id, *by)
    return (
        select(*grouped, net)
        .join(allocations, allocations.c.key == instructions.c.key)
        .where(SUCCEEDED)
        .group_by(*grouped)
    )


def _tenders_overpaid(connection: Connection) -> Iterator[LedgerDifference]:
    settled = _settled(allocations.c.order_line_id, allocations.c.tender).subquery()
    same = and_(*(tenders.c[name] == settled.c[name] for name in ("order_id", "order_line_id", "tender")))
    paid = func.coalesce(tenders.c.paid_minor, 0).label("paid")
    query = select(settled, paid).outerjoin(tenders, same).where(settled.c.settled > paid)
    for row in connection.execute(query.order_by(*settled.c[:3])):
        yield LedgerDifference(
            kind=DifferenceKind.TENDER_OVERPAID,
            order_id=row.order_id,
            says=f"order {row.order_id}, line {row.order_line_id}: {row.settled} went back to {row.tender}, which paid "
            f"{row.paid}; {_look(row.order_id)}, and post the rest to the tender that it really went to",
        )


def _lines_overpaid(connection: Connection) -> Iterator[LedgerDifference]:
    settled = _settled(allocations.c.order_line_id).subquery()
    same = and_(*(order_lines.c[name] == settled.c[name] for name in ("order_id", "order_line_id")))
    paid = func.coalesce(order_lines.c.paid_minor, 0).label("paid")
    query = select(settled, paid).outerjoin(order_lines, same).where(settled.c.settled > paid)
    for row in connection.execute(query.order_by(*settled.c[:2])):
        yield LedgerDifference(
            kind=DifferenceKind.LINE_OVERPAID,
            order_id=row.order_id,
            says=f"order {row.order_id}, line {row.order_line_id}: {row.settled} was refunded, of {row.paid} paid; "
            f"{_look(row.order_id)}, and claw back what is too much",
        )


def _orders_overpaid(connection: Connection) -> Iterator[LedgerDifference]:
    """Compare the instructions' own amounts, so that nothing that was not allocated is overlooked."""
    net = total(signed_amount(instructions.c.amount_minor)).label("settled")
    given = select(instructions.c.order_id, net).where(SUCCEEDED).group_by(instructions.c.order_id).subquery()
    per_order = select(order_lines.c.order_id, total(order_lines.c.paid_minor).label("paid"))
    bought = per_order.group_by(order_lines.c.order_id).subquery()
    paid = func.coalesce(bought.c.paid, 0).label("paid")
    query = select(given, paid).outerjoin(bought, bought.c.order_id == given.c.order_id)
    for row in connection.execute(query.where(given.c.settled > paid).order_by(given.c.order_id)):
        yield LedgerDifference(
            kind=DifferenceKind.ORDER_OVERPAID,
            order_id=row.order_id,
            says=f"order {row.order_id}: {row.settled} was refunded, of {row.paid} paid; {_look(row.order_id)}, and "
            "claw back what is too much",
        )


def _clawed_back_too_much(connection: Connection) -> Iterator[LedgerDifference]:
    amount, purpose = instructions.c.amount_minor, instructions.c.purpose
    refunded = total(case((purpose == "refund", amount), else_=0)).label("refunded")
    back = total(case((purpose == "clawback", amount), else_=0)).label("back")
    grouped = (instructions.c.order_id, instructions.c.case_id)
    query = select(*grouped, refunded, back).where(SUCCEEDED).group_by(*grouped).having(back > refunded)
    for row in connection.execute(query.order_by(*grouped)):
        yield LedgerDifference(
            kind=DifferenceKind.CLAWED_BACK_TOO_MUCH,
            order_id=row.order_id,
            case_id=row.case_id,
            says=f"case {row.case_id}: {row.back} was clawed back, of {row.refunded} refunded; "
            f"{_look(row.order_id)}, and refund what is too much",
        )


# Every instruction spread to its last unit, and paid once


def _not_allocated(connection: Connection) -> Iterator[LedgerDifference]:
    """Pass over refunds that the ledger itself refused: they are spread over nothing."""
    spread, parts = total(allocations.c.amount_minor).label("spread"), func.count(allocations.c.key)
    live = or_(instructions.c.state != RefundState.FAILED, parts > 0)
    query = select(instructions, spread).outerjoin(allocations, allocations.c.key == instructions.c.key)
    query = query.group_by(instructions.c.key).having(and_(spread != instructions.c.amount_minor, live))
    for row in connection.execute(query.order_by(instructions.c.key)):
        yield of_instruction(
            row,
            DifferenceKind.NOT_ALLOCATED,
            f"{row.amount_minor} was instructed, but {row.spread} is allocated; find out which lines and tenders it "
            "went to, and allocate all of it",
        )


def _without_payment(connection: Connection) -> Iterator[LedgerDifference]:
    unpaid = func.coalesce(instructions.c.provider_ref, "") == ""
    for row in connection.execute(select(instructions).where(SUCCEEDED, unpaid).order_by(instructions.c.key)):
        yield of_instruction(
            row,
            DifferenceKind.NO_PAYMENT,
            f"{row.amount_minor} {row.currency} counts as settled, by 0 payments; ask the payment service what it "
            "holds under the key, and enter its reference",
        )


def _sharing_a_payment(connection: Connection) -> Iterator[LedgerDifference]:
    reference = instructions.c.provider_ref
    shared = select(reference).where(SUCCEEDED, reference != "").group_by(reference).having(func.count() > 1)
    query = select(instructions).where(SUCCEEDED, reference.in_(shared)).order_by(reference, instructions.c.key)
    sharers: defaultdict[str, list[Any]] = defaultdict(list)
    for row in connection.execute(query):
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


def _outliving_their_case(connection: Connection) -> Iterator[LedgerDifference]:
    query = select(reservations, cases.c.state).join(cases, cases.c.case_id == reservations.c.case_id)
    outliving = query.where(reservations.c.closed_at.is_(None), cases.c.is_final)
    for row in connection.execute(outliving.order_by(reservations.c.case_id)):
        yield LedgerDifference(
            kind=DifferenceKind.RESERVATION_OUTLIVES_CASE,
            order_id=row.order_id,
            case_id=row.case_id,
            says=f"case {row.case_id} is {row.state.words}, yet holds money of order {row.order_id}; run `aftersale "
            f"ledger release {row.case_id}`",
        )


def of_instruction(row: Any, kind: DifferenceKind, says: str) -> LedgerDifference:
    """Make a difference about an instruction, or about a payment under its key."""
    return LedgerDifference(
        kind=kind, order_id=row.order_id, case_id=row.case_id, key=row.key, says=f"instruction {row.key}: {says}"
    )


def _look(order_id: str) -> str:
    return f"see `aftersale ledger show {order_id}`"
