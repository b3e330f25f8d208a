"""Reports: the account of one order for operators, the proof of all, and every posting for accountants."""

from collections.abc import Iterable, Iterator
from typing import Any

from sqlalchemy import Connection, Select, case, func, select

from aftersale.ledger.account import Account
from aftersale.ledger.reports import (
    CaseBooks,
    InstructionBooks,
    LedgerDifference,
    LineBooks,
    OrderBooks,
    Posting,
    ProviderPayment,
)
from aftersale.records.ledger.accounts import account, steady
from aftersale.records.ledger.chargebacks import notices
from aftersale.records.ledger.integrity import differences
from aftersale.records.ledger.statement import compare
from aftersale.records.ledger.tables import allocations, attempts, instructions, orders, reservations
from aftersale.records.transactions import Repository

_AT_A_TIME = 1000
"""How many postings are read at a time."""


class Reports(Repository):
    """What the books say, as they stood at one moment."""

    def order_books(self, order_id: str) -> OrderBooks | None:
        """Return the account of an order; None for one that the ledger does not know."""
        with self._reading() as connection:
            steady(connection)
            return _order_books(connection, order_id)

    def check(self, statement: Iterable[ProviderPayment] | None = None) -> list[LedgerDifference]:
        """Return what is wrong with the books of all orders, and where they differ from a payment service's statement.

        A statement holds all that the service ever paid. Asks much at once of a large database: open the records with
        the patience for it.
        """
        with self._reading() as connection:
            steady(connection)
            found = list(differences(connection))
            return found if statement is None else found + list(compare(connection, statement))

    def export(self) -> Iterator[Posting]:
        """Return every posting as of now, order by order, read from the database as it is asked for."""
        with self._reading() as connection:
            steady(connection)
            with connection.execution_options(yield_per=_AT_A_TIME).execute(_posted()) as rows:
                for row in rows:
                    yield Posting.model_construct(**row._mapping)


def _order_books(connection: Connection, order_id: str) -> OrderBooks | None:
    """Return the account of an order; None for an unknown one."""
    found = account(connection, order_id)
    if found is None:
        return None
    return OrderBooks(
        order_id=order_id,
        merchant_id=found.merchant_id,
        lines=tuple(_line(found, order_line_id) for order_line_id in found.lines),
        cases=tuple(_case(found, case_id) for case_id in found.held),
        instructions=tuple(_instructions(connection, order_id)),
        chargebacks=tuple(notices(connection, order_id)),
    )


def _line(found: Account, order_line_id: str) -> LineBooks:
    line = found.lines[order_line_id]
    taken = sum(found.amounts_by_case(order_line_id).values())
    processing, settled = found.on_its_way(order_line_id), found.settled_amount(order_line_id)
    return LineBooks(
        order_line_id=order_line_id,
        quantity=line.quantity,
        currency=line.currency,
        paid_minor=line.paid,
        reserved_minor=taken - processing - settled,
        processing_minor=processing,
        settled_minor=settled,
        left_minor=line.paid - taken,
        attempts=found.attempts(order_line_id),
        tenders_left=found.left_of(order_line_id),
    )


def _case(found: Account, case_id: str) -> CaseBooks:
    held = found.held[case_id]
    return CaseBooks(
        case_id=case_id,
        kind=held.kind,
        reserved_at=held.reserved_at,
        closed_at=held.closed_at,
        reserved_minor=sum(held.reserved.values()),
        given_minor=sum(found.given(case_id).values()),
    )


def _instructions(connection: Connection, order_id: str) -> Iterator[InstructionBooks]:
    made = select(func.count()).where(attempts.c.key == instructions.c.key).scalar_subquery().label("attempts")
    columns = [instructions.c[name] for name in InstructionBooks.model_fields if name != "attempts"]
    query = select(*columns, made).where(instructions.c.order_id == order_id)
    for row in connection.execute(query.order_by(instructions.c.instructed_at, instructions.c.key)):
        yield InstructionBooks(**row._mapping)


def _posted() -> Select[Any]:
    amount = func.coalesce(allocations.c.amount_minor, instructions.c.amount_minor)
    columns: dict[str, Any] = {
        **{name: instructions.c[name] for name in ("order_id", "case_id", "key", "n", "purpose", "state", "currency")},
        **{name: instructions.c[name] for name in ("instructed_at", "settled_at", "provider_ref")},
        "order_line_id": allocations.c.order_line_id,
        "tender": allocations.c.tender,
        "kind": reservations.c.kind,
        "amount_minor": case((instructions.c.purpose == "clawback", -amount), else_=amount),
        "paid_to": instructions.c.tender,
        "payer": instructions.c.payer,
        "merchant_id": orders.c.merchant_id,
    }
    return (
        select(*(columns[name].label(name) for name in Posting.model_fields))
        .select_from(instructions)
        .outerjoin(allocations, allocations.c.key == instructions.c.key)
        .outerjoin(reservations, reservations.c.case_id == instructions.c.case_id)
        .outerjoin(orders, orders.c.order_id == instructions.c.order_id)
        .order_by(
            instructions.c.order_id,
            instructions.c.instructed_at,
            instructions.c.key,
            allocations.c.order_line_id,
            allocations.c.tender,
        )
    )
