"""Reconciliation in the records: what it reads of outbox and ledger, turns that close, discrepancies kept once."""

from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import datetime
from operator import methodcaller
from typing import Any

from sqlalchemy import Connection, func, or_, select, update

from aftersale.case.turn import Turn
from aftersale.contract.status import Instruction, Status
from aftersale.reconciliation.discrepancies import Discrepancy, RecordedDiscrepancy
from aftersale.reconciliation.judgement import PACE, UNDELIVERED, ListedCase, OutboxLag, UndecidedRefund
from aftersale.records.ledger.tables import instructions, reservations
from aftersale.records.outbox_enqueue import enqueue_once
from aftersale.records.tables import Found, cases, discrepancies, outbox, put
from aftersale.records.transactions import Repository
from aftersale.records.turns import append_turn
from aftersale.vocabulary import DiscrepancyKind, RefundState

Draw = Callable[[Turn, Status, Sequence[Instruction]], Turn]
"""How a closing turn is drawn: of the last turn on file, the record so far, and what the ledger has of the case."""

_STANDING = discrepancies.c.settled_at.is_(None)


class ReconciliationRepository(Repository):
    """What does not agree, and what is read to find that out."""

    def keep(self, kinds: Collection[DiscrepancyKind], found: Sequence[Discrepancy], now: datetime) -> list[str]:
        """Keep all that was found of some kinds, and alert the platform to what is new; return the ids of that.

        One that stood before is told no second time; one of these kinds that is not found any more is settled, and
        new should it come again.
        """
        given = {each.discrepancy_id: each for each in found}
        with self._writing() as connection:
            of_kinds = discrepancies.c.kind.in_(list(kinds))
            known = {row.discrepancy_id: row for row in connection.execute(select(discrepancies).where(of_kinds))}
            gone = [id_ for id_, row in known.items() if row.settled_at is None and id_ not in given]
            if gone:
                settled = discrepancies.c.discrepancy_id.in_(gone)
                connection.execute(update(discrepancies).where(settled).values(settled_at=now))
            return [id_ for id_, each in given.items() if _keep(connection, each, known.get(id_), now)]

    def open_discrepancies(self) -> list[RecordedDiscrepancy]:
        """Return the discrepancies that stand, those that were found first before the others."""
        columns = [discrepancies.c[name] for name in RecordedDiscrepancy.model_fields]
        order = (discrepancies.c.found_at, discrepancies.c.discrepancy_id)
        with self._reading() as connection:
            rows = connection.execute(select(*columns).where(_STANDING).order_by(*order))
            return [RecordedDiscrepancy(**row._mapping) for row in rows]

    def add_closing_turn(self, case_id: str, message_id: str, draw: Draw, now: datetime) -> None:
        """Add a turn that closes a case, drawn with what the ledger has of it, unless it is on file.

        Raises what `draw` raises, BadInput for a case that the records do not know.
        """
        with self._writing() as connection:
            instructed = list(_instructions(connection, case_id))
            append_turn(
                connection,
                case_id,
                methodcaller("entry_owing", message_id),
                lambda last, record: draw(last, record, instructed),
                now,
            )

    # What is read

    def unrecorded_cases(self, before: datetime) -> list[ListedCase]:
        """Return cases that have held money since before that instant, and of which the records have no turn."""
        wanted = select(reservations.c.case_id, reservations.c.order_id).outerjoin(
            cases, cases.c.case_id == reservations.c.case_id
        )
        old = (reservations.c.closed_at.is_(None), cases.c.case_id.is_(None), reservations.c.reserved_at < before)
        with self._reading() as connection:
            rows = connection.execute(wanted.where(*old).order_by(reservations.c.case_id))
            return [ListedCase(row.case_id, row.order_id) for row in rows]

    def undecided_refunds(self) -> list[UndecidedRefund]:
        """Return instructions that are on their way for cases that are over."""
        names = ("key", "case_id", "order_id", "amount_minor", "currency", "instructed_at")
        query = select(*(instructions.c[name] for name in names)).join(cases, cases.c.case_id == instructions.c.case_id)
        wanted = (instructions.c.state == RefundState.PROCESSING, cases.c.is_final)
        with self._reading() as connection:
            rows = connection.execute(query.where(*wanted).order_by(instructions.c.key))
            return [UndecidedRefund(**row._mapping) for row in rows]

    def waiting_messages(self, now: datetime) -> list[OutboxLag]:
        """Return, by party, the messages that have been due for longer than their pace, and are in nobody's hands."""
        free = or_(outbox.c.leased_until.is_(None), outbox.c.leased_until <= now)
        return self._lags(outbox.c.next_try_at, outbox.c.next_try_at <= now - PACE, free)

    def undelivered_messages(self, now: datetime) -> list[OutboxLag]:
        """Return, by party, the messages that were tried, and are not delivered a day after they were owed."""
        return self._lags(outbox.c.created_at, outbox.c.created_at <= now - UNDELIVERED, outbox.c.last_error != "")

    def _lags(self, since: Any, *wanted: Any) -> list[OutboxLag]:
        columns = (func.count().label("messages"), func.min(since).label("since"))
        query = select(outbox.c.party, *columns, func.max(outbox.c.last_error).label("error"))
        query = query.where(outbox.c.state == "pending", *wanted).group_by(outbox.c.party).order_by(outbox.c.party)
        with self._reading() as connection:
            return [OutboxLag(**row._mapping) for row in connection.execute(query)]

    def settled_since(self, instant: datetime) -> set[str]:
        """Return the keys that were settled at that instant or later: an older statement cannot hold them."""
        query = select(instructions.c.key).where(instructions.c.settled_at >= instant)
        with self._reading() as connection:
            return set(connection.execute(query).scalars())


def _keep(connection: Connection, found: Discrepancy, known: Found | None, now: datetime) -> bool:
    """Keep a discrepancy as it is found now; whether it is new, and the platform alerted to it."""
    stands = known is not None and known.settled_at is None
    times = known.times + (not stands) if known else 1
    row = {**found.model_dump(), "discrepancy_id": found.discrepancy_id, "times": times, "settled_at": None}
    put(connection, discrepancies, {**row, "found_at": known.found_at if known and stands else now})
    if not stands:
        enqueue_once(connection, found.alert(times), 0, now)
    return not stands


def _instructions(connection: Connection, case_id: str) -> Iterator[Instruction]:
    names = [name for name in Instruction.model_fields if name != "status"]
    query = select(*(instructions.c[name] for name in names), instructions.c.state.label("status"))
    order = (instructions.c.instructed_at, instructions.c.key)
    for row in connection.execute(query.where(instructions.c.case_id == case_id).order_by(*order)):
        yield Instruction(**row._mapping)
