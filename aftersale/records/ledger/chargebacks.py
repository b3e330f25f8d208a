"""Chargebacks: a notice freezes the refunds of an order until it is lifted. Notices are kept for ever."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, bindparam, select, update

from aftersale.contract.idempotency import CONFLICT, conflict
from aftersale.errors import Refusal
from aftersale.ledger.reservation import Chargeback
from aftersale.records.ledger.accounts import lock
from aftersale.records.ledger.charged_back import tell_of_refunds
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

        One that comes again, even after it was lifted, changes nothing. Platform and merchant hear what was refunded
        of the order already. Raises Refusal (`idempotency_conflict`) where the reference was used for another notice of
        the order.
        """
        told = Chargeback(order_id=order_id, reference=reference, reason=reason.replace("\0", ""), frozen_at=now)
        with self._writing() as connection:
            lock(connection, order_id)
            is_new = put_new(connection, chargebacks, told.model_dump())
            [notice] = _listed(connection, _NOTICES.where(chargebacks.c.reference == reference), order_id)
            if not is_new and notice.reason not in (told.reason, ERASED):
                raise Refusal(CONFLICT, str(conflict("reference", f"{reference} ({notice.reason})")))
            tell_of_refunds(connection, order_id, notices_in_force(connection, order_id), now)
        return notice

    def lift(self, order_id: str, now: datetime) -> list[Chargeback]:
        """Lift the notices that freeze an order; return those that did."""
        in_force = (chargebacks.c.order_id == order_id) & chargebacks.c.lifted_at.is_(None)
        with self._writing() as connection:
            lock(connection, order_id)
            lifted = notices_in_force(connection, order_id)
            connection.execute(update(chargebacks).where(in_force).values(lifted_at=now))
        return [notice.model_copy(update={"lifted_at": now}) for notice in lifted]

    def bars_refunds(self, order_id: str) -> str | None:
        """Say why no refund of an order is to be sent now, and what to do; None where nothing freezes it."""
        with self._reading() as connection:
            return refusal(connection, order_id)


def refusal(connection: Connection, order_id: str, *, sent: bool = False) -> str | None:
    """Say why no refund of an order is to be sent, and what to do; None where nothing freezes it.

    One that was `sent` before waits for the lift by itself.
    """
    frozen = notices_in_force(connection, order_id)
    if not frozen:
        return None
    return (
        f"order {order_id} is frozen by chargeback {name_notices(frozen)}, so that nobody is paid twice; once it is "
        f"decided for the merchant, run `aftersale ledger lift {order_id}`{'' if sent else ', then retry the refund'}"
    )


def notices_in_force(connection: Connection, order_id: str) -> list[Chargeback]:
    """Return the notices that freeze an order, the oldest first."""
    return _listed(connection, _FREEZING, order_id)


def name_notices(notices: Sequence[Chargeback]) -> str:
    """Name notices: reference, instant and the bank's reason of each."""
    return ", ".join(f"{each.reference} of {local(each.frozen_at)} ({each.reason})" for each in notices)


def notices(connection: Connection, order_id: str) -> list[Chargeback]:
    """Return all notices of an order, the oldest first."""
    return _listed(connection, _NOTICES, order_id)


def _listed(connection: Connection, wanted: Select[Any], order_id: str) -> list[Chargeback]:
    return [Chargeback(**row._mapping) for row in connection.execute(wanted, {"order_id": order_id})]
