"""The violations of shipments: kept once, with the messages that they owe; shown by merchant and order."""

from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection, Select, bindparam, select

from aftersale.records.outbox_enqueue import owe_once
from aftersale.records.tables import put, violations
from aftersale.vocabulary import Clock
from aftersale.watch.messages import Finding
from aftersale.watch.status import Violation

_WANTED = {
    "merchant": violations.c.merchant_id == bindparam("merchant"),
    "order": violations.c.order_id == bindparam("order"),
    "clock": violations.c.clock == bindparam("clock"),
    "since": violations.c.breached_at > bindparam("since"),
}


def keep(connection: Connection, finding: Finding, now: datetime) -> None:
    """Keep a violation as it stands now, and owe what has not been owed of it yet; repeatable."""
    put(connection, violations, _row(finding.violation))
    for place, message in enumerate(finding.messages):
        owe_once(connection, message, place, now)


def select_violations(
    connection: Connection,
    *,
    merchant: str | None,
    order: str | None,
    clock: Clock | None,
    limit: int | None,
    since: datetime | None,
) -> list[Violation]:
    """Violations in the order in which they took effect, those that turned out to be none among them."""
    asked = {"merchant": merchant, "order": order, "clock": clock, "since": since, "limit": limit}
    given = {name: value for name, value in asked.items() if value is not None}
    rows = connection.execute(_listing(tuple(given)), given)
    return [Violation.model_validate_json(row.content) for row in rows]


@cache
def _listing(given: tuple[str, ...]) -> Select[str]:
    """Kept, since putting it together takes longer than executing it."""
    query = select(violations.c.content).where(*(_WANTED[name] for name in given if name in _WANTED))
    query = query.order_by(violations.c.breached_at, violations.c.violation_id)
    return query.limit(bindparam("limit")) if "limit" in given else query


def _row(found: Violation) -> Mapping[str, Any]:
    return {
        "violation_id": found.violation_id,
        "shipment_id": found.shipment_id,
        "order_id": found.order_id,
        "merchant_id": found.merchant_id,
        "clock": found.clock,
        "tracking_no": found.tracking_no,
        "due_at": found.due_at,
        "breached_at": found.breached_at,
        "rules": " ".join(found.rules),
        "policy_version": found.policy_version,
        "counts_for_score": found.counts_for_score,
        "cleared_at": found.cleared_at,
        "claim_case_id": found.claim_case_id,
        "content": found.model_dump_json(),
    }
