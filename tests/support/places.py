"""Places where stories are told: the real server, or the simulator, which is told the same and answers the same."""

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any

import pytest
from temporalio.api.enums.v1 import EventType, WorkflowTaskFailedCause

from aftersale import records
from aftersale.vocabulary import CaseKind
from simulation.environment import Fittings, SimulatedEnvironment, simulated
from simulation.unheard import unheard
from tests.support.lanes import is_simulated
from tests.support.platform_fixtures import StandIn
from tests.support.platform_fixtures import client as http_client
from trial.environment import Live, Workplace
from trial.virtual_time import Leap

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


async def watching(place: Workplace) -> AsyncIterator[Watched]:
    """A workplace none of whose cases may leave a failed workflow task behind, nor a failure that nobody awaited."""
    watched = Watched(place.env, place.platform_url, place.settings)
    with unheard() as failures:
        yield watched
        await watched.check()
    assert failures == []


@pytest.fixture
def place(request: pytest.FixtureRequest) -> Workplace:
    """The workplace of a story: the simulator's, unless `tests.support.lanes` keeps the story on the server."""
    found: Workplace = request.getfixturevalue("simulator" if is_simulated(request.node) else "server")
    return found


@pytest.fixture
async def server(served: Workplace) -> AsyncIterator[Workplace]:
    """The workplace on the real server."""
    async for watched in watching(served):
        yield watched


@pytest.fixture
async def simulator() -> AsyncIterator[Workplace]:
    """A workplace on the simulator, which itself takes no failed task, and has every run replay in the end."""
    with unheard() as failures:
        async with simulated(_fittings()) as place:
            yield Watched(place.env, place.platform_url, place.settings)
    assert failures == []


@cache
def _fittings() -> Fittings:
    return Fittings()


@pytest.fixture
async def stand_in(place: Workplace) -> AsyncIterator[StandIn]:
    """The stand-in platform of the place; faults that did not happen are forgotten in the end."""
    at_hand = place.env.visitor() if isinstance(place.env, SimulatedEnvironment) else http_client(place.platform_url)
    async with at_hand as http:
        yield StandIn(place.platform_url, http)
        await http.delete("/faults")


@contextmanager
def records_of(place: Workplace) -> Iterator[records.Records]:
    """The records of the place, to be read beside its worker."""
    if isinstance(place.env, SimulatedEnvironment):
        yield place.env.records
    else:
        with records.open(place.settings.records_url) as kept:
            yield kept
