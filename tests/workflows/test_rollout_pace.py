"""A rollout keeps its rate, and lets whoever acts on a case go first."""

import asyncio
import dataclasses
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from temporalio.testing import ActivityEnvironment

from activities.rollouts import PATIENT_FOR, RolloutActivities
from aftersale import records
from aftersale.policy.rollout import Batch, Step
from aftersale.records import Records
from aftersale.temporal.plugin import TASK_QUEUE
from aftersale.vocabulary import CaseKind
from tests.support.cases import at, request
from tests.support.drawing import HOUR, NOW, turn
from tests.support.rollouts import JUNE, edition, field, of_june

NEXT = 5
NEW = edition(NEXT, of_june())


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Records]:
    url = f"sqlite:///{tmp_path / 'records.db'}"
    records.migrate(url)
    with records.open(url) as opened:
        yield opened


async def test_nobody_is_told_while_the_workers_are_behind(tmp_path: Path, kept: Records) -> None:
    wanted = request()
    async with field(tmp_path) as place:
        kept.turns.write([turn(wanted["case_id"], 1)], now=NOW)
        await place.start(CaseKind.RETURN, wanted, at(JUNE))
        await asyncio.sleep(PATIENT_FOR.total_seconds() + 0.5)  # asked earlier, the server keeps its answer for a while
        env, said = activity(), list[str]()
        env.on_heartbeat = lambda *details: said.extend(details)
        telling = asyncio.create_task(env.run(RolloutActivities(place.client, NEW, kept).tell_cases, batch(rate=100)))
        async with asyncio.timeout(60):
            while not said:
                await asyncio.sleep(0.05)
        assert said[0].startswith("waits: a workflow task has waited ") and not telling.done()
        async with place.worked(NEW):
            assert (await asyncio.wait_for(telling, 60)).told == 1


async def test_so_many_are_told_in_a_second_and_no_more(
    tmp_path: Path, kept: Records, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses, wait = list[float](), asyncio.sleep

    async def noted(seconds: float) -> None:
        pauses.append(seconds)
        await wait(0)

    async with field(tmp_path) as place:
        kept.turns.write([turn(f"C-{number}", 1, final=number == 9) for number in range(10)], now=NOW)
        standing = SimpleNamespace(time=lambda: 0.0)
        ours = SimpleNamespace(to_thread=asyncio.to_thread, sleep=noted, get_running_loop=lambda: standing)
        monkeypatch.setattr("activities.rollouts.asyncio", ours)
        told = await activity().run(RolloutActivities(place.client, NEW, kept).tell_cases, batch(rate=20))
        assert pauses == [1 / 20] * 9
        assert [missed.case_id for missed in told.missed] == [f"C-{number}" for number in range(9)]


async def test_newcomers_are_found_page_by_page_among_many(tmp_path: Path, kept: Records) -> None:
    with_new = {f"C-{number:04}": number % 500 == 7 for number in range(1100)}
    for new in (False, True):
        ids = [case_id for case_id, is_new in with_new.items() if is_new is new]
        kept.turns.write([turn(case_id, 1) for case_id in ids], now=NOW + 2 * HOUR if new else NOW)
    async with field(tmp_path) as place:
        rollouts, seen = RolloutActivities(place.client, NEW, kept), list[str]()
        after: str | None = ""
        while after is not None:
            wanted = Batch(revision=NEXT, step=Step.NEWCOMERS, rate=1000, size=1, after=after, since=NOW + HOUR)
            told = await activity().run(rollouts.tell_cases, wanted)
            assert len(told.missed) <= 1
            seen += [missed.case_id for missed in told.missed]
            after = told.after
    assert seen == [case_id for case_id, is_new in with_new.items() if is_new]


def batch(rate: int) -> Batch:
    return Batch(revision=NEXT, step=Step.RECORDS, rate=rate, size=100)


def activity() -> ActivityEnvironment:
    """An activity on the queue of the cases."""
    env = ActivityEnvironment()
    env.info = dataclasses.replace(env.info, task_queue=TASK_QUEUE)
    return env
