"""The workplace of the cases under test, where no case may leave a failed workflow task behind."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from temporalio.api.enums.v1 import EventType, WorkflowTaskFailedCause

from aftersale.kinds import CaseKind
from tests.support.platform_fixtures import StandIn
from tests.support.platform_fixtures import client as http_client
from trial.calendar import Leap
from trial.workplace import Live, Workplace, grounds

NOBODY_S_FAULT = (
    WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_UNHANDLED_COMMAND,
    WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_FORCE_CLOSE_COMMAND,
)
"""The server hands a task out anew because something arrived while it was worked on."""


@dataclass(frozen=True)
class Watched(Workplace):
    """A workplace that remembers which cases were started in it."""

    cases: list[Live] = field(default_factory=list, repr=False)

    async def start(
        self,
        kind: CaseKind,
        request: Any,
        at: datetime,
        *,
        workflow_id: str | None = None,
        leap: Leap | None = None,
    ) -> Live:
        live = await super().start(kind, request, at, workflow_id=workflow_id, leap=leap)
        self.cases.append(live)
        return live

    async def check(self) -> None:
        """A task that fails is tried again for ever: the case hangs, whatever its test saw."""
        for live in self.cases:
            async for event in live.handle.fetch_history_events():
                found = event.workflow_task_failed_event_attributes
                failed = event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED
                assert not failed or found.cause in NOBODY_S_FAULT, f"{live.handle.id}: {found.failure}"


async def _watched(place: Workplace) -> AsyncIterator[Watched]:
    watched = Watched(place.env, place.platform_url, place.settings)
    yield watched
    await watched.check()


@pytest.fixture(name="place")
async def watched_place(place: Workplace) -> AsyncIterator[Workplace]:
    async for watched in _watched(place):
        yield watched


@pytest.fixture(scope="session")
async def ground(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Workplace]:
    folder: Path = tmp_path_factory.mktemp("grounds")
    async with grounds(folder) as running:
        yield running


@pytest.fixture
async def idle(ground: Workplace) -> AsyncIterator[Workplace]:
    """A workplace of its own without a worker: a test puts one to work when it likes."""
    async for watched in _watched(ground):
        yield watched


@pytest.fixture
async def stand_in(place: Workplace) -> AsyncIterator[StandIn]:
    """The stand-in platform of the place; faults that did not happen are forgotten in the end."""
    async with http_client(place.platform_url) as http:
        yield StandIn(place.platform_url, http)
        await http.delete("/faults")


@pytest.fixture
async def idle_stand_in(idle: Workplace) -> AsyncIterator[StandIn]:
    """The stand-in platform of the idle place."""
    async with http_client(idle.platform_url) as http:
        yield StandIn(idle.platform_url, http)
        await http.delete("/faults")
