"""Reconcile: read Temporal, records, outbox and ledger, keep what does not agree, and close what Temporal ended.

All of it is safe to repeat: a discrepancy is kept once, and a case is closed once.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from operator import methodcaller
from pathlib import Path
from typing import Any, TypeVar

from temporalio import activity
from temporalio.client import Client

from activities import present
from activities.executions import Executions
from activities.heartbeat import send_heartbeats
from aftersale.errors import BadInput
from aftersale.ledger.reports import DifferenceKind, LedgerDifference, ProviderPayment, read_payments
from aftersale.reconciliation.closing import closing_turn, recorded_end
from aftersale.reconciliation.discrepancies import Discrepancy, Reconciled, ReconciliationPart
from aftersale.reconciliation.judgement import (
    OVERDUE,
    Execution,
    ExecutionState,
    ListedCase,
    condense,
    judge_deadline,
    judge_difference,
    judge_execution,
    judge_refund,
    judge_stuck,
    judge_undelivered,
    judge_waiting,
    unreadable_statement,
)
from aftersale.records import CaseLine, Place, Records
from aftersale.times import floor
from aftersale.vocabulary import DiscrepancyKind

T = TypeVar("T")

OF_CASES = (
    DiscrepancyKind.CASE_TERMINATED,
    DiscrepancyKind.CASE_FORGOTTEN,
    DiscrepancyKind.END_UNRECORDED,
    DiscrepancyKind.WORKFLOW_STUCK,
    DiscrepancyKind.CASE_OVERDUE,
)
OF_MESSAGES = (DiscrepancyKind.OUTBOX_BEHIND, DiscrepancyKind.MESSAGES_UNDELIVERED)
OF_MONEY = (DiscrepancyKind.REFUND_UNDECIDED, DiscrepancyKind.LEDGER_DIFFERS)
OF_STATEMENT = (DiscrepancyKind.STATEMENT_UNREADABLE, DiscrepancyKind.STATEMENT_DIFFERS)

_READ = 1000
"""How many open cases are read at a time."""

_PATIENCE = 600.0
"""Seconds that an answer over all orders may take."""

_SLACK = timedelta(hours=1)
"""How long before it was written a statement may have been drawn up."""

_LOG = logging.getLogger("aftersale.reconciliation")


class Reconciling:
    """Reconciliation as activities, each about one part of it."""

    def __init__(self, client: Client, records: Records, statement: Path | None) -> None:
        """Ask the server by this client, and hold the ledger against `statement` where it is given.

        That is a file of JSON Lines with all that the payment service ever paid, which somebody else keeps fresh.
        """
        self._executions, self._records, self._statement = Executions(client), records, statement

    @property
    def activities(self) -> Sequence[Callable[..., Any]]:
        """All of them, for a worker."""
        return [self.reconcile]

    @activity.defn(name="reconcile")
    async def reconcile(self, part: ReconciliationPart) -> Reconciled:
        """Look at one part, keep what does not agree, and alert the platform to what is new.

        Raises a retryable error where server or records do not answer.
        """
        now = floor(present.now())
        async with send_heartbeats():
            match part:
                case ReconciliationPart.CASES:
                    return await self._reconcile_cases(now)
                case ReconciliationPart.MESSAGES:
                    return await self._reconcile_messages(now)
                case ReconciliationPart.MONEY:
                    return await self._reconcile_money(now)
                case ReconciliationPart.STATEMENT:
                    return await self._reconcile_statement(now)

    async def _reconcile_cases(self, now: datetime) -> Reconciled:
        """Hold the records' open cases against what Temporal runs; close those that it ended."""
        found = [judge_stuck(each) async for each in self._executions.stuck()]
        ended: list[tuple[Discrepancy, Execution]] = []
        stuck, running = {each.case_id for each in found}, await self._executions.running_cases()
        async for case in self._open_cases(now):
            if case.case_id in running:
                late = judge_deadline(case, now) if case.case_id not in stuck else None
                found += [late] if late else []
            elif gone := judge_execution(case, execution := await self._absent(case), now):
                found.append(gone)
                ended.append((gone, execution))
        kept = await self._keep(OF_CASES, found, now)
        closed = [await self._close(gone, execution, now) for gone, execution in ended]
        return kept.plus(Reconciled(closed=sum(closed)))

    async def _reconcile_messages(self, now: datetime) -> Reconciled:
        """Hold the outbox against its pace."""
        read = self._records.reconciliation
        waiting = judge_waiting(await _asked(partial(read.waiting_messages, now)))
        tried = map(judge_undelivered, await _asked(partial(read.undelivered_messages, now)))
        return await self._keep(OF_MESSAGES, [*waiting, *tried], now)

    async def _reconcile_money(self, now: datetime) -> Reconciled:
        """Hold the ledger against itself, and against cases that are over."""
        refunds = map(judge_refund, await _asked(self._records.reconciliation.undecided_refunds))
        differences = map(judge_difference, await _asked(self._audit))
        return await self._keep(OF_MONEY, [*refunds, *differences], now)

    async def _reconcile_statement(self, now: datetime) -> Reconciled:
        """Hold the ledger against the payment service's statement, where there is one; an unreadable one is found."""
        if self._statement is None:
            return Reconciled()
        try:
            differences = await _asked(partial(self._compare, self._statement))
        except (OSError, BadInput) as error:
            return await self._keep(OF_STATEMENT[:1], [unreadable_statement(_why(error))], now)
        found = [each for each in map(judge_difference, differences) if each.kind in OF_STATEMENT]
        return await self._keep(OF_STATEMENT, found, now)

    # Cases

    async def _open_cases(self, now: datetime) -> AsyncIterator[ListedCase]:
        """Give every case that is open by the records, then those that hold money and have no record."""
        after: Place | None = None
        while page := await _asked(partial(self._records.cases.find, limit=_READ, after=after)):
            for line in page:
                yield _open(line)
            after = page[-1].place
        for case in await _asked(partial(self._records.reconciliation.unrecorded_cases, now - OVERDUE)):
            yield case

    async def _absent(self, case: ListedCase) -> Execution:
        """Say how Temporal has a case that it does not list as running; as running where the records have its end now.

        A case that ends by itself has told the records so before.
        """
        execution = await self._executions.of_case(case.case_id)
        if case.state is not None and not await _asked(partial(self._records.cases.is_running, case.case_id)):
            return Execution(ExecutionState.RUNNING)
        return execution

    async def _close(self, gone: Discrepancy, execution: Execution, now: datetime) -> bool:
        """Close a case that Temporal ended, in records and ledger; whether it was closed now."""
        case_id, kept = str(gone.case_id), self._records
        message_id = f"{case_id}/terminated/{execution.run_id}/buyer"
        with suppress(BadInput):  # somebody else was first, or the records have no turn of it
            match gone.kind:
                case DiscrepancyKind.CASE_TERMINATED:
                    await _asked(partial(kept.ledger.release, case_id, now))
                    draw = partial(closing_turn, execution=execution, now=now)
                    await _asked(partial(kept.reconciliation.add_closing_turn, case_id, message_id, draw, now))
                case DiscrepancyKind.END_UNRECORDED:
                    end = await self._executions.end_of(case_id, execution.run_id)
                    tell = partial(recorded_end, end=end, run_id=execution.run_id, now=now)
                    known = methodcaller("entry_owing", message_id)
                    await _asked(partial(kept.turns.append, case_id, known, tell, now=now))
                case _:
                    return False
            return True
        return False

    # Money

    def _audit(self, statement: Path | None = None) -> list[LedgerDifference]:
        """Return what is wrong with the books, asked with the patience that whole tables need."""
        with self._records.with_patience(_PATIENCE) as patient:
            return patient.ledger.check(None if statement is None else _payments(statement))

    def _compare(self, statement: Path) -> list[LedgerDifference]:
        """Return where books and statement differ; what was settled after that was written is not missing from it."""
        written_at = datetime.fromtimestamp(statement.stat().st_mtime, UTC)
        found = self._audit(statement)
        since = self._records.reconciliation.settled_since(written_at - _SLACK)
        return [each for each in found if each.kind is not DifferenceKind.NOT_IN_STATEMENT or each.key not in since]

    async def _keep(
        self, kinds: Collection[DiscrepancyKind], found: Sequence[Discrepancy], now: datetime
    ) -> Reconciled:
        told = condense(found)
        new = await _asked(partial(self._records.reconciliation.keep, kinds, told, now))
        for each in told:
            if each.discrepancy_id in new:
                _LOG.warning("%s; run: %s", each.says, each.command, extra={"discrepancy": each.discrepancy_id})
        return Reconciled(found=len(told), new=len(new))


def _open(line: CaseLine) -> ListedCase:
    return ListedCase(line.case_id, line.order_id, line.state, line.respond_by, line.held_since is not None)


def _payments(statement: Path) -> Iterator[ProviderPayment]:
    with statement.open(encoding="utf-8", errors="replace") as lines:
        yield from read_payments(lines, "line ")


def _why(error: OSError | BadInput) -> str:
    return str(error) if isinstance(error, BadInput) else str(error.strerror)


async def _asked(ask: Callable[[], T]) -> T:
    """Return the records' answer, given on a thread since databases block."""
    return await asyncio.to_thread(ask)
