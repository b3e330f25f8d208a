"""Erase a buyer: reference and free text go from every table; sums, ids, instants and digests stay."""

import json
import secrets
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Table, bindparam, func, insert, select, update

from aftersale.errors import BadInput, Problem
from aftersale.ledger.reports import Erasure, digest
from aftersale.records.ledger.tables import chargebacks, erasures, instructions, orders, reservations
from aftersale.records.tables import cases, deliveries, discrepancies, outbox, turns
from aftersale.records.transactions import Repository
from aftersale.vocabulary import RefundState

ERASED = "erased"
"""What stands where something was erased: a fine reference, too, so that what it stood in can still be read."""

FREE_TEXT = frozenset({"says", "message", "reason", "field", "note", "text", "fingerprint"})
"""Fields that hold words of a party, or of a service about one, or a digest by which guessed words could be proved."""

KEPT = frozenset(
    {
        "agreed_limits",
        "because",
        "buyer_ref",
        "carrier",
        "case_id",
        "categories",
        "close_reason",
        "code",
        "commands",
        "corrects",
        "currency",
        "discrepancy_id",
        "dispatch_promise",
        "event",
        "extensions",
        "held",
        "key",
        "labels",
        "limit",
        "merchant_id",
        "message_id",
        "order_id",
        "order_line_id",
        "payer",
        "policy_version",
        "provider_ref",
        "reason_code",
        "recipient",
        "region",
        "request_id",
        "rules",
        "run_id",
        "shipment_id",
        "shop_type",
        "tender",
    }
)
"""Fields of text that stay: keys, references but the buyer's own, words of vocabularies, clauses, the facts of rules.

A test holds both sets together complete.
"""

_NAMED = 20
"""How many ids a refusal names."""


class Erasures(Repository):
    """Buyers whose references and words are gone for ever."""

    def erase(self, buyer_ref: str, now: datetime) -> Erasure:
        """Erase a buyer's reference, and all free text of its cases, from the ledger and the records, for ever.

        Sums, ids and instants stay, so that the books still add up. Raises BadInput while a case of the buyer is open,
        its money on its way, or a message about it unsent.
        """
        with self._writing() as connection:
            order_ids = _orders_of(connection, buyer_ref)
            case_ids = _cases_of(connection, buyer_ref, order_ids)
            problems = list(_under_way(connection, case_ids))
            if problems:
                raise BadInput(problems)
            erasure = _erasure(connection, buyer_ref, case_ids, order_ids, now)
            _blank(connection, turns, case_ids, buyer_ref)
            _blank(connection, outbox, case_ids, buyer_ref)
            _clear(connection, case_ids, order_ids)
            connection.execute(insert(erasures), erasure.model_dump())
        with self._reading() as connection:
            _truncate_wal(connection)
        return erasure


def _truncate_wal(connection: Connection) -> None:
    """Have SQLite drop its WAL, in which the erased words still stand, unless someone reads from it just now.

    PostgreSQL drops old versions of rows when it vacuums.
    """
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")


def _orders_of(connection: Connection, buyer_ref: str) -> list[str]:
    """Lock the buyer's orders, and return their ids: no case opens on them meanwhile."""
    query = select(orders.c.order_id).where(orders.c.buyer_ref == buyer_ref).order_by(orders.c.order_id)
    return list(connection.execute(query.with_for_update()).scalars())


def _cases_of(connection: Connection, buyer_ref: str, order_ids: Sequence[str]) -> list[str]:
    """Return the buyer's cases, those without an order in the ledger included: they are older, or were refused."""
    written = select(cases.c.case_id).where(cases.c.buyer_ref == buyer_ref)
    held = select(reservations.c.case_id).where(reservations.c.order_id.in_(order_ids))
    return sorted(connection.execute(written.union(held)).scalars())


def _under_way(connection: Connection, case_ids: Sequence[str]) -> Iterator[Problem]:
    """List what speaks against erasing now: it would be written again, or someone would be left with half a message."""
    open_ = select(cases.c.case_id).where(cases.c.case_id.in_(case_ids), cases.c.is_final.is_(False))
    held = select(reservations.c.case_id).where(
        reservations.c.case_id.in_(case_ids), reservations.c.closed_at.is_(None)
    )
    if found := sorted(connection.execute(open_.union(held)).scalars()):
        yield _problem("case_open", f"has cases that are open, {_listed(found)}; erase when they are closed")
    paying = instructions.c.case_id.in_(case_ids) & (instructions.c.state == RefundState.PROCESSING)
    if found := sorted(connection.execute(select(instructions.c.key).where(paying)).scalars()):
        yield _problem("payment_pending", f"has money on its way, {_listed(found)}; erase when it is settled")
    waiting = outbox.c.case_id.in_(case_ids) & (outbox.c.state == "pending")
    if found := sorted(connection.execute(select(outbox.c.message_id).where(waiting)).scalars()):
        yield _problem("message_pending", f"has messages that wait to be sent, {_listed(found)}; erase when they are")


def _problem(code: str, message: str) -> Problem:
    return Problem(code=code, field="buyer", message=message)


def _listed(ids: Sequence[str]) -> str:
    more = f" and {len(ids) - _NAMED} more" if len(ids) > _NAMED else ""
    return ", ".join(ids[:_NAMED]) + more


def _erasure(
    connection: Connection, buyer_ref: str, case_ids: Sequence[str], order_ids: Sequence[str], now: datetime
) -> Erasure:
    closed = select(func.max(cases.c.updated_at)).where(cases.c.case_id.in_(case_ids))
    salt = secrets.token_hex(16)
    return Erasure(
        digest=digest(salt, buyer_ref),
        salt=salt,
        cases=len(case_ids),
        orders=len(order_ids),
        last_closed_at=connection.execute(closed).scalar_one(),
        erased_at=now,
    )


def _blank(connection: Connection, table: Table, case_ids: Sequence[str], buyer_ref: str) -> None:
    """Blank what a table holds of these cases as JSON, void rows too. A turn keeps the digest of what it once said."""
    keys = list(table.primary_key)
    rows = connection.execute(select(*keys, table.c.content).where(table.c.case_id.in_(case_ids))).all()
    blank = [
        {**{f"its_{key.name}": row._mapping[key] for key in keys}, "blank": _blanked(row.content, buyer_ref)}
        for row in rows
    ]
    if blank:
        this = [key == bindparam(f"its_{key.name}") for key in keys]
        connection.execute(update(table).where(*this).values(content=bindparam("blank")), blank)


def _blanked(content: str, buyer_ref: str) -> str:
    return json.dumps(without_words(json.loads(content), buyer_ref), ensure_ascii=False, separators=(",", ":"))


def without_words(written: Any, buyer_ref: str) -> Any:
    """Return what was written without free text and without the reference, wherever that stands by itself."""
    if isinstance(written, dict):
        return {
            name: ERASED if _tells(name, value) else without_words(value, buyer_ref) for name, value in written.items()
        }
    if isinstance(written, list):
        return [without_words(each, buyer_ref) for each in written]
    return ERASED if written == buyer_ref else written


def _tells(name: str, value: Any) -> bool:
    return name in FREE_TEXT and isinstance(value, str) and value != ""


def _clear(connection: Connection, case_ids: Sequence[str], order_ids: Sequence[str]) -> None:
    """Clear the columns that hold the reference, or words."""
    of_cases = select(outbox.c.message_id).where(outbox.c.case_id.in_(case_ids))
    failed: Any = deliveries.c.message_id.in_(of_cases) & deliveries.c.last_error.is_not(None)
    connection.execute(update(cases).where(cases.c.case_id.in_(case_ids)).values(buyer_ref=None))
    connection.execute(update(outbox).where(outbox.c.case_id.in_(case_ids)).values(together=None, last_error=None))
    connection.execute(update(deliveries).where(failed).values(last_error=ERASED))
    connection.execute(update(discrepancies).where(discrepancies.c.case_id.in_(case_ids)).values(says=ERASED))
    connection.execute(update(orders).where(orders.c.order_id.in_(order_ids)).values(buyer_ref=None))
    explained = instructions.c.case_id.in_(case_ids) & instructions.c.reason.is_not(None)
    connection.execute(update(instructions).where(explained).values(reason=ERASED))
    connection.execute(update(chargebacks).where(chargebacks.c.order_id.in_(order_ids)).values(reason=ERASED))
