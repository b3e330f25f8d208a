"""Chargebacks: a notice freezes the refunds of an order until it is lifted. Notices are kept for ever."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, bindparam, select, update

from aftersale.ledger.reservation import Chargeback
from aftersale.records.ledger.accounts import lock
from aftersale.records.ledger.tables import chargebacks
from aftersale.records.tables import put_new
from aftersale.times import local

# Kept, since putting a statement together takes longer than executing it.
_ALL = (
    select(chargebacks)
    .where(chargebacks.c.order_id == bindparam("order_id"))
    .order_by(chargebacks.c.frozen_at, chargebacks.c.reference)
)
_IN_FORCE = _ALL.where(chargebacks.c.lifted_at.is_(None))
_ONE = _ALL.where(chargebacks.c.reference == bindparam("reference"))


def freeze(connection: Connection, order_id: str, reference: str, reason: str, now: datetime) -> Chargeback:
    """Keep a notice; one that comes again, even after it was lifted, changes nothing."""
    told = Chargeback(order_id=order_id, reference=reference, reason=reason.replace("\0", ""), frozen_at=now)
    lock(connection, order_id)
    put_new(connection, chargebacks, told.model_dump())
    [notice] = _listed(connection, _ONE, order_id=order_id, reference=reference)
    return notice


def lift(connection: Connection, order_id: str, now: datetime) -> list[Chargeback]:
    """Lift the notices that freeze an order; those that did."""
    lock(connection, order_id)
    notices = freezing_notices(connection, order_id)
    in_force = (chargebacks.c.order_id == order_id) & chargebacks.c.lifted_at.is_(None)
    connection.execute(update(chargebacks).where(in_force).values(lifted_at=now))
    return [notice.model_copy(update={"lifted_at": now}) for notice in notices]


def freezing_notices(connection: Connection, order_id: str) -> list[Chargeback]:
    """The notices that freeze an order, the oldest first."""
    return _listed(connection, _IN_FORCE, order_id=order_id)


def refusal(connection: Connection, order_id: str) -> str | None:
    """Why no refund of an order is to be sent, and what to do; None where nothing freezes it."""
    notices = freezing_notices(connection, order_id)
    if not notices:
        return None
    named = ", ".join(f"{notice.reference} of {local(notice.frozen_at)} ({notice.reason})" for notice in notices)
    return (
        f"order {order_id} is frozen by chargeback {named}, so that nobody is paid twice; once it is decided for the "
        f"merchant, run `aftersale ledger lift {order_id}`, then retry the refund"
    )


def notices(connection: Connection, order_id: str) -> list[Chargeback]:
    """All notices of an order, the oldest first."""
    return _listed(connection, _ALL, order_id=order_id)


def _listed(connection: Connection, query: Select[Any], **given: str) -> list[Chargeback]:
    return [Chargeback(**row._mapping) for row in connection.execute(query, given)]
