"""Notices of June 2024 that are rolled out, the cases that they bear on, and how a rollout is watched."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import Client

from aftersale.client import Cases
from aftersale.contract.status import Status
from aftersale.policy.book import Book
from aftersale.policy.rollout import Progress
from aftersale.policy.rules import PolicyFile
from aftersale.temporal.plugin import plugin
from aftersale.times import local
from tests.support.books import BOOK, notice
from tests.support.cases import all_of, approved, quiet
from trial.environment import Live, Workplace, grounds
from trial.patience import Unhurried
from trial.virtual_time import CalendarRunner
from worker import worker

JUNE = "2024-06-03 10:00:00"
OF_JUNE = {"june": ("2024-06-01T00:00:00", "2024-06-30T23:59:59")}


def of_june(limit: str = "P14D", **given: Any) -> PolicyFile:
    """A notice that gives buyers so long to send back, where their clock began in June 2024."""
    rule = {"id": "T1", "clock": "buyer_return", "key": "started", "window": "june", "effect": {"set": limit}}
    return notice(rule, windows=OF_JUNE, announced=date(2024, 6, 3), **given)


def edition(revision: int, *files: PolicyFile) -> Book:
    """The book of today with these files, at that revision."""
    return Book([*BOOK.files, *files], BOOK.services.files, name=BOOK.name, revision=revision)


@dataclass(frozen=True)
class Field(Workplace):
    """A workplace of its own, without a worker, in which a rollout meets no case of another test."""

    @property
    def rollouts(self) -> Any:
        """The rollouts, as an operator's program has them."""
        return Cases(self.client).rollouts

    @asynccontextmanager
    async def worked(self, book: Book) -> AsyncIterator[None]:
        """One more worker with that book; each has a client of its own, as processes have."""
        target = self.client.service_client.config.target_host
        client = await Client.connect(target, plugins=[plugin(CalendarRunner()), Unhurried()])
        async with worker(client, self.settings, book) as hand, hand:
            yield

    async def returning(self, count: int) -> list[Live]:
        """Returns that wait for their buyers since 3 June, worked by whoever works here."""
        lives = await all_of(approved(self, JUNE) for _ in range(count))
        await all_of(quiet(live) for live in lives)
        return lives

    async def begun(self, revision: int, version: str | None = None, **pace: Any) -> Progress:
        """A rollout that was started, or goes on."""
        with self.env.with_time_skipping_disabled():
            found: Progress = await self.rollouts.start(revision, version=version, **pace)
        return found

    async def rolled_out(self, revision: int, **pace: Any) -> Progress:
        """How a rollout ended."""
        await self.begun(revision, **pace)
        return await self.shown(revision, lambda found: found.step.is_end)

    async def shown(self, revision: int, what: Callable[[Progress], object]) -> Progress:
        """How far a rollout is once it shows what is looked for."""
        found: Progress | None = None
        try:
            async with asyncio.timeout(60):
                while not what(found := await self.rollouts.progress(revision)):
                    await asyncio.sleep(0.05)
        except TimeoutError:
            pytest.fail(f"the rollout never showed it; it stands at {found}, held up by {await self.held_up(revision)}")
        assert found is not None
        return found

    async def held_up(self, revision: int) -> str | None:
        """Why what the rollout does has failed so far."""
        found: str | None = await self.rollouts.holdup(revision)
        return found


def due(status: Status) -> str:
    """Until when the buyer may send back, as people in the policy's zone read it."""
    assert status.next.respond_by is not None
    return local(status.next.respond_by)[:19].replace("T", " ")


@asynccontextmanager
async def field(folder: Path) -> AsyncIterator[Field]:
    """A field whose files are in `folder`."""
    async with grounds(folder) as place:
        yield Field(place.env, place.platform_url, place.settings)


async def held_up(place: Field, revision: int, said: str) -> None:
    """Wait until the rollout says so of what holds it up."""
    async with asyncio.timeout(60):
        while said not in (await place.held_up(revision) or ""):
            await asyncio.sleep(0.05)


async def idle(place: Field, revision: int) -> None:
    """Wait until the rollout has nothing in hand."""
    async with asyncio.timeout(60):
        while (
            await place.client.get_workflow_handle(f"rollout/{revision}").describe()
        ).raw_description.pending_activities:
            await asyncio.sleep(0.05)


async def signals(live: Live) -> list[int]:
    """The revisions of which the case was told."""
    found = []
    async for event in live.handle.fetch_history_events():
        told = event.workflow_execution_signaled_event_attributes
        if told.signal_name == "policy_published":
            [given] = await live.env.client.data_converter.decode(told.input.payloads)
            found.append(given["revision"])
    return found
