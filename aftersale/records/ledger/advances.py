"""Advances: what the platform pays before it is owed, in bounds that hold over all cases of an order and a buyer."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, func, select

from aftersale.guarantees.advance_limits import advance_refused
from aftersale.ledger.reservation import ADVANCED, Instructed
from aftersale.money import Currency, Money, RefundInstruction
from aftersale.policy.service_terms import Advance
from aftersale.records.ledger.instructions import keep
from aftersale.records.ledger.tables import instructions, orders, reservations
from aftersale.records.tables import Found
from aftersale.records.transactions import Repository
from aftersale.vocabulary import RefundState


class Advances(Repository):
    """What the platform pays ahead."""

    def advance(
        self, bounds: Advance | None, instruction: RefundInstruction, now: datetime, attempt: int = 1
    ) -> Instructed:
        """Keep, before it is sent, that the platform pays a refund ahead; beyond the bounds it is declined.

        They bound what the platform is out of pocket: advances of open cases, and those that could not be taken back.
        Of several for one buyer that come at once, one is judged after the other. Raises as `instruct`.
        """
        with self._writing() as connection:
            _lock_buyer(connection, instruction.buyer_ref)
            return keep(
                connection, instruction, "refund", now, lambda: _refusal(connection, bounds, instruction), attempt
            )


def _refusal(connection: Connection, bounds: Advance | None, instruction: RefundInstruction) -> str | None:
    """Return why an advance is beyond the bounds; None where it is within."""
    amount = Money(amount_minor=instruction.amount_minor, currency=instruction.currency)
    return advance_refused(
        bounds,
        amount,
        on_order_minor=_outstanding(connection, amount.currency, instructions.c.order_id == instruction.order_id),
        to_buyer_minor=_outstanding(connection, amount.currency, orders.c.buyer_ref == instruction.buyer_ref),
    )


def _lock_buyer(connection: Connection, buyer_ref: str) -> None:
    """Take the buyer's advisory lock until the transaction ends. SQLite has locked the whole file by now."""
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(func.hashtext(f"advance/{buyer_ref}"))))


@dataclass
class _Case:
    """What one case was advanced, got back, and was to give back."""

    open: bool
    advanced: int = 0
    back: int = 0
    wanted: list[int] = field(default_factory=list)

    def add(self, row: Found) -> None:
        if row.purpose == "clawback":
            self.wanted.append(row.amount_minor)
            self.back += row.amount_minor if row.state is RefundState.SUCCEEDED else 0
        elif row.state is not RefundState.FAILED:
            self.advanced += row.amount_minor

    @property
    def outstanding(self) -> int:
        """Return the advance of an open case; of a closed one, what it should have got back and did not."""
        return max(0, (self.advanced if self.open else max(self.wanted, default=0)) - self.back)


def _outstanding(connection: Connection, currency: Currency, of: ColumnElement[bool]) -> int:
    """Sum up what the platform has advanced of something and did not get back, in minor units."""
    query = (
        select(instructions, reservations.c.closed_at)
        .join(reservations, reservations.c.case_id == instructions.c.case_id)
        .join(orders, orders.c.order_id == instructions.c.order_id)
        .where(of, instructions.c.payer == ADVANCED, instructions.c.currency == currency)
    )
    return sum(case.outstanding for case in _by_case(connection.execute(query)))


def _by_case(rows: Iterable[Found]) -> Iterable[_Case]:
    found: dict[str, _Case] = {}
    for row in rows:
        found.setdefault(row.case_id, _Case(open=row.closed_at is None)).add(row)
    return found.values()
