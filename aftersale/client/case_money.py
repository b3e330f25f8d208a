"""A case's money as its history has it: a completed activity has written to the ledger, and nothing can undo that."""

from collections.abc import AsyncIterable, AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from temporalio.api.common.v1 import Payloads
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import Client, WorkflowExecution, WorkflowExecutionStatus
from temporalio.common import SearchAttributeKey
from temporalio.converter import DataConverter

from aftersale.case.intake import Application, bars
from aftersale.errors import Problem
from aftersale.ledger.case_money import Admitted, CaseMoney, SentInstruction
from aftersale.ledger.reservation import Reservation
from aftersale.money import PaymentAnswer, Purpose, RefundInstruction, Settlement
from aftersale.times import floor
from aftersale.vocabulary import CloseReason

_ANSWER = timedelta(seconds=10)
"""How long the server may take over one call."""

_PAGE = 1000
"""How many executions are listed at a time."""

_PURPOSES: dict[str, Purpose] = {"refund": "refund", "advance": "refund", "claw_back": "clawback"}
"""What the activities that pay do."""

_STATE = SearchAttributeKey.for_keyword("CaseState")
_OUTCOME = SearchAttributeKey.for_keyword("CaseOutcome")
_AMOUNT = SearchAttributeKey.for_int("AmountMinor")
_RESPOND_BY = SearchAttributeKey.for_datetime("RespondBy")


@dataclass(frozen=True)
class ShownCase:
    """A run of a case as the server's list shows it."""

    case_id: str
    run_id: str
    is_running: bool
    state: str | None
    amount_minor: int | None
    respond_by: datetime | None


class CaseMoneyReader:
    """Reads at the server what cases know of their money."""

    def __init__(self, client: Client) -> None:
        """Use a connected client."""
        self._client = client

    async def pages(self, since: datetime | None) -> AsyncIterator[list[ShownCase]]:
        """Give the runs of cases that run, or ended at that instant or later; of all time, where there is none.

        Those that were refused hold no money, and are left out.
        """
        query = "WorkflowId STARTS_WITH 'case/'"
        if since is not None:
            at = since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            query += f" AND (ExecutionStatus = 'Running' OR CloseTime >= '{at}')"
        listed = self._client.list_workflows(query, page_size=_PAGE, rpc_timeout=_ANSWER)
        while True:
            await listed.fetch_next_page()
            found = listed.current_page or ()
            yield [_shown(each) for each in found if not _is_refused(each)]
            if not listed.next_page_token:
                return

    async def read(self, case_id: str, run_id: str | None = None) -> CaseMoney:
        """Return what a run of the case knows, the last one unless another is named. Raises RPCError."""
        handle = self._client.get_workflow_handle(f"case/{case_id}", run_id=run_id)
        events = handle.fetch_history_events(rpc_timeout=_ANSWER)
        return await case_money(case_id, events, self._client.data_converter)


async def case_money(case_id: str, events: AsyncIterable[HistoryEvent], converter: DataConverter) -> CaseMoney:
    """Return what a history says of its case's money."""
    reading = _Reading(converter)
    async for event in events:
        await reading.take(event)
    return CaseMoney(case_id, tuple(reading.admitted), tuple(reading.sent.values()), reading.released_at)


class _Reading:
    """A history as far as it was read."""

    def __init__(self, converter: DataConverter) -> None:
        self.admitted: list[Admitted] = []
        self.sent: dict[str, SentInstruction] = {}
        self.released_at: datetime | None = None
        self._converter = converter
        self._asked: dict[int, tuple[str, Any]] = {}

    async def take(self, event: HistoryEvent) -> None:
        """Read on by an event."""
        if event.HasField("activity_task_scheduled_event_attributes"):
            scheduled = event.activity_task_scheduled_event_attributes
            name, at = scheduled.activity_type.name, _instant(event)
            if name == "admit":
                self._asked[event.event_id] = name, await self._decode(scheduled.input, Application)
            elif name in _PURPOSES:
                given = await self._decode(scheduled.input, dict[str, Any])
                instruction = _instruction(given)
                self._asked[event.event_id] = name, (instruction.key, given.get("closes", False))
                self.sent[instruction.key] = SentInstruction(_PURPOSES[name], instruction, at)
            elif name == "release":
                self._asked[event.event_id] = name, None
        elif event.HasField("activity_task_completed_event_attributes"):
            done = event.activity_task_completed_event_attributes
            name, given = self._asked.get(done.scheduled_event_id, ("", None))
            await self._conclude(name, given, done.result, _instant(event))

    async def _conclude(self, name: str, given: Any, result: Payloads, at: datetime) -> None:
        if name == "admit":
            if not any(map(bars, await self._decode(result, list[Problem]))):
                claim = Reservation.of(given.kind, given.request, given.owner, given.applied_at)
                self.admitted.append(Admitted(claim, given.attempt, at))
        elif name in _PURPOSES:
            _, closes = given
            answer: PaymentAnswer = await self._decode(result, PaymentAnswer)
            settled = Settlement(**answer.model_dump(include=set(Settlement.model_fields)))
            for each in (settled, *answer.earlier):
                self._settle(each, at)
            if closes and settled.status == "succeeded":
                self.released_at = at
        elif name == "release":
            self.released_at = at

    def _settle(self, settlement: Settlement, at: datetime) -> None:
        if before := self.sent.get(settlement.key):
            self.sent[settlement.key] = SentInstruction(before.purpose, before.instruction, before.at, settlement, at)

    async def _decode(self, payloads: Payloads, wanted: Any) -> Any:
        [found] = await self._converter.decode(payloads.payloads, [wanted])
        return found


def _instruction(given: dict[str, Any]) -> RefundInstruction:
    """Return the instruction in what an activity that pays was given, without what stands beside it."""
    told = given.get("instruction", given)
    known = RefundInstruction.model_fields
    return RefundInstruction.model_validate({name: value for name, value in told.items() if name in known})


def _instant(event: HistoryEvent) -> datetime:
    return floor(event.event_time.ToDatetime(UTC))


def _is_refused(found: WorkflowExecution) -> bool:
    return found.typed_search_attributes.get(_OUTCOME) == CloseReason.REFUSED.value


def _shown(found: WorkflowExecution) -> ShownCase:
    shown = found.typed_search_attributes
    return ShownCase(
        case_id=found.id.removeprefix("case/"),
        run_id=found.run_id,
        is_running=found.status is WorkflowExecutionStatus.RUNNING,
        state=shown.get(_STATE),
        amount_minor=shown.get(_AMOUNT),
        respond_by=shown.get(_RESPOND_BY),
    )
