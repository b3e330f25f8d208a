"""Read an order's account: as it stands, or locked, so that nobody else moves its money meanwhile."""

from collections import defaultdict

from sqlalchemy import BindParameter, Connection, bindparam, select, text

from aftersale.ledger.account import Account, Held, Line, Moved
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

# Kept, since putting a statement together takes longer than executing it.
_ORDER_ID: BindParameter[str] = bindparam("order_id")
_ORDER = select(orders).where(orders.c.order_id == _ORDER_ID)
_LOCKED = select(orders.c.order_id).where(orders.c.order_id == _ORDER_ID).with_for_update()
_TENDERS = select(tenders).where(tenders.c.order_id == _ORDER_ID)
_LINES = select(order_lines).where(order_lines.c.order_id == _ORDER_ID).order_by(order_lines.c.order_line_id)
_RESERVED = select(reserved_lines).where(reserved_lines.c.order_id == _ORDER_ID)
_RESERVATIONS = select(reservations).where(reservations.c.order_id == _ORDER_ID).order_by(reservations.c.case_id)
_MOVED = (
    select(
        instructions.c.case_id,
        instructions.c.purpose,
        instructions.c.state,
        allocations.c.order_line_id,
        allocations.c.tender,
        allocations.c.amount_minor,
    )
    .join(allocations, allocations.c.key == instructions.c.key)
    .where(instructions.c.order_id == _ORDER_ID)
)


def lock(connection: Connection, order_id: str) -> None:
    """Lock an order's row until the transaction ends, so that nobody else moves its money; make it if there is none."""
    put_new(connection, orders, {"order_id": order_id})
    # SQLite has locked the whole file by now, and has no such words.
    connection.execute(_LOCKED, {"order_id": order_id})


def lock_account(connection: Connection, order_id: str) -> Account:
    """Lock an order, and return its account."""
    lock(connection, order_id)
    found = account(connection, order_id)
    assert found is not None
    return found


def account(connection: Connection, order_id: str) -> Account | None:
    """Return the account of an order as it stands; None for an unknown one."""
    order = connection.execute(_ORDER, {"order_id": order_id}).one_or_none()
    if order is None:
        return None
    return Account(
        order_id=order_id,
        merchant_id=order.merchant_id,
        buyer_ref=order.buyer_ref,
        lines=_lines(connection, order_id),
        held=_held(connection, order_id),
        moved=[Moved(*row) for row in connection.execute(_MOVED, {"order_id": order_id})],
    )


def steady(connection: Connection) -> None:
    """Let a transaction that has just begun read all as it stood then: REPEATABLE READ. SQLite does so anyway."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))


def _lines(connection: Connection, order_id: str) -> dict[str, Line]:
    paid_with: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for row in connection.execute(_TENDERS, {"order_id": order_id}):
        paid_with[row.order_line_id][row.tender] = row.paid_minor
    rows = connection.execute(_LINES, {"order_id": order_id})
    return {
        row.order_line_id: Line(row.quantity, row.paid_minor, row.currency, paid_with[row.order_line_id])
        for row in rows
    }


def _held(connection: Connection, order_id: str) -> dict[str, Held]:
    reserved: defaultdict[str, dict[str, int]] = defaultdict(dict)
    attempts: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for row in connection.execute(_RESERVED, {"order_id": order_id}):
        reserved[row.case_id][row.order_line_id] = row.amount_minor
        attempts[row.case_id][row.order_line_id] = row.attempts
    rows = connection.execute(_RESERVATIONS, {"order_id": order_id})
    return {
        row.case_id: Held(
            row.case_id, row.kind, row.reserved_at, row.closed_at, reserved[row.case_id], attempts[row.case_id]
        )
        for row in rows
    }
