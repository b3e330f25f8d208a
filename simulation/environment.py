"""A whole workplace without a server: the face of `trial.environment`, over calendars that are simulated.

Beneath it the same client, activities and stand-in platform, in this process: what a story tells of a case on the one
it can tell on the other.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from temporalio.client import WorkflowHandle
from temporalio.testing import ActivityEnvironment, WorkflowEnvironment

from activities.messaging.channels import Notification
from activities.messaging.deliver import Messenger
from activities.messaging.rendering import Templates
from aftersale.policy.load import default_book
from aftersale.records.memory import MemoryRecords
from simulation.calendars import Calendars
from simulation.channels import diverted
from simulation.loop import Inline, VirtualLoop, outside_any_loop
from simulation.platform import URL
from simulation.temporal.activities import hand
from simulation.temporal.server import connected
from simulation.temporal.service import Service
from simulation.wire import Wire
from trial.environment import Workplace, settings_for
from trial.platform import TRIAL_SECRET, create_app
from worker import hands


class Fittings:
    """What workplaces share, one after the other, since it takes long to make: records, activities, a messenger."""

    def __init__(self) -> None:
        """Wire the activities as a worker does."""
        self.records, self.wire = MemoryRecords(), Wire()
        self.settings = settings_for(URL, "sqlite:///memory")
        http = httpx.AsyncClient(transport=self.wire)
        made, _ = hands(connected(Service()), self.settings, default_book(), self.records, http)
        self.hand = hand(made)
        self._channels, self._templates = diverted(self.settings.fallback, self._post), Templates()

    def carry_messages(self) -> None:
        """Have a messenger deliver what is owed by now."""
        messenger = Messenger(self.records, self._channels, self._templates, threads=Inline())
        with outside_any_loop():
            VirtualLoop(datetime.now(UTC)).run(ActivityEnvironment().run(messenger.deliver))

    def _post(self, notification: Notification) -> bool:
        """Post to the platform over the wire, with the fields that a channel's own plugin would post."""
        body = {"title": notification.title, "message": notification.body, **notification.fields}

        async def post() -> bool:
            async with httpx.AsyncClient(transport=self.wire) as http:
                return (await http.post(f"{URL}/inbox", json=body)).is_success

        with outside_any_loop():
            return VirtualLoop(datetime.now(UTC)).run(post())


class SimulatedEnvironment(WorkflowEnvironment):
    """What a workplace asks of its server, answered by calendars; beside it, what a test looks at."""

    def __init__(self, fittings: Fittings) -> None:
        """Begin with nothing."""
        self._fittings, self._calendars = fittings, Calendars(fittings.hand)
        self._fittings.records.clear()
        super().__init__(connected(self._calendars))

    @property
    def records(self) -> MemoryRecords:
        """The records, with what is in hand written."""
        self._calendars.settle()
        return self._fittings.records

    async def fast_forward(
        self, handle: WorkflowHandle[Any, Any], duration: timedelta | float | None = None, /
    ) -> bool:
        """Move the calendar of a workflow; whether it is open then."""
        assert isinstance(duration, timedelta), "say how far"
        calendar = self._calendars.of(handle.id)
        return calendar.pass_on(calendar.server.runs[handle.id], duration.total_seconds())

    def visitor(self) -> httpx.AsyncClient:
        """Return a client that speaks to the platform as a back end does, once what is in hand is done."""
        return httpx.AsyncClient(base_url=URL, transport=_Visiting(self._fittings, self._calendars))

    async def go_on(self) -> None:
        """Have what is in hand go on, for as long as this runs."""
        await self._calendars.go_on()

    def finish(self) -> None:
        """Let go of everything; every run replays. Raises what must never happen, if it did."""
        self._calendars.finish()


class _Visiting(httpx.AsyncBaseTransport):
    """The wire of whoever looks at the platform from outside."""

    def __init__(self, fittings: Fittings, calendars: Calendars) -> None:
        self._fittings, self._calendars = fittings, calendars

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self._calendars.settle()
        if request.url.path == "/inbox":
            self._fittings.carry_messages()
        return await self._fittings.wire.handle_async_request(request)


@asynccontextmanager
async def simulated(fittings: Fittings) -> AsyncIterator[Workplace]:
    """Keep a workplace for as long as the block runs; in the end every run replays."""
    app = create_app(None, TRIAL_SECRET)
    fittings.wire.app = app
    async with app.router.lifespan_context(app):
        env = SimulatedEnvironment(fittings)
        going_on = asyncio.create_task(env.go_on())
        try:
            yield Workplace(env, URL, fittings.settings)
        finally:
            going_on.cancel()
            env.finish()
