"""Chargebacks: a notice freezes the refunds of an order until it is lifted. Notices are kept for ever."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, bindparam, select, update

from aftersale.contract.idempotency import CONFLICT, conflict
from aftersale.errors import Refusal
from aftersale.ledger.reservation import Chargeback
from aftersale.records.ledger.accounts import lock
from aftersale.records.ledger.erasure import ERASED
from aftersale.records.ledger.tables import chargebacks
from aftersale.records.tables import put_new
from aftersale.records.transactions import Repository
from aftersale.times import local

# Kept, since putting a statement together takes longer than executing it.
_NOTICES = (
    select(chargebacks)
    .where(chargebacks.c.order_id == bindparam("order_id"))
    .order_by(chargebacks.c.frozen_at, chargebacks.c.reference)
)
_FREEZING = _NOTICES.where(chargebacks.c.lifted_at.is_(None))


class Chargebacks(Repository):
    """Notices that a buyer's bank has the money back."""

    def freeze(self, order_id: str, reference: str, reason: str, now: datetime) -> Chargeback:
        """Pay no refund of an order while a chargeback is undecided; return the notice as it is kept.

        One that comes again, even after it was lifted, changes nothing. Raises Refusal (`idempotency_conflict`) where
        the reference was used for another notice of the order.
        """
        told = Chargeback(order_id=order_id, reference=reference, reason=reason.replace("\0", ""), frozen_at=now)
        with self._writing() as connection:
            lock(connection, order_id)
            is_new = put_new(connection, chargebacks, told.model_dump())
            [notice] = _listed(connection, _NOTICES.where(chargebacks.c.reference == reference), order_id)
            if not is_new and notice.reason not in (told.reason, ERASED):
                raise Refusal(CONFLICT, str(conflict("reference", f"{reference} ({notice.reason})")))
        return notice

    def lift(self, order_id: str, now: datetime) -> list[Chargeback]:
        """Lift the notices that freeze an order; return those that did."""
        in_force = (chargebacks.c.order_id == order_id) & chargebacks.c.lifted_at.is_(None)
        with self._writing() as connection:
            lock(connection, order_id)
            lifted = _listed(connection, _FREEZING, order_id)
            connection.execute(update(chargebacks).where(in_force).values(lifted_at=now))
        return [notice.model_copy(update={"lifted_at": now}) for notice in lifted]


def refusal(connection: Connection, order_id: str) -> str | None:
    """Say why no refund of an order is to be sent, and what to do; None where nothing freezes it."""
    freezing = _listed(connection, _FREEZING, order_id)
    if not freezing:
        return None
    named = ", ".join(f"{notice.reference} of {local(notice.frozen_at)} ({notice.reason})" for notice in freezing)
    return (
        f"order {order_id} is frozen by chargeback {named}, so that nobody is paid twice; once it is decided for the "
        f"merchant, run `aftersale ledger lift {order_id}`, then retry the refund"
    )


def notices(connection: Connection, order_id: str) -> list[Chargeback]:
    """Return all notices of an order, the oldest first."""
    return _listed(connection, _NOTICES, order_id)


def _listed(connection: Connection, wanted: Select[Any], order_id: str) -> list[Chargeback]:
    return [Chargeback(**row._mapping) for row in connection.execute(wanted, {"order_id": order_id})]
