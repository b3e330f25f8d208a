"""A whole workplace on one machine, on any date: a Temporal server that skips time, the stand-in platform, a worker.

Trials and tests work cases here as back ends would, only faster: `Live.until` moves a case's calendar.
"""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar

from temporalio.client import Client, WorkflowHandle, WorkflowUpdateFailedError
from temporalio.common import SearchAttributeKey
from temporalio.exceptions import ApplicationError
from temporalio.plugin import SimplePlugin
from temporalio.service import RPCError, RPCStatusCode
from temporalio.testing import WorkflowEnvironment

from activities.payments import Payments
from activities.services import SERVICES
from aftersale import records
from aftersale.client import WORKFLOW_TYPES, Refusal
from aftersale.contract.status import Status
from aftersale.schema import Schema
from aftersale.temporal.plugin import TASK_QUEUE, plugin
from aftersale.temporal.search_attributes import ATTRIBUTES
from aftersale.times import local
from aftersale.vocabulary import CaseKind
from trial import virtual_time
from trial.patience import Unhurried
from trial.platform import TRIAL_SECRET, create_app, serve
from trial.server import skipping
from worker import Settings, worker

S = TypeVar("S", bound=Schema)

_KEYS: dict[str, Callable[[str], SearchAttributeKey[Any]]] = {
    "Keyword": SearchAttributeKey.for_keyword,
    "Datetime": SearchAttributeKey.for_datetime,
    "Int": SearchAttributeKey.for_int,
    "Bool": SearchAttributeKey.for_bool,
}


@dataclass(frozen=True)
class Running(Generic[S]):
    """One workflow on its own calendar that is given commands, and answers with its status."""

    env: WorkflowEnvironment
    handle: WorkflowHandle[Any, S]

    shape: ClassVar[type[Schema]]
    """What its status is."""

    async def act(self, command: str, party: str, reference: str, **given: Any) -> S:
        """Give it a command as a back end would. Raises Refusal."""
        return await self.update(command, {"actor": {"party": party, "id": reference}, **given})

    async def update(self, name: str, payload: Any, **options: Any) -> S:
        """Send an update as it is. Raises Refusal."""
        try:
            status: S = await self.handle.execute_update(name, payload, result_type=self.shape, **options)
            return status
        except WorkflowUpdateFailedError as error:
            cause = error.cause
            code = cause.type if isinstance(cause, ApplicationError) and cause.type else "refused"
            raise Refusal(code, str(cause)) from error

    async def status(self) -> S:
        """Say how it stands."""
        status: S = await self.handle.query("status", result_type=self.shape)
        return status

    async def until(self, at: datetime, *, handled: bool = True) -> bool:
        """Move its calendar to an instant; whether it is still open there."""
        return await virtual_time.advance(self.env, self.handle, at, handled=handled)


@dataclass(frozen=True)
class Live(Running[Status]):
    """One case on its own calendar."""

    shape = Status

    async def scan(self, tracking_no: str, event: str, at: datetime, event_id: str, leg: str = "return") -> None:
        """Report a carrier's scan."""
        given = {"event_id": event_id, "leg": leg, "tracking_no": tracking_no, "event": event}
        await self.handle.signal("parcel_event", {**given, "occurred_at": local(at)})
        await self.when_settled()

    async def when_settled(self) -> Status:
        """Return the case once it has settled: repeating `open` waits for it, which a signal or a query does not."""
        await self.update("open", {})
        return await self.status()

    async def now(self) -> datetime:
        """Return the instant at which the case stands."""
        return await virtual_time.now(self.handle)


@dataclass(frozen=True)
class Workplace:
    """The running parts, and how to begin a case on a date."""

    env: WorkflowEnvironment
    platform_url: str
    settings: Settings

    @property
    def client(self) -> Client:
        """A Temporal client with the product's plugin, on the calendar."""
        return self.env.client

    async def start(
        self,
        kind: CaseKind,
        request: Any,
        at: datetime,
        *,
        workflow_id: str | None = None,
        leap: virtual_time.Leap | None = None,
    ) -> Live:
        """Start a case as any SDK could, with a plain start; it believes that it starts at `at`."""
        named = request.get("case_id") if isinstance(request, Mapping) else None
        with self.env.with_time_skipping_disabled():
            handle = await self.client.start_workflow(
                WORKFLOW_TYPES[kind],
                request,
                id=workflow_id or f"case/{named}",
                task_queue=TASK_QUEUE,
                memo=virtual_time.memo(at, leap),
                result_type=Status,
            )
        return Live(self.env, handle)

    async def open(self, kind: CaseKind, request: Any, at: datetime, leap: virtual_time.Leap | None = None) -> Live:
        """Start a case and wait for the decision on its request; a refused one may be over before it is asked."""
        live = await self.start(kind, request, at, leap=leap)
        try:
            await live.update("open", {})
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise
        return live


@asynccontextmanager
async def grounds(folder: Path, records_url: str | None = None) -> AsyncIterator[Workplace]:
    """Return a server, the stand-in platform and the records, which keep their files in `folder`; no worker yet.

    The records may be another database instead, and are brought up to date there.
    """
    keys: list[SearchAttributeKey[Any]] = [_KEYS[type_](name) for name, type_ in ATTRIBUTES.items()]
    on_calendar = plugin(virtual_time.CalendarRunner())
    descendants = SimplePlugin("descendants", interceptors=[virtual_time.Descendants()])
    app = create_app(folder / "platform.db", TRIAL_SECRET)
    records_url = records_url or f"sqlite:///{folder / 'records.db'}"
    records.migrate(records_url)
    async with (
        skipping(plugins=[on_calendar, descendants, Unhurried()], search_attributes=keys) as env,
        serve(app) as url,
    ):
        yield Workplace(env, url, settings_for(url, records_url))


@asynccontextmanager
async def workplace(folder: Path, records_url: str | None = None) -> AsyncIterator[Workplace]:
    """Return the grounds with a worker on them."""
    async with grounds(folder, records_url) as place, worker(place.client, place.settings) as hand, hand:
        yield place


def settings_for(platform_url: str, records_url: str) -> Settings:
    """Return a worker's settings to work with the stand-in platform."""
    return Settings.read(variables_for(platform_url, records_url))


def variables_for(platform_url: str, records_url: str) -> dict[str, str]:
    """Return the environment of a worker that works with the stand-in platform, wherever its Temporal server is."""
    told = {records.VARIABLE: records_url}
    for labels in (Payments.labels, *(each.labels for each in SERVICES)):
        address, secret = labels.variables
        told |= {address: platform_url, secret: TRIAL_SECRET}
    return told | {"AFTERSALE_NOTIFY_FALLBACK": platform_url.replace("http", "json", 1) + "/inbox"}
