"""Cases as a back end opens them, moves them on and looks at them."""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, Self, TypeVar
from uuid import uuid4

from temporalio.client import (
    Client,
    WorkflowExecutionStatus,
    WorkflowHandle,
)
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError

from aftersale.case.corrections import CORRECTION, CorrectionTaken, LateFact, is_late
from aftersale.case.ui import summary
from aftersale.client.calls import PATIENCE, await_answer, with_command
from aftersale.client.namespace import Namespace
from aftersale.client.open import as_sent, decide_open
from aftersale.client.rollouts import Rollouts
from aftersale.client.watches import Watches
from aftersale.contract.commands import PAYLOADS, Act, ParcelEvent, PolicyPublished, read
from aftersale.contract.request import CaseRequest
from aftersale.contract.status import Status
from aftersale.errors import BadInput, CaseNotFound, NoAnswer, Refusal, bad_input
from aftersale.schema import is_id
from aftersale.temporal.plugin import TASK_QUEUE, connect
from aftersale.times import floor
from aftersale.vocabulary import CaseKind
from aftersale.watch.request import WatchRequest
from aftersale.watch.status import WatchStatus

T = TypeVar("T")

WORKFLOW_TYPES: Mapping[CaseKind, str] = {
    CaseKind.REFUND: "Refund",
    CaseKind.RETURN: "Return",
    CaseKind.EXCHANGE: "Exchange",
    CaseKind.RESHIP: "Reship",
    CaseKind.REPAIR: "Repair",
    CaseKind.CLAIM: "Claim",
}
"""The workflow type that begins each kind of case."""

_COMMANDS = {shape: command for command, shape in PAYLOADS.items()}


class Cases:
    """The cases of one Temporal namespace."""

    def __init__(
        self,
        client: Client,
        *,
        timeout: timedelta = PATIENCE,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Use a connected client. `timeout` bounds every call; `now` stamps acts that bear no instant of their own."""
        self._client, self._timeout, self._now = client, timeout, now
        self.namespace, self.rollouts = Namespace(client, timeout), Rollouts(client, timeout)
        self.watches = Watches(client, timeout=timeout, now=now)

    @classmethod
    async def connect(cls, **overrides: Any) -> Self:
        """The cases of the namespace that the environment names. Raises ServiceFault."""
        return cls(await connect(**overrides))

    async def open(self, kind: CaseKind, request: CaseRequest | Mapping[str, Any]) -> Status:
        """Open a case, or find it: the same request any number of times opens one case.

        Returns its status; `problems` says why a request was refused. A closed case answers with its record.
        Raises BadInput for a malformed request, Refusal (`case_id_conflict`) where the id belongs to another one,
        NoAnswer.
        """
        wanted = request if isinstance(request, CaseRequest) else read(CaseRequest, request, "request")
        try:
            decision = await self._answered(wanted.case_id, self._opening(kind, wanted))
        except (CaseNotFound, WorkflowAlreadyStartedError):
            await self._require_own(kind, wanted)
        else:
            if decision.is_final:
                return decision
        # The server answers a repeated update with its first answer, however far the case has come since.
        return await self.status(wanted.case_id)

    async def watch(self, request: WatchRequest | Mapping[str, Any]) -> WatchStatus:
        """Watch the dispatch of a shipment; `watches` tells it what happens. Raises as `Watches.open`."""
        return await self.watches.open(request)

    async def act(self, case_id: str, act: Act, *, request_id: str | None = None) -> Status:
        """Give a command; the status is that of the case's next rest.

        Repeat a call that raised NoAnswer with the error's `act` and `request_id`: it is applied once.
        Where the case is over, an act that happened before its end goes to the platform as a correction, and the
        status is the case's record with a line about that; a later one is refused.
        Raises Refusal where the case does not take it, naming the commands that are legal; CaseNotFound; NoAnswer.
        """
        stamped = act if act.occurred_at else act.model_copy(update={"occurred_at": floor(self._now())})
        request_id = request_id or str(uuid4())
        name, handle, content = _COMMANDS[type(act)], self._handle(case_id), as_sent(stamped)
        try:
            with suppress(CaseNotFound):
                return await self._answered(
                    case_id, handle.execute_update(name.value, content, id=request_id, result_type=Status)
                )
            fact = LateFact(case_id=case_id, event_id=request_id, fact=name, given=content)
            return await self._over(fact, stamped)
        except NoAnswer as error:
            raise with_command(error, stamped, request_id) from error

    async def status(self, case_id: str) -> Status:
        """The case as it stands; of a closed case, the record it left. Raises CaseNotFound, NoAnswer."""
        handle = self._handle(case_id)
        description = await self._answered(case_id, handle.describe())
        if description.status is WorkflowExecutionStatus.COMPLETED:
            return await self._answered(case_id, handle.result())
        return await self._answered(case_id, handle.query("status", result_type=Status))

    async def runs(self, case_id: str) -> bool:
        """Whether the case's workflow runs; not once it is over, terminated, or forgotten. Raises as `setup`."""
        with suppress(CaseNotFound):
            description = await self._answered(case_id, self._handle(case_id).describe())
            return description.status is WorkflowExecutionStatus.RUNNING
        return False

    async def scan(self, case_id: str, event: ParcelEvent) -> None:
        """Report a carrier's scan; repeats of an event id are dropped.

        For a case that is over it becomes a correction, or is refused, as a command is.
        Raises CaseNotFound, Refusal, NoAnswer.
        """
        content = as_sent(event)
        try:
            await self._answered(case_id, self._handle(case_id).signal("parcel_event", content))
        except CaseNotFound:
            fact = LateFact(case_id=case_id, event_id=event.event_id, fact="parcel_event", given=content)
            await self._over(fact, event)

    async def policy_published(self, case_id: str, revision: int) -> None:
        """Tell a case that the policy book reached a revision, so that its clocks ask again (R9). Raises as `scan`."""
        await self._announced(case_id, "policy_published", revision)

    async def policy_withdrawn(self, case_id: str, revision: int) -> None:
        """Tell a case that a revision was announced by mistake: it waits for no such book. Raises as `scan`."""
        await self._announced(case_id, "policy_withdrawn", revision)

    async def _announced(self, case_id: str, signal: str, revision: int) -> None:
        content = as_sent(PolicyPublished(revision=revision))
        try:
            await self._answered(case_id, self._handle(case_id).signal(signal, content))
        except CaseNotFound as error:
            raise _final(await self.status(case_id)) from error

    # How a case is opened, and known again

    async def _opening(self, kind: CaseKind, wanted: CaseRequest) -> Status:
        given = {"kind": kind, "request": as_sent(wanted)}
        case_id, line = f"case/{wanted.case_id}", summary(kind, wanted)
        return await decide_open(self._client, WORKFLOW_TYPES[kind], case_id, given, line, Status)

    async def _require_own(self, kind: CaseKind, wanted: CaseRequest) -> None:
        """Make sure that it was this request that opened the case, which is over. Raises Refusal."""
        history = self._handle(wanted.case_id).fetch_history_events(page_size=1)
        first = await self._answered(wanted.case_id, anext(history))
        started = first.workflow_execution_started_event_attributes
        given = await self._client.data_converter.decode(started.input.payloads)
        if started.workflow_type.name != WORKFLOW_TYPES[kind] or not _same(given, wanted):
            raise Refusal("case_id_conflict", f"case {wanted.case_id} was opened with another request; take a new id")

    def _handle(self, case_id: str) -> WorkflowHandle[Any, Status]:
        if not is_id(case_id):
            raise bad_input("case_id", "must be 1 to 64 of the characters A-Z a-z 0-9 . _ -; correct it")
        return self._client.get_workflow_handle(f"case/{case_id}", result_type=Status)

    # How calls end

    async def _over(self, fact: LateFact, said: Act | ParcelEvent) -> Status:
        """What becomes of something that was sent to a case that is over."""
        over = await self.status(fact.case_id)
        if not over.is_final or not is_late(over, said):
            raise _final(over)
        try:
            handle = await self._answered(
                fact.case_id,
                self._client.start_workflow(
                    CORRECTION,
                    fact,
                    id=fact.workflow_id,
                    task_queue=TASK_QUEUE,
                    result_type=CorrectionTaken,
                    id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
                    id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
                    static_summary=f"late {fact.fact} of case {fact.case_id}",
                ),
            )
        except WorkflowAlreadyStartedError:
            handle = self._client.get_workflow_handle(fact.workflow_id, result_type=CorrectionTaken)
        taken: CorrectionTaken = await self._answered(fact.case_id, handle.result())
        if taken.entry is None:
            raise Refusal("illegal_move", "; ".join(map(str, taken.problems)))
        return over.model_copy(update={"timeline": (*over.timeline, taken.entry)})

    async def _answered(self, case_id: str, call: Awaitable[T]) -> T:
        return await await_answer(f"case {case_id}", call, self._timeout)


def _final(over: Status) -> Refusal:
    said = f"case {over.case_id} is over ({over.state.words}); legal now: nothing, the case is final"
    return Refusal("illegal_move", said)


def _same(given: list[Any], wanted: CaseRequest) -> bool:
    """Whether a workflow's input is this request; one that no client of ours sent may be anything."""
    try:
        return len(given) == 1 and read(CaseRequest, given[0], "request") == wanted
    except BadInput:
        return False
