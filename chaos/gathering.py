"""Gathers what is left behind: from the server, the records, the stand-in platform, and a replay of every history."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from time import monotonic
from typing import Any

import httpx
from temporalio.client import WorkflowExecution, WorkflowFailureError, WorkflowHistory
from temporalio.service import RPCError

from aftersale.contract.status import Status
from aftersale.ledger.reports import ProviderPayment
from aftersale.records import Records
from aftersale.schema import Schema
from aftersale.watch.request import WATCH
from aftersale.watch.status import WatchStatus
from chaos.crowd import Crowd, kind_of
from chaos.database import Database
from chaos.evidence import CaseLeft, Left, Paid, WatchLeft, paid_of
from chaos.replays import Replays, failed_task
from trial.environment import Workplace
from trial.platform.store import Store

_SETTLES_WITHIN = 150.0
"""How long, in seconds, corrections, insurers and messengers may still be at work after the last case has ended."""

_ANSWERS_WITHIN = 20.0

_ALWAYS = "Deliveries"
"""The workflow type that never ends."""


class Gathering:
    """Gathers from the places that keep something; `folder` is where histories go that are wanted by who looks on."""

    def __init__(self, place: Workplace, kept: Records, database: Database, folder: Path) -> None:
        """Nothing has been gathered yet."""
        self._place, self._kept, self._database, self._folder = place, kept, database, folder

    async def until_settled(self) -> None:
        """Wait until nothing is under way any more, or for so long that it never will."""
        until = monotonic() + _SETTLES_WITHIN
        while monotonic() < until:
            if not await self._running() and not self._database.rows(_PENDING):
                return
            await asyncio.sleep(1)

    async def all(self, crowd: Crowd) -> Left:
        """Gather from everybody."""
        left, replays = Left(), Replays()
        left.running = [each.id for each in await self._running()]
        async for execution in self._place.client.list_workflows():
            await self._replayed(execution, replays, left)
            await self._workflow(execution, replays, crowd, left)
        await self._money(left)
        await self._messages(left)
        left.troubles = list(crowd.troubles)
        return left

    async def _running(self) -> list[WorkflowExecution]:
        running = self._place.client.list_workflows("ExecutionStatus = 'Running'")
        return [each async for each in running if each.workflow_type != _ALWAYS]

    async def _replayed(self, execution: WorkflowExecution, replays: Replays, left: Left) -> None:
        handle = self._place.client.get_workflow_handle(execution.id, run_id=execution.run_id)
        history = await handle.fetch_history()
        if (failure := await replays.failure(history)) is not None:
            left.unreplayable[execution.id] = failure
        if (failure := failed_task(history)) is not None:
            left.failed_tasks[execution.id] = failure
        self._keep(history)

    def _keep(self, history: WorkflowHistory) -> None:
        name = history.workflow_id.replace("/", "-")
        (self._folder / f"{name}.json").write_text(history.to_json(), encoding="utf-8")

    async def _workflow(self, execution: WorkflowExecution, replays: Replays, crowd: Crowd, left: Left) -> None:
        workflow_id, ended = execution.id, replays.ended.get(execution.id)
        caller = crowd.callers.get(workflow_id)
        taken, seen = (caller.taken, caller.seen) if caller else ([], ())
        if execution.workflow_type == WATCH:
            watch = await self._told(execution, WatchStatus)
            replayed = WatchStatus.model_validate_json(ended) if ended else None
            kept = self._kept.violations.find(limit=None)
            left.watches.append(WatchLeft(workflow_id, watch, kept, replayed, taken, seen))
        elif (kind := kind_of(execution.workflow_type)) is not None:
            case_id = workflow_id.removeprefix("case/")
            told = await self._told(execution, Status)
            seqs = [written.turn.seq for written in self._kept.turns.of(case_id)]
            again = Status.model_validate_json(ended) if ended else None
            record = self._kept.turns.record(case_id)
            left.cases.append(CaseLeft(workflow_id, kind, told, record, seqs, again, taken, seen))

    async def _told(self, execution: WorkflowExecution, shape: type[Any]) -> Any:
        """Return what a workflow says: with what it ended, or what it answers while it runs; None where it does not."""
        handle = self._place.client.get_workflow_handle(execution.id, run_id=execution.run_id, result_type=shape)
        try:
            async with asyncio.timeout(_ANSWERS_WITHIN):
                told: Schema = (
                    await handle.result() if execution.close_time else await handle.query("status", result_type=shape)
                )
                return told
        except (TimeoutError, WorkflowFailureError, RPCError):
            return None

    async def _money(self, left: Left) -> None:
        store = Store(self._folder / "platform.db")
        try:
            rows = store.payments()
            left.payments = [_paid(store, row) for row in rows]
        finally:
            store.close()
        names = ProviderPayment.model_fields.keys()
        statement = [ProviderPayment.model_validate({name: row[name] for name in names}) for row in rows]
        left.differences = [each.says for each in self._kept.ledger.check(statement)]
        rows_of = self._database.rows
        left.instructions = {key: state for key, state in rows_of("SELECT key, state FROM instructions")}
        lines = rows_of("SELECT order_id, order_line_id, paid_minor FROM order_lines")
        left.paid = {(order, line): int(minor) for order, line, minor in lines}
        left.reserved = [case_id for (case_id,) in rows_of("SELECT case_id FROM reservations WHERE closed_at IS NULL")]

    async def _messages(self, left: Left) -> None:
        left.outbox = {message_id: state for message_id, state in self._database.rows(_OUTBOX)}
        async with httpx.AsyncClient(base_url=self._place.platform_url) as http:
            left.inbox = arrived((await http.get("/inbox")).json())


def arrived(messages: Sequence[dict[str, Any]]) -> Counter[str]:
    """Count by id the messages that came, alone or together in a digest."""
    came: Counter[str] = Counter()
    for message in messages:
        ids = [message["message_id"]] if message.get("message_id") else (message.get("message_ids") or "").split(",")
        for message_id in ids:
            came[message_id] += message["deliveries"]
    return came


def _paid(store: Store, row: dict[str, Any]) -> Paid:
    held = store.payment(row["key"])
    assert held is not None
    return paid_of(row["key"], row, held)


_OUTBOX = "SELECT message_id, state FROM outbox"
_PENDING = f"{_OUTBOX} WHERE state = 'pending'"
