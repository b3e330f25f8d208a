"""Reading an order's account: as it stands, or locked, so that nobody else moves its money meanwhile."""

from collections import defaultdict

from sqlalchemy import Connection, select, text

from aftersale.records.ledger.account import Account, Held, Line, Moved
from aftersale.records.ledger.tables import (
    allocations,
    instructions,
    order_lines,
    orders,
    reservations,
    reserved_lines,
    tenders,
)
from aftersale.records.tables import put_new


def lock(connection: Connection, order_id: str) -> None:
    """Let nobody else move an order's money until the transaction ends; one that is unknown is begun for it."""
    put_new(connection, orders, {"order_id": order_id})
    # SQLite has locked the whole file by now, and has no such words.
    connection.execute(select(orders.c.order_id).where(orders.c.order_id == order_id).with_for_update())


def locked(connection: Connection, order_id: str) -> Account:
    """The account of an order that is locked from now on."""
    lock(connection, order_id)
    found = account(connection, order_id)
    assert found is not None
    return found


def account(connection: Connection, order_id: str) -> Account | None:
    """The account of an order as it stands; None for an unknown one."""
    order = connection.execute(select(orders).where(orders.c.order_id == order_id)).one_or_none()
    if order is None:
        return None
    return Account(
        order_id=order_id,
        merchant_id=order.merchant_id,
        buyer_ref=order.buyer_ref,
        lines=_lines(connection, order_id),
        held=_held(connection, order_id),
        moved=_moved(connection, order_id),
    )


def steady(connection: Connection) -> None:
    """Let a transaction that has just begun read all as it stood then. SQLite does so anyway."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))


def _lines(connection: Connection, order_id: str) -> dict[str, Line]:
    paid_with: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for row in connection.execute(select(tenders).where(tenders.c.order_id == order_id)):
        paid_with[row.order_line_id][row.tender] = row.paid_minor
    rows = connection.execute(
        select(order_lines).where(order_lines.c.order_id == order_id).order_by(order_lines.c.order_line_id)
    )
    return {
        row.order_line_id: Line(row.quantity, row.paid_minor, row.currency, paid_with[row.order_line_id])
        for row in rows
    }


def _held(connection: Connection, order_id: str) -> dict[str, Held]:
    reserved: defaultdict[str, dict[str, int]] = defaultdict(dict)
    attempts: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for row in connection.execute(select(reserved_lines).where(reserved_lines.c.order_id == order_id)):
        reserved[row.case_id][row.order_line_id] = row.amount_minor
        attempts[row.case_id][row.order_line_id] = row.attempts
    rows = connection.execute(
        select(reservations).where(reservations.c.order_id == order_id).order_by(reservations.c.case_id)
    )
    return {
        row.case_id: Held(
            row.case_id, row.kind, row.reserved_at, row.closed_at, reserved[row.case_id], attempts[row.case_id]
        )
        for row in rows
    }


def _moved(connection: Connection, order_id: str) -> list[Moved]:
    columns = (
        instructions.c.case_id,
        instructions.c.purpose,
        instructions.c.state,
        allocations.c.order_line_id,
        allocations.c.tender,
        allocations.c.amount_minor,
    )
    query = select(*columns).join(allocations, allocations.c.key == instructions.c.key)
    return [Moved(*row) for row in connection.execute(query.where(instructions.c.order_id == order_id))]
