"""The base of cases and watches: read the request, judge and take updates, hear signals.

Handlers judge, record and return; the desk alone acts. They take whatever any SDK sends and validate it themselves, so
that a malformed payload becomes an answer rather than a workflow task that fails for ever.
"""

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar, Generic, TypeVar

from temporalio import workflow
from temporalio.common import RawValue

from aftersale import bounds
from aftersale.case.validator import instant_of
from aftersale.contract.commands import Act, OpenCase, ParcelEvent, read
from aftersale.contract.idempotency import ALREADY_TAKEN
from aftersale.contract.publication import PolicyPublished
from aftersale.contract.quotas import Extra
from aftersale.contract.request import CaseRequest
from aftersale.contract.status import ALREADY_OPEN, Status
from aftersale.errors import BadInput, Problem, bad_input
from aftersale.schema import Schema, is_id
from aftersale.vocabulary import Command, WatchCommand
from aftersale.watch.commands import OpenWatch
from aftersale.watch.request import WatchRequest
from aftersale.watch.status import WatchStatus
from workflows.entity_desk import EntityDesk
from workflows.present import Present
from workflows.refusals import failing_updates, failure, unknown
from workflows.requests import Requests, with_request_id

R = TypeVar("R", bound=CaseRequest | WatchRequest)
A = TypeVar("A", bound=Act)
D = TypeVar("D", bound=EntityDesk)
T = TypeVar("T", Status, WatchStatus)
S = TypeVar("S", bound=Schema)


class Entity(Generic[R, A, D, T]):
    """A workflow with a request `R`, commands that carry an `A`, a desk `D` and a status `T`.

    A subclass gets an update for every command that it names a payload for, and declares run and the query `status`.
    """

    noun: ClassVar[str]
    id_field: ClassVar[str]
    conflict: ClassVar[str]
    request_type: type[R]
    opening_type: type[OpenCase | OpenWatch]
    payloads: Mapping[Any, type[A]]

    def __init_subclass__(cls) -> None:
        """Declare the updates of a class that says which payloads its commands carry."""
        super().__init_subclass__()
        for command in vars(cls).get("payloads", ()):
            setattr(cls, command.value, _update(command))

    @workflow.init
    def __init__(self, *given: Any) -> None:
        """Read the request; what is wrong with it becomes the reason of a refusal."""
        self._given = given[0] if len(given) == 1 else None
        self._present = Present()
        self._requests: Requests[T] = Requests()
        self._problems: tuple[Problem, ...] = ()
        self._desk: D | None = None
        self._openings = 0
        try:
            request = read(self.request_type, self._given, "request")
            if workflow.info().workflow_id != request.workflow_id:
                wanted = f"does not fit the workflow id; start the workflow as {request.workflow_id}"
                raise bad_input(self.id_field, wanted)
            self._desk = self._desk_for(request)
        except BadInput as error:
            self._problems = error.problems

    async def work(self, course: Coroutine[Any, Any, None]) -> T:
        """Run the course to its end and return the status. A cancellation by an operator stops the desk instead."""
        working = asyncio.create_task(self._finish(course))
        try:
            return await asyncio.shield(working)
        except asyncio.CancelledError:
            if self._desk is not None:
                self._desk.stop()
            return await working

    async def _finish(self, course: Coroutine[Any, Any, None]) -> T:
        await course
        await workflow.wait_condition(workflow.all_handlers_finished)
        return self.status()

    # What a subclass says

    def status(self) -> T:
        """Return how the entity stands; a refused request shows why."""
        raise NotImplementedError

    def _desk_for(self, request: R) -> D:
        """Return a desk for the request. Raises BadInput."""
        raise NotImplementedError

    def _judge(self, command: Any, act: A, at: datetime) -> object:
        """Return what becomes of an act that happened at `at`; one that is refused fails the update."""
        raise NotImplementedError

    async def _take(self, command: Any, act: A, at: datetime) -> T:
        """Take an act that happened at `at`, and return the status once the desk has settled."""
        raise NotImplementedError

    def _hear_scan(self, desk: D, scan: ParcelEvent) -> bool:
        """Keep a carrier's scan, and return whether it was kept."""
        raise NotImplementedError

    def _refuse_signal(self, desk: D, says: str) -> None:
        """Note a signal that could not be read."""
        raise NotImplementedError

    # What callers may send, beside commands

    @workflow.update(description="the decision on the request; repeatable")
    async def open(self, given: Any = None) -> T:
        """Return the decision. A caller whose request differs from the entity's own learns of the conflict."""
        self._openings += 1
        told = self._told
        self._require_own(given)
        await wait_until(lambda: self._is_decided)
        return self._since(told)

    @open.validator
    def _may_open(self, given: Any = None) -> None:
        """Refuse another's request, and one more of very many, before it is in the history; the first is none."""
        self._require_own(given)
        full = workflow.info().get_current_history_size() >= bounds.HISTORY_BYTES
        if full or self._openings >= bounds.OPENINGS:
            said = f"this {self.noun} was opened, and has said so {self._openings} times; ask the query status"
            raise failure([Problem(code=ALREADY_OPEN, field="", message=said)])

    @workflow.update(dynamic=True)
    async def refuse_unknown(self, name: str, given: Sequence[RawValue]) -> T:
        """Refuse any other update; its validator has done so before."""
        raise unknown(name, self.payloads)

    @refuse_unknown.validator
    def _refuse_unserved(self, name: str, given: Sequence[RawValue]) -> None:
        raise unknown(name, self.payloads)

    @workflow.signal(description="a carrier's scan of a parcel")
    def parcel_event(self, given: Any = None) -> None:
        """Keep a scan; whether it counts is judged by when it happened."""
        self._hear(ParcelEvent, given, self._note_scan)

    @workflow.signal(description="the policy book reached a revision; running clocks ask again")
    def policy_published(self, given: Any = None) -> None:
        """Have the running clocks ask the newer book."""
        self._hear(PolicyPublished, given, lambda desk, published: desk.hear_revision(published.revision))

    @workflow.signal(description="a revision was announced by mistake; clocks that wait for it ask again without it")
    def policy_withdrawn(self, given: Any = None) -> None:
        """Forget a revision that no policy book has; who waits for that book asks again for the one before."""
        self._hear(PolicyPublished, given, lambda desk, withdrawn: desk.revisions.forget(withdrawn.revision))

    # How it is taken

    def _check(self, command: Any, given: Any) -> None:
        """Refuse in the update validator what can be refused; nothing is written to history then.

        What was taken before is not judged again: it is legal no longer, and is answered as it was. Not without end:
        every answer is in history once more.
        """
        act, at = self._read(command, given)
        with failing_updates():
            known = self._requests.find(command, act)
            reason = self._require_desk().noted.quotas.used_up(act.actor.party, Extra.REPEATS) if known else None
        if known is None:
            self._judge(command, act, at)
        elif reason:
            said = f"{act.request_id} ({command}) was taken, and {reason}; ask the query status"
            raise failure([Problem(code=ALREADY_TAKEN, field="request_id", message=said)])

    async def _take_once(self, command: Any, given: Any) -> T:
        """Take a command; one that comes again under its request id gets the answer that it got."""
        act, at = self._read(command, given)
        with failing_updates():
            if self._requests.find(command, act) is not None:
                size = len(act.model_dump_json(exclude_defaults=True).encode())
                self._require_desk().noted.quotas.use(act.actor.party, Extra.REPEATS, 1 + size // bounds.REPEAT_BYTES)
            answer: T = await self._requests.take_once(command, act, lambda: self._take(command, act, at))
        return answer

    def _read(self, command: Any, given: Any) -> tuple[A, datetime]:
        """Return what was given, and when it happened: as its back end says, else now (R15)."""
        with failing_updates():
            act = with_request_id(read(self.payloads[command], given, "payload"))
        return act, instant_of(act, self._present.second)

    def _note_scan(self, desk: D, scan: ParcelEvent) -> None:
        if self._hear_scan(desk, scan):
            self._present.note_fact(scan.occurred_at)

    def _require_desk(self) -> D:
        if self._desk is None or self._problems:
            said = "; ".join(str(problem) for problem in self._problems)
            message = f"the request opened no {self.noun}: {said}"
            raise failure([Problem(code="refused", field="", message=message)])
        return self._desk

    def _hear(self, shape: type[S], given: Any, tell: Callable[[D, S], None]) -> None:
        desk = self._desk
        if desk is None:
            return
        try:
            tell(desk, read(shape, given, "signal"))
        except BadInput as error:
            self._refuse_signal(desk, str(error))
        desk.wake()

    @property
    def _told(self) -> int:
        """How many lines the timeline has."""
        return len(self._desk.noted.timeline) if self._desk is not None else 0

    def _since(self, told: int) -> T:
        """Return the status with the part of the timeline that came after so many lines: an answer has its size."""
        status = self.status()
        return status.model_copy(update={"timeline": status.timeline[told:]})

    # How the request is known again

    def _require_own(self, given: Any) -> None:
        with failing_updates():
            wanted = read(self.opening_type, {} if given is None else given, "payload")
        if not self._is_own(wanted):
            raise failure([Problem(code=f"{self.id_field}_conflict", field=self.id_field, message=self.conflict)])

    @property
    def _is_decided(self) -> bool:
        """Return whether the request was refused, or the desk has settled."""
        return bool(self._problems) or self._desk is None or self._desk.settled

    def _is_own(self, wanted: OpenCase | OpenWatch) -> bool:
        """Return whether the caller's request, where one is given, is the entity's own."""
        if wanted.request is None:
            return True
        try:
            return read(self.request_type, wanted.request, "request") == read(self.request_type, self._given, "request")
        except BadInput:
            return wanted.request == self._given

    def _shown_id(self) -> str:
        named = self._given.get(self.id_field) if isinstance(self._given, dict) else None
        return str(named) if is_id(named) else workflow.info().workflow_id.removeprefix(f"{self.noun}/")[:64]


def _update(command: Command | WatchCommand) -> object:
    """Return the update of a command, with its validator; it takes whatever any SDK sends."""

    async def handler(self: Entity[Any, Any, Any, Any], given: Any = None) -> Any:
        return await self._take_once(command, given)

    def validator(self: Entity[Any, Any, Any, Any], given: Any = None) -> None:
        self._check(command, given)

    handler.__name__ = validator.__name__ = command.value
    made = workflow.update(name=command.value, description=command.words)(handler)
    made.validator(validator)
    return made


async def wait_until(true: Callable[[], bool]) -> None:
    """Wait until it is true, and still is when the caller goes on: what else was woken may have changed it."""
    while not true():
        await workflow.wait_condition(true)
