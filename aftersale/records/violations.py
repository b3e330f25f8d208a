"""The violations of shipments: kept once, with the messages that they owe; shown by merchant and order."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import bindparam, select

from aftersale.records.outbox_enqueue import enqueue_once
from aftersale.records.tables import put, violations
from aftersale.records.transactions import PAGE, Repository
from aftersale.vocabulary import Clock
from aftersale.watch.messages import Finding
from aftersale.watch.status import Violation

# Kept, since putting a statement together takes longer than executing it.
_CONTENT = select(violations.c.content).order_by(violations.c.breached_at, violations.c.violation_id)
_WANTED = {
    "merchant": violations.c.merchant_id == bindparam("merchant"),
    "order": violations.c.order_id == bindparam("order"),
    "clock": violations.c.clock == bindparam("clock"),
    "since": violations.c.breached_at > bindparam("since"),
}


class ViolationRepository(Repository):
    """Promises of dispatch that were broken, one row each."""

    def keep(self, finding: Finding, *, now: datetime | None = None) -> None:
        """Keep a violation as it stands now, and owe what has not been owed of it yet; repeatable."""
        now = now or datetime.now(UTC)
        with self._writing() as connection:
            put(connection, violations, _row(finding.violation))
            for place, message in enumerate(finding.messages):
                enqueue_once(connection, message, place, now)

    def find(
        self,
        *,
        merchant: str | None = None,
        order: str | None = None,
        clock: Clock | None = None,
        since: datetime | None = None,
        limit: int | None = PAGE,
    ) -> list[Violation]:
        """List violations in the order in which they took effect; those that turned out to be none say so.

        `since` leaves out what took effect at that instant or earlier.
        """
        asked = {"merchant": merchant, "order": order, "clock": clock, "since": since}
        given = {name: value for name, value in asked.items() if value is not None}
        query = _CONTENT.where(*(_WANTED[name] for name in given)).limit(limit)
        with self._reading() as connection:
            return [Violation.model_validate_json(row.content) for row in connection.execute(query, given)]


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
