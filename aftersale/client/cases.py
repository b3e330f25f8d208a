"""Cases as a back end opens them, moves them on and looks at them."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Self

from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError

from aftersale.case.corrections import CORRECTION, CorrectionTaken, LateFact, is_late
from aftersale.case.ui import summary
from aftersale.client.calls import PATIENCE
from aftersale.client.entity import Entities
from aftersale.client.namespace import Namespace
from aftersale.client.open import as_sent
from aftersale.client.reconciliations import Reconciliations
from aftersale.client.restores import Restores
from aftersale.client.rollouts import Rollouts
from aftersale.client.watches import Watches
from aftersale.contract.commands import PAYLOADS, Act, ParcelEvent
from aftersale.contract.idempotency import CONFLICT
from aftersale.contract.publication import publication
from aftersale.contract.request import WORKFLOW_TYPES, CaseRequest
from aftersale.contract.status import Status
from aftersale.errors import CaseNotFound, Refusal, ServiceFault
from aftersale.temporal.plugin import TASK_QUEUE, connect
from aftersale.vocabulary import CaseKind, Command
from aftersale.watch.request import WatchRequest
from aftersale.watch.status import WatchStatus

if TYPE_CHECKING:
    from aftersale.records import Records


class Cases(Entities[CaseRequest, Status]):
    """The cases of one Temporal namespace: commands go to their workflows, and what is read comes from the records."""

    _named = "case"
    _prefix = "case/"
    _id_field = "case_id"
    _conflict = "case {} was opened with another request; take a new id"
    _commands = {shape: command for command, shape in PAYLOADS.items()}
    _request_type = CaseRequest
    _status_type = Status

    def __init__(
        self,
        client: Client,
        records: "Records | None" = None,
        *,
        timeout: timedelta = PATIENCE,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Use a connected client, and open records; whoever opened them closes them.

        `timeout` bounds every call to Temporal; `now` stamps acts that bear no instant of their own.
        """
        super().__init__(client, timeout=timeout, now=now)
        self._records = records
        self.namespace, self.rollouts = Namespace(client, timeout), Rollouts(client, timeout)
        self.reconciliations, self.restores = Reconciliations(client, timeout), Restores(client)
        self.watches = Watches(client, timeout=timeout, now=now)

    @classmethod
    async def connect(cls, records: "Records | None" = None, **overrides: Any) -> Self:
        """Return the cases of the namespace that the environment names. Raises ServiceFault."""
        return cls(await connect(**overrides), records)

    async def open(self, kind: CaseKind, request: CaseRequest | Mapping[str, Any]) -> Status:
        """Open a case, or find it: the same request any number of times opens one case.

        Returns its status; `problems` says why a request was refused. A closed case answers with its record.
        Raises BadInput for a malformed request, Refusal (`case_id_conflict`) where the id belongs to another one,
        NoAnswer.
        """
        wanted = self._read(request)
        return await self._open(WORKFLOW_TYPES[kind], wanted, summary(kind, wanted), kind=kind)

    async def watch(self, request: WatchRequest | Mapping[str, Any]) -> WatchStatus:
        """Watch the dispatch of a shipment; `watches` tells it what happens. Raises as `Watches.open`."""
        return await self.watches.open(request)

    async def act(self, case_id: str, act: Act, *, request_id: str | None = None) -> Status:
        """Give a command; the status is that of the next point at which the case has settled.

        Repeat a call that raised NoAnswer with the error's `act` and `request_id`: it is applied once. A request id is
        for one content: with another one it is refused (`idempotency_conflict`), whether the case is open or over.
        Its timeline is what the command added; `status` has all of it. Where the case is over, an act that happened
        before its end goes to the platform as a correction, which is the line that the timeline has; a later one is
        refused.
        Raises Refusal where the case does not take it, naming the commands that are legal; CaseNotFound; NoAnswer.
        """
        return await self._give(case_id, act, request_id)

    async def status(self, case_id: str, *, live: bool = False) -> Status:
        """Return the case as its record tells it, or, `live`, as its workflow does.

        The record is as of the case's last turn, and needs no worker. The workflow needs one while it runs; of a case
        that is over it says with what it ended, but not which facts came later, and nothing once Temporal has
        forgotten it.
        Raises CaseNotFound; RecordsUnavailable, or ServiceFault where no records were given; NoAnswer of a live one.
        """
        self._require_id(case_id)
        if live:
            return await self._ask(case_id)
        if self._records is None:
            remedy = "give `Cases` the records that AFTERSALE_RECORDS_URL names, or ask the case itself: live=True"
            raise ServiceFault(f"no records to read case {case_id} from; {remedy}")
        found = await asyncio.to_thread(self._records.turns.record, case_id)
        if found is None:
            remedy = "check its id; a case that waits to be let in, or for its records, answers live=True"
            raise CaseNotFound(f"case {case_id} is not in the records; {remedy}")
        return found

    async def runs(self, case_id: str) -> bool:
        """Tell whether the case's workflow runs; not once it is over, terminated, or forgotten. Raises as `setup`."""
        with suppress(CaseNotFound):
            description = await self._await_answer(case_id, self._handle(case_id).describe())
            return description.status is WorkflowExecutionStatus.RUNNING
        return False

    async def is_known(self, case_id: str) -> bool:
        """Tell whether the server has a workflow of the case, running or over. Raises as `setup`."""
        with suppress(CaseNotFound):
            await self._await_answer(case_id, self._handle(case_id).describe())
            return True
        return False

    async def scan(self, case_id: str, event: ParcelEvent) -> None:
        """Report a carrier's scan; repeats of an event id are dropped.

        For a case that is over it becomes a correction, or is refused, as a command is.
        Raises CaseNotFound, Refusal, NoAnswer.
        """
        content = as_sent(event)
        try:
            await self._await_answer(case_id, self._handle(case_id).signal("parcel_event", content))
        except CaseNotFound:
            fact = LateFact(case_id=case_id, event_id=event.event_id, fact="parcel_event", given=content)
            await self._over(fact, event)

    async def policy_published(self, case_id: str, revision: int) -> None:
        """Tell a case that the policy book reached a revision, so that its clocks ask again (R9). Raises as `scan`."""
        await self._signal(case_id, "policy_published", publication(revision))

    async def policy_withdrawn(self, case_id: str, revision: int) -> None:
        """Tell a case that a revision was announced by mistake: it waits for no such book. Raises as `scan`."""
        await self._signal(case_id, "policy_withdrawn", publication(revision))

    # What becomes of what is sent to a case that is over

    async def _give_late(self, opened_id: str, act: Act, request_id: str) -> Status:
        command: Command = self._commands[type(act)]
        fact = LateFact(case_id=opened_id, event_id=request_id, fact=command, given=as_sent(act))
        return await self._over(fact, act)

    def _refusal(self, over: Status) -> Refusal:
        said = f"case {over.case_id} is over ({over.state.words}); legal now: nothing, the case is final"
        return Refusal("illegal_move", said)

    async def _over(self, fact: LateFact, said: Act | ParcelEvent) -> Status:
        """Return what becomes of something that was sent to a case that is over."""
        over = await self._ask(fact.case_id)
        if not over.is_final or not is_late(over, said):
            raise self._refusal(over)
        try:
            handle = await self._await_answer(
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
        taken: CorrectionTaken = await self._await_answer(fact.case_id, handle.result())
        if taken.fingerprint not in (None, fact.fingerprint):
            raise Refusal(CONFLICT, str(fact.conflict))
        if taken.entry is None:
            conflicts = any(problem.code == CONFLICT for problem in taken.problems)
            raise Refusal(CONFLICT if conflicts else "illegal_move", "; ".join(map(str, taken.problems)))
        return over.model_copy(update={"timeline": (taken.entry,)})
