"""The one base of the workflows of cases: a case is admitted, worked by its procedures, and leaves its record."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from types import MappingProxyType
from typing import ClassVar

from temporalio import workflow

from aftersale.case.case import Case
from aftersale.case.intake import Application, bars
from aftersale.case.projection import status
from aftersale.case.validator import Handling, validate
from aftersale.contract.commands import PAYLOADS, Act, AddEvidence, OpenCase, ParcelEvent
from aftersale.contract.idempotency import mark
from aftersale.contract.quotas import Extra
from aftersale.contract.request import CaseRequest
from aftersale.contract.status import Closed, Ending, Status, refused_status
from aftersale.schema import is_id
from aftersale.times import floor, local
from aftersale.vocabulary import CaseKind, CloseReason, Command, Party
from aftersale.watch.commands import OpenWatch
from workflows import outside
from workflows.cases.answers import ChangeKind
from workflows.cases.apply import apply_command, hear_scan
from workflows.cases.beside.refunding import advance_when_due, require_unfrozen
from workflows.cases.desk import Desk, Stopped
from workflows.cases.recorder import TurnRecorder
from workflows.cases.stages.clawback import clawback
from workflows.entity import Entity, wait_until
from workflows.refusals import failing_updates
from workflows.visibility import Visibility

Procedure = Callable[[Desk], Awaitable[Ending | ChangeKind]]

_FROZEN_IS_REFUSED = "retry_refund asks whether the order is frozen"
"""Cases that had a refund retried before were not asked; this goes once none of them is open."""


class CaseWorkflow(Entity[CaseRequest, Act, Desk, Status]):
    """A case at its desk. A kind of case adds its procedure and a thin class with its own type name."""

    kind: ClassVar[CaseKind]
    noun = "case"
    id_field = "case_id"
    conflict = "names a case that was opened with another request; take a new case_id, or send the request unchanged"
    request_type = CaseRequest
    opening_type = OpenCase
    payloads = MappingProxyType(PAYLOADS)

    def _desk_for(self, request: CaseRequest) -> Desk:
        applied_at = request.requested_at or floor(workflow.info().workflow_start_time)
        return Desk(Case(self.kind, request, applied_at), self._present)

    async def follow(self, procedure_of: Callable[[CaseKind], Procedure]) -> None:
        """Admit the request, work the procedure of its kind and of what it becomes to the end, and leave the record."""
        desk = self._desk
        found = await outside.admit(self._application(desk.case)) if desk is not None else []
        self._problems = (*self._problems, *filter(bars, found))
        if desk is None or self._problems:
            await self._refuse()
        else:
            desk.case.open(found, desk.now)
            advance_when_due(desk)
            try:
                ending = await procedure_of(self.kind)(desk)
                while isinstance(ending, ChangeKind):
                    desk.case.become(ending.kind, ending.agreed_at)
                    ending = await procedure_of(ending.kind)(desk)
            except Stopped:
                ending = Closed(reason=CloseReason.CANCELLED)
            await clawback(desk, ending)
            await desk.close(ending)

    def _application(self, case: Case) -> Application:
        info = workflow.info()
        return Application(
            kind=self.kind,
            request=case.request,
            applied_at=case.applied_at,
            now=floor(info.workflow_start_time),
            owner=info.first_execution_run_id,
        )

    async def _refuse(self) -> None:
        """Show and write down why the request opened no case; under an id that is not its own nothing is written.

        Where another run has a record under the id already, the records leave that one alone.
        """
        Visibility.show_refusal(self.kind, self._problems)
        record = self.status()
        if is_id(record.case_id) and workflow.info().workflow_id == f"case/{record.case_id}":
            recorder = TurnRecorder(self._desk.case.subject if self._desk else None)
            recorder.write(record, (), self._present.now)
            await workflow.wait_condition(lambda: recorder.idle)

    @workflow.query(description="the case as it stands")
    def status(self) -> Status:
        """Return the case as it stands; a refused request shows why."""
        if self._desk is None or self._problems:
            return refused_status(self._shown_id(), self.kind, self._problems)
        return status(self._desk.case, self._desk.now)

    def _is_own(self, wanted: OpenCase | OpenWatch) -> bool:
        kind = wanted.kind if isinstance(wanted, OpenCase) else None
        return kind in (None, self.kind) and super()._is_own(wanted)

    def _judge(self, command: Command, act: Act, at: datetime) -> Handling:
        desk = self._require_desk()
        with failing_updates():
            return validate(desk.case, command, act, at, self._present.second, settling=not desk.settled)

    async def _judge_settled(self, desk: Desk, command: Command, act: Act, at: datetime) -> Handling:
        """Judge once the case has settled, and again for as long as it is to wait."""
        while (handling := self._judge(command, act, at)) is Handling.WAIT:
            await workflow.wait_condition(desk.next_settled(unless=lambda: bool(self._problems)))
        return handling

    async def _take(self, command: Command, act: Act, at: datetime) -> Status:
        desk = self._require_desk()
        handling = await self._judge_settled(desk, command, act, at)
        if command is Command.RETRY_REFUND and handling is Handling.TAKE and workflow.patched(_FROZEN_IS_REFUSED):
            with failing_updates():
                await require_unfrozen(desk)
            handling = await self._judge_settled(desk, command, act, at)  # much may have come meanwhile
        self._present.note_fact(at)
        told = self._told
        if isinstance(act, AddEvidence):
            desk.case.quotas.use(act.actor.party, Extra.PIECES, len(act.evidence))
        if handling is Handling.CORRECT:
            says = f"{command.words} at {local(at)} came after the lapse of its stage was executed"
            desk.case.correct(says, act.actor.party, at, desk.now, **mark(command, act))
            desk.wake()
        else:
            apply_command(desk, command, act.model_copy(update={"occurred_at": at}))
        await wait_until(lambda: desk.settled)
        return self._since(told)

    def _hear_scan(self, desk: Desk, scan: ParcelEvent) -> bool:
        return hear_scan(desk, scan)

    def _refuse_signal(self, desk: Desk, says: str) -> None:
        desk.case.refuse_signal(says, Party.SYSTEM, desk.now)
