"""A workflow on another date of the calendar, on a real server."""

import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio
from temporalio.client import WorkflowHandle
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Replayer, Worker

from tests.support.toy import TASK_QUEUE, Toy, days_allowed
from trial import virtual_time
from trial.server import skipping
from trial.virtual_time import CalendarRunner, advance

FEBRUARY = datetime.fromisoformat("2024-02-01T00:00:00+08:00")
A_MOMENT = timedelta(minutes=1)
"""What a slow machine may take to look: a calendar runs on meanwhile."""
Handle = WorkflowHandle[Toy, list[str]]


@pytest_asyncio.fixture
async def env() -> AsyncIterator[WorkflowEnvironment]:
    async with skipping() as environment:
        yield environment


@pytest_asyncio.fixture
async def worker(env: WorkflowEnvironment) -> AsyncIterator[Worker]:
    async with worker_of(env) as running:
        yield running


def worker_of(env: WorkflowEnvironment) -> Worker:
    return Worker(
        env.client,
        task_queue=TASK_QUEUE,
        workflows=[Toy],
        activities=[days_allowed],
        workflow_runner=CalendarRunner(),
    )


async def start(env: WorkflowEnvironment, days: list[float], at: datetime | None = FEBRUARY) -> Handle:
    with env.with_time_skipping_disabled():
        return await env.client.start_workflow(
            Toy.run,
            days,
            id=f"toy/{uuid.uuid4()}",
            task_queue=TASK_QUEUE,
            memo=virtual_time.memo(at) if at else None,
        )


async def time_told(handle: Handle) -> datetime:
    return datetime.fromisoformat(await handle.execute_update(Toy.tell_time))


def instants(noted: list[str]) -> list[datetime]:
    return [datetime.fromisoformat(text) for text in noted]


@pytest.mark.usefixtures("worker")
async def test_a_workflow_put_on_the_first_of_february_2024_sees_that_date(env: WorkflowEnvironment) -> None:
    handle = await start(env, [10])
    assert timedelta(0) <= await time_told(handle) - FEBRUARY < A_MOMENT
    run_start, workflow_start = await handle.query(Toy.began)
    assert workflow_start == FEBRUARY
    assert timedelta(0) <= run_start - FEBRUARY < A_MOMENT


@pytest.mark.usefixtures("worker")
async def test_a_workflow_without_the_memo_lives_today(env: WorkflowEnvironment) -> None:
    handle = await start(env, [10], at=None)
    assert abs(datetime.now(UTC) - await time_told(handle)) < A_MOMENT
    assert abs(datetime.now(UTC) - await virtual_time.now(handle)) < A_MOMENT


@pytest.mark.usefixtures("worker")
async def test_the_calendar_read_from_outside_is_the_workflows_own(env: WorkflowEnvironment) -> None:
    handle = await start(env, [10])
    before = await virtual_time.now(handle)
    told = await time_told(handle)
    assert before <= told <= await virtual_time.now(handle)
    await advance(env, handle, FEBRUARY + timedelta(days=4))
    before = await virtual_time.now(handle)
    told = await time_told(handle)
    assert before <= told <= await virtual_time.now(handle)


@pytest.mark.usefixtures("worker")
async def test_advancing_reaches_the_instant_and_stops_right_after_it(env: WorkflowEnvironment) -> None:
    handle = await start(env, [10, 10, 10])
    for day in (1, 9, 15, 29):
        to = FEBRUARY + timedelta(days=day)
        assert await advance(env, handle, to)
        assert timedelta(0) <= await time_told(handle) - to < A_MOMENT


@pytest.mark.usefixtures("worker")
async def test_advancing_to_an_instant_already_past_changes_nothing(env: WorkflowEnvironment) -> None:
    handle = await start(env, [10])
    assert await advance(env, handle, FEBRUARY - timedelta(days=1))
    assert await time_told(handle) - FEBRUARY < A_MOMENT


@pytest.mark.usefixtures("worker")
async def test_a_timer_fires_at_its_second_and_not_before(env: WorkflowEnvironment) -> None:
    handle = await start(env, [10, 10])
    due = instants(await handle.query(Toy.noted_so_far))[0] + timedelta(days=10)
    await advance(env, handle, due - A_MOMENT)
    assert len(await handle.query(Toy.noted_so_far)) == 1
    await advance(env, handle, due + timedelta(seconds=1))
    fired = instants(await handle.query(Toy.noted_so_far))[1]
    assert timedelta(0) <= fired - due < A_MOMENT


@pytest.mark.usefixtures("worker")
async def test_every_timer_on_the_way_fires_at_its_own_time(env: WorkflowEnvironment) -> None:
    handle = await start(env, [3, 4, 5, 100])
    assert await advance(env, handle, FEBRUARY + timedelta(days=30))
    began, *fired = instants(await handle.query(Toy.noted_so_far))
    for day, instant in zip((3, 7, 12), fired, strict=True):
        assert timedelta(0) <= instant - began - timedelta(days=day) < A_MOMENT


@pytest.mark.usefixtures("worker")
async def test_an_update_between_two_timers_is_taken_in_at_its_calendar_date(env: WorkflowEnvironment) -> None:
    handle = await start(env, [10, 10])
    await advance(env, handle, FEBRUARY + timedelta(days=12))
    finished = datetime.fromisoformat(await handle.execute_update(Toy.finish))
    assert timedelta(days=12) <= finished - FEBRUARY < timedelta(days=12) + A_MOMENT
    assert len(await handle.result()) == 2


@pytest.mark.usefixtures("worker")
async def test_a_workflow_that_ends_on_the_way_stands_at_its_end(env: WorkflowEnvironment) -> None:
    handle = await start(env, [10])
    assert not await advance(env, handle, FEBRUARY + timedelta(days=30))
    assert timedelta(days=10) <= await virtual_time.now(handle) - FEBRUARY < timedelta(days=10) + A_MOMENT
    await handle.result()


@pytest.mark.usefixtures("worker")
async def test_workflows_have_calendars_of_their_own(env: WorkflowEnvironment) -> None:
    one, other = await start(env, [10]), await start(env, [10], at=FEBRUARY + timedelta(days=365))
    await advance(env, one, FEBRUARY + timedelta(days=5))
    assert await time_told(one) - FEBRUARY < timedelta(days=5) + A_MOMENT
    assert await time_told(other) - FEBRUARY < timedelta(days=365) + A_MOMENT


async def test_a_timer_can_fire_while_no_worker_is_there_to_take_it_in(env: WorkflowEnvironment) -> None:
    async with worker_of(env):
        handle = await start(env, [10, 10])
        due = FEBRUARY + timedelta(days=10)
        await advance(env, handle, due - A_MOMENT)
    assert await advance(env, handle, due + timedelta(seconds=1), handled=False)
    async with worker_of(env):
        assert await time_told(handle) - due > timedelta(seconds=1)
        assert len(await handle.query(Toy.noted_so_far)) == 2


async def test_a_calendar_that_cannot_move_says_where_it_stands(env: WorkflowEnvironment) -> None:
    handle = await start(env, [10])
    with pytest.raises(TimeoutError, match=r"stands at 2024-01-31 16:0.* is a worker running"):
        await advance(env, handle, FEBRUARY + timedelta(days=1), within=0.5)


@pytest.mark.usefixtures("worker")
async def test_a_history_replays_with_the_same_runner(env: WorkflowEnvironment) -> None:
    handle = await start(env, [10, 10])
    await advance(env, handle, FEBRUARY + timedelta(days=12))
    await handle.execute_update(Toy.finish)
    told = await handle.result()
    history = await handle.fetch_history()
    await Replayer(workflows=[Toy], workflow_runner=CalendarRunner()).replay_workflow(history)
    assert instants(told)[0] - FEBRUARY < A_MOMENT


def test_an_instant_without_an_offset_is_refused() -> None:
    naive: Any = FEBRUARY.replace(tzinfo=None)
    with pytest.raises(ValueError, match=r"no UTC offset; write one, as in 2024-02-01T00:00:00\+08:00"):
        virtual_time.memo(naive)
