"""Roll a published book out: find which workers have it, and tell the cases that run.

Telling a case is safe to repeat: it takes a revision once. So a batch whose worker died is repeated from its beginning.
"""

import asyncio
import base64
import os
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from temporalio import activity
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError, RPCStatusCode

from activities import present
from activities.fleet import POLLED, Fleet
from aftersale.policy.book import Book
from aftersale.policy.rollout import (
    POLICY_ROLLOUT,
    Batch,
    Missed,
    Readiness,
    Step,
    Told,
    book_of,
    identity,
    is_other_book,
    revision_of,
    workflow_id,
)
from aftersale.records import Records
from aftersale.times import floor
from aftersale.watch.request import WATCH

SKEW = timedelta(minutes=5)
"""How far apart the clocks of two workers may be."""

_ANSWER = timedelta(seconds=10)
"""How long the server may take over one call."""

_MOST_REVISIONS = 50
"""How many later revisions are looked up: who is further behind than that learns it from the later rollout itself."""

_PASSING = {
    RPCStatusCode.CANCELLED,
    RPCStatusCode.DEADLINE_EXCEEDED,
    RPCStatusCode.RESOURCE_EXHAUSTED,
    RPCStatusCode.UNAVAILABLE,
}
"""What a server says that may serve the same call a little later."""

PATIENT_FOR = timedelta(seconds=2)
"""Where a task has waited for a worker longer than that, telling waits: whoever acts on a case comes first."""

_LOOK_AFTER = 20
"""How many cases are told between two looks at how far the workers are behind."""

_READ = 1000
"""How many open cases are read at a time in search of those that came meanwhile."""

_LOOKS = 60
"""How often, a second apart, workers that are behind are looked at before some more cases are told all the same."""


class RolloutActivities:
    """The cases of one namespace, and those who work them, as a rollout sees them."""

    def __init__(self, client: Client, book: Book, records: Records) -> None:
        """Speak to cases through this client, and find them in these records.

        `identity` is the name under which the worker with this book must show itself to the server.
        """
        self._client, self._book, self._records = client, book, records
        host, token = socket.gethostname(), uuid4().hex[:8]
        self.identity = identity(host, os.getpid(), book.revision, book.version, token)
        self.activities: list[Callable[..., Any]] = [self.survey_workers, self.supersede_rollouts, self.tell_cases]

    @activity.defn(name="survey_workers")
    async def survey_workers(self, revision: int, version: str | None = None) -> Readiness:
        """Make sure that no worker that can be seen has an older book, or another one under the same revision.

        Raises a retryable error that names those that have: a case that is told could meet one of them, and wait, or be
        answered by either.
        """
        books = {name: book_of(name) for name in await self._fleet().names()}
        older = [name for name, book in books.items() if book is None or book[0] < revision]
        if older or self._book.revision < revision:
            raise ApplicationError(self._unready(revision, older, len(books)), type="old_book")
        if version is None and self._book.revision == revision:
            version = self._book.version
        same = {name: book[1] for name, book in books.items() if book and book[0] == revision}
        if others := [name for name, content in same.items() if is_other_book(content, version)]:
            raise ApplicationError(_differing(revision, version, others, len(books)), type="other_book")
        open_cases = await asyncio.to_thread(self._records.cases.count_running)
        now = floor(present.now())
        return Readiness(version=version or self._book.version, workers=len(books), open_cases=open_cases, at=now)

    @activity.defn(name="supersede_rollouts")
    async def supersede_rollouts(self, revision: int) -> None:
        """Tell the rollouts of earlier revisions that are listed as running; one that is not yet sees it by itself."""
        query = f"WorkflowType = '{POLICY_ROLLOUT}' AND ExecutionStatus = 'Running'"
        async for found in self._client.list_workflows(query):
            earlier = revision_of(found.id)
            if earlier is not None and earlier < revision:
                await self._signal(found.id, "superseded", revision)

    @activity.defn(name="tell_cases")
    async def tell_cases(self, batch: Batch) -> Told:
        """Tell the cases of a batch, at its rate; nobody is told once a later revision has a rollout.

        Raises a retryable error where server or records do not answer.
        """
        later = await self._later(batch.revision)
        if later is not None:
            return Told(superseded_by=later)
        case_ids, after = await self._page(batch)
        told, gone, missed = 0, 0, []
        async for case_id in _paced(case_ids, batch.rate, self._fleet()):
            activity.heartbeat()
            why = await self._tell(case_id, batch.revision)
            told += why is None
            gone += why == ""
            missed += [Missed(case_id=case_id, why=why)] if why else []
        return Told(told=told, gone=gone, missed=tuple(missed), after=after)

    def _unready(self, revision: int, older: Sequence[str], workers: int) -> str:
        newest = max([self._book.revision, *(book[0] for name in older if (book := book_of(name)))])
        if newest < revision and len(older) == workers:
            return (
                f"no worker has revision {revision} of the policy book, the newest that is seen is {newest}; roll the "
                "book out to every worker, or stop this rollout if the number is a mistake"
            )
        named = ", ".join(sorted(older)[:10])
        return (
            f"{len(older)} of {workers} workers have an older policy book than revision {revision}: {named}; roll the "
            f"new book out to every worker (one that was killed is forgotten after {POLLED.seconds} s)"
        )

    def _fleet(self) -> Fleet:
        return Fleet(self._client, activity.info().task_queue)

    # Cases

    async def _later(self, revision: int) -> int | None:
        """Return the later revision whose rollout runs or is done, if any.

        It has begun only where workers have its book.
        """
        for later in range(self._book.revision, revision, -1)[:_MOST_REVISIONS]:
            try:
                found = await self._client.get_workflow_handle(workflow_id(later)).describe(rpc_timeout=_ANSWER)
            except RPCError as error:
                if error.status is not RPCStatusCode.NOT_FOUND:
                    raise
            else:
                if found.status in (WorkflowExecutionStatus.RUNNING, WorkflowExecutionStatus.COMPLETED):
                    return later
        return None

    async def _page(self, batch: Batch) -> tuple[Sequence[str], str | None]:
        """Return the cases of a batch, and where the next one begins."""
        if batch.again:
            return batch.again, None
        if batch.step is Step.STRAYS:
            return await self._strays(batch)
        if batch.step is Step.NEWCOMERS:
            assert batch.since is not None
            return await self._newcomers(batch.since - SKEW, batch.after, batch.size)
        found = await asyncio.to_thread(self._records.cases.running_ids, batch.after, batch.size)
        return found, found[-1] if len(found) == batch.size else None

    async def _newcomers(self, since: datetime, after: str, size: int) -> tuple[Sequence[str], str | None]:
        """Return a page of the cases that came since: few among very many, which are gone through in short reads."""
        found: list[str] = []
        place: str | None = after
        while place is not None and len(found) < size:
            activity.heartbeat()
            new, place = await asyncio.to_thread(self._records.cases.newcomer_ids, since, place, _READ)
            found += new
        return (found[:size], found[size - 1]) if len(found) > size else (found, place)

    async def _strays(self, batch: Batch) -> tuple[Sequence[str], str | None]:
        """Return a page of what the server lists as running, without the cases that the records know.

        Watches among it.
        """
        query = f"(WorkflowId STARTS_WITH 'case/' OR WorkflowType = '{WATCH}') AND ExecutionStatus = 'Running'"
        token = base64.b64decode(batch.after) or None
        listed = self._client.list_workflows(query, page_size=batch.size, next_page_token=token)
        await listed.fetch_next_page()
        running = [found.id.removeprefix("case/") for found in listed.current_page or ()]
        known = await asyncio.to_thread(self._records.cases.known_ids, running)
        token = listed.next_page_token
        return [each for each in running if each not in known], base64.b64encode(token).decode() if token else None

    async def _tell(self, case_id: str, revision: int) -> str | None:
        """None where the case took the revision, no word where it was over by then, else why it could not be told."""
        try:
            taken = await self._signal(_workflow(case_id), "policy_published", revision)
        except RPCError as error:
            if error.status in _PASSING:
                raise
            return f"{error.status.name}: {error.message}"
        return None if taken else await self._absent(case_id)

    async def _absent(self, case_id: str) -> str:
        """Say why Temporal runs no such case. One that ended by itself has told the records so before."""
        if not await asyncio.to_thread(self._records.cases.is_running, case_id):
            return ""
        said = "the records show it open, but Temporal does not run it: it was terminated, or forgotten"
        return f"{said}; run `aftersale reconcile`"

    async def _signal(self, id_: str, name: str, revision: int) -> bool:
        """Tell whether such a workflow runs, and has the signal now."""
        handle = self._client.get_workflow_handle(id_)
        try:
            await handle.signal(name, {"revision": revision}, rpc_timeout=_ANSWER)
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise
            return False
        return True


def _differing(revision: int, version: str | None, others: Sequence[str], workers: int) -> str:
    named = ", ".join(sorted(others)[:10])
    return (
        f"{len(others)} of {workers} workers have another policy book as revision {revision} than {version}: {named}; "
        "give one of the two a revision of its own, and roll that out to every worker"
    )


def _workflow(case_id: str) -> str:
    """Return the workflow's id: a case's own id has no slash, a watch goes by that of its workflow."""
    return case_id if "/" in case_id else f"case/{case_id}"


async def _paced(case_ids: Sequence[str], rate: int, fleet: Fleet) -> AsyncIterator[str]:
    """Return the cases, so many in a second at most, and none while the workers are behind with what they have."""
    loop = asyncio.get_running_loop()
    for number, case_id in enumerate(case_ids):
        if number % _LOOK_AFTER == 0:
            await _until_kept_up(fleet)
        began = loop.time()
        yield case_id
        await asyncio.sleep(max(0.0, began + 1 / rate - loop.time()))


async def _until_kept_up(fleet: Fleet) -> None:
    """Wait for workers that are behind; not for ever, since a server's account of them is only about right."""
    for _ in range(_LOOKS):
        behind = await fleet.behind()
        if behind <= PATIENT_FOR:
            return
        activity.heartbeat(f"waits: a workflow task has waited {behind.total_seconds():.0f} s for a worker")
        await asyncio.sleep(1)
