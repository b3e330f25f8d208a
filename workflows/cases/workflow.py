"""The one base of every case: its intake, and each update, signal and query once.

Handlers validate, record and return; the procedure alone acts. `run` and the handlers take whatever any SDK sends and
validate it themselves, so that a malformed payload becomes an answer rather than a workflow task that fails for ever.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any, ClassVar, TypeVar

from temporalio import workflow
from temporalio.common import RawValue

from aftersale.case.case import Case
from aftersale.case.intake import Application, bars
from aftersale.case.projection import status
from aftersale.case.validator import Handling, instant_of, validate
from aftersale.contract.commands import Act, OpenCase, ParcelEvent, PolicyPublished, parse, read
from aftersale.contract.request import CaseRequest
from aftersale.contract.status import Closed, Ending, Status, refused_status
from aftersale.errors import BadInput, CommandRefused, Problem
from aftersale.schema import Schema, is_id
from aftersale.times import floor, local
from aftersale.vocabulary import CaseKind, CloseReason, Command, Party
from workflows import outside
from workflows.cases.answers import ChangeKind
from workflows.cases.apply import apply_command, hear_scan
from workflows.cases.beside.refunding import advance_when_due
from workflows.cases.desk import Desk, Stopped
from workflows.cases.recorder import TurnRecorder
from workflows.cases.stages.clawback import clawback
from workflows.updates import failure, unknown, update, wait_until
from workflows.visibility import Visibility

S = TypeVar("S", bound=Schema)

Procedure = Callable[[Desk], Awaitable[Ending | ChangeKind]]


class CaseWorkflow:
    """A case at its desk. A kind of case adds its procedure and a thin class with its own type name."""

    kind: ClassVar[CaseKind]

    @workflow.init
    def __init__(self, *given: Any) -> None:
        """Read the request; what is wrong with it becomes the reason of a refusal."""
        self._given = given[0] if len(given) == 1 else None
        self._problems: tuple[Problem, ...] = ()
        self._desk: Desk | None = None
        try:
            request = read(CaseRequest, self._given, "request")
        except BadInput as error:
            self._problems = error.problems
            return
        if workflow.info().workflow_id != f"case/{request.case_id}":
            wanted = f"does not fit the workflow id; start the workflow as case/{request.case_id}"
            self._problems = (Problem(field="case_id", message=wanted),)
            return
        self._desk = Desk(Case(self.kind, request, request.requested_at or floor(workflow.info().workflow_start_time)))

    async def work(self, procedure_of: Callable[[CaseKind], Procedure]) -> Status:
        """Work the case to its end. A cancellation by an operator ends it where it next waits for somebody."""
        working = asyncio.create_task(self._work(procedure_of))
        try:
            return await asyncio.shield(working)
        except asyncio.CancelledError:
            if self._desk is not None:
                self._desk.stop()
            return await working

    async def _work(self, procedure_of: Callable[[CaseKind], Procedure]) -> Status:
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
        await workflow.wait_condition(workflow.all_handlers_finished)
        return self.status()

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
            recorder.write(record, (), floor(workflow.now()))
            await workflow.wait_condition(lambda: recorder.idle)

    # What callers may send

    approve = update(Command.APPROVE)
    reject = update(Command.REJECT)
    offer = update(Command.OFFER)
    accept_offer = update(Command.ACCEPT_OFFER)
    decline_offer = update(Command.DECLINE_OFFER)
    ship_back = update(Command.SHIP_BACK)
    confirm_receipt = update(Command.CONFIRM_RECEIPT)
    refuse_receipt = update(Command.REFUSE_RECEIPT)
    dispatch = update(Command.DISPATCH)
    confirm_delivery = update(Command.CONFIRM_DELIVERY)
    report_irreparable = update(Command.REPORT_IRREPARABLE)
    amend = update(Command.AMEND)
    escalate = update(Command.ESCALATE)
    rule = update(Command.RULE)
    decide_claim = update(Command.DECIDE_CLAIM)
    add_evidence = update(Command.ADD_EVIDENCE)
    withdraw = update(Command.WITHDRAW)
    extend = update(Command.EXTEND)
    agree_limit = update(Command.AGREE_LIMIT)
    hold = update(Command.HOLD)
    resume = update(Command.RESUME)
    retry_refund = update(Command.RETRY_REFUND)

    @workflow.update(description="the decision on the request; repeatable")
    async def open(self, given: Any = None) -> Status:
        """Answer with the decision. A caller whose request differs from the case's own learns of the conflict."""
        try:
            wanted = read(OpenCase, {} if given is None else given, "payload")
        except BadInput as error:
            raise failure(error.problems) from error
        await wait_until(lambda: self._decided)
        if wanted.kind not in (None, self.kind) or (wanted.request is not None and not self._same(wanted.request)):
            raise failure([Problem(code="case_id_conflict", field="case_id", message=_CONFLICT)])
        return self.status()

    @workflow.update(dynamic=True)
    async def refuse_unknown(self, name: str, given: Sequence[RawValue]) -> Status:
        """Whatever else is sent: refused at the door."""
        raise unknown(name, Command)

    @refuse_unknown.validator
    def _refuse_unserved(self, name: str, given: Sequence[RawValue]) -> None:
        raise unknown(name, Command)

    @workflow.signal(description="a carrier's scan of a parcel")
    def parcel_event(self, given: Any = None) -> None:
        """Keep a scan; the procedure looks whether it concerns its stage."""
        self._hear(ParcelEvent, given, hear_scan)

    @workflow.signal(description="the policy book reached a revision; running clocks ask again")
    def policy_published(self, given: Any = None) -> None:
        """Have the running clocks ask the newer book."""
        self._hear(PolicyPublished, given, lambda desk, news: desk.clocks.hear_revision(news.revision))

    @workflow.signal(description="a revision was announced by mistake; clocks that wait for it ask again without it")
    def policy_withdrawn(self, given: Any = None) -> None:
        """Forget a revision that no policy book has."""
        self._hear(PolicyPublished, given, lambda desk, news: desk.clocks.forget_revision(news.revision))

    @workflow.query(description="the case as it stands")
    def status(self) -> Status:
        """The case as it stands; a refused request shows why."""
        if self._desk is None or self._problems:
            return refused_status(self._shown_id(), self.kind, self._problems)
        return status(self._desk.case, self._desk.now)

    # How commands are taken

    def _check(self, command: Command, given: Any) -> None:
        """Refuse at the door what can be refused; nothing is written to history then."""
        act = self._read(command, given)
        self._judge(command, act, instant_of(act, workflow.now()))

    async def _take(self, command: Command, given: Any) -> Status:
        act = self._read(command, given)
        at = instant_of(act, workflow.now())
        desk = self._open_desk()
        while (handling := self._judge(command, act, at)) is Handling.WAIT:
            await workflow.wait_condition(desk.next_settled(unless=lambda: bool(self._problems)))
        stamped = act.model_copy(update={"occurred_at": at})
        if handling is Handling.CORRECT:
            says = f"{command.words} at {local(at)} came after the lapse of its stage was executed"
            desk.case.correct(says, act.actor.party, at, desk.now)
            desk.wake()
        else:
            apply_command(desk, command, stamped)
        await wait_until(lambda: desk.settled)
        return self.status()

    def _read(self, command: Command, given: Any) -> Act:
        try:
            return parse(command, given)
        except BadInput as error:
            raise failure(error.problems) from error

    def _judge(self, command: Command, act: Act, at: datetime) -> Handling:
        desk = self._open_desk()
        try:
            return validate(desk.case, command, act, at, desk.now, moving=not desk.settled)
        except CommandRefused as refusal:
            raise failure([refusal.problem]) from refusal

    def _open_desk(self) -> Desk:
        if self._desk is None or self._problems:
            said = "; ".join(str(problem) for problem in self._problems)
            raise failure([Problem(code="refused", field="", message=f"the request opened no case: {said}")])
        return self._desk

    def _hear(self, shape: type[S], given: Any, tell: Callable[[Desk, S], None]) -> None:
        desk = self._desk
        if desk is None:
            return
        try:
            tell(desk, read(shape, given, "signal"))
        except BadInput as error:
            desk.case.refuse_signal(str(error), Party.SYSTEM, desk.now)
        desk.wake()

    # How the request is known again

    @property
    def _decided(self) -> bool:
        return bool(self._problems) or (self._desk is not None and self._desk.settled)

    def _same(self, request: dict[str, Any]) -> bool:
        if self._desk is None:
            return request == self._given
        try:
            return read(CaseRequest, request, "request") == read(CaseRequest, self._given, "request")
        except BadInput:
            return False

    def _shown_id(self) -> str:
        named = self._given.get("case_id") if isinstance(self._given, dict) else None
        return str(named) if is_id(named) else workflow.info().workflow_id.removeprefix("case/")[:64]


_CONFLICT = "names a case that was opened with another request; take a new case_id, or send the request unchanged"
