"""The engine keeps messengers at work: no channel delays a case, and what is owed arrives in the end."""

import asyncio
from typing import Any

from temporalio.client import WorkflowExecutionStatus
from temporalio.worker import Replayer

from aftersale.temporal.plugin import plugin
from aftersale.vocabulary import CloseReason
from bench.cost import cost
from tests.support.cases import BUYER, MERCHANT, at, ended, opened, working
from tests.support.platform_fixtures import StandIn
from trial.environment import Live, Workplace
from worker import DELIVERIES, WORKFLOWS

JUNE = "2024-06-03 10:00:00"


async def lived(place: Workplace) -> Live:
    """A return whose merchant is silent, is reminded, and whose buyer takes the request back on the third day."""
    live = await opened(place, JUNE)
    await live.until(at("2024-06-06 12:00:00"))
    await live.act("withdraw", *BUYER)
    assert (await ended(live)).close_reason is CloseReason.WITHDRAWN
    return live


async def inbox(stand_in: StandIn, live: Live) -> list[Any]:
    """The messages of a case that have arrived, by number."""
    case_id = live.handle.id.removeprefix("case/")
    found = [message for message in await stand_in.inbox() if message.get("case_id") == case_id]
    return sorted(found, key=lambda message: int(message["message_id"].rpartition("/")[2]))


async def arrived(stand_in: StandIn, live: Live, number: int) -> list[Any]:
    """So many messages of a case, as soon as they are there."""
    async with asyncio.timeout(60):
        while len(found := await inbox(stand_in, live)) < number:
            await asyncio.sleep(0.05)
    return found


async def test_an_endpoint_that_is_away_for_days_costs_a_case_nothing(place: Workplace, stand_in: StandIn) -> None:
    calm = await lived(place)
    expected = [(each["event"], each["to"], each["state"]) for each in await arrived(stand_in, calm, 5)]
    await stand_in.arm("status", path="/inbox", status=503, times=100_000)
    hard = await lived(place)
    assert await inbox(stand_in, hard) == []
    spent, usual = [cost(await live.handle.fetch_history()) for live in (hard, calm)]
    assert spent.actions == usual.actions
    await stand_in.http.delete("/faults")
    found = await arrived(stand_in, hard, 5)
    case_id = hard.handle.id.removeprefix("case/")
    assert [each["message_id"] for each in found] == [f"{case_id}/{number}" for number in range(1, 6)]
    assert [(each["event"], each["to"], each["state"]) for each in found] == expected


async def test_a_worker_that_comes_finds_the_messengers_workflow_and_starts_no_other(idle: Workplace) -> None:
    handle = idle.client.get_workflow_handle(DELIVERIES)
    async with working(idle):
        first = await handle.describe()
    async with working(idle):
        second = await handle.describe()
    assert (second.status, second.run_id) == (WorkflowExecutionStatus.RUNNING, first.run_id)


async def test_messengers_that_were_terminated_are_back_with_the_next_worker(
    idle: Workplace, idle_stand_in: StandIn
) -> None:
    async with working(idle):
        await idle.client.get_workflow_handle(DELIVERIES).terminate("by mistake")
    async with working(idle):
        live = await opened(idle, JUNE)
        await live.act("approve", *MERCHANT)
        assert len(await arrived(idle_stand_in, live, 2)) == 2


async def test_what_the_messengers_did_replays(idle: Workplace) -> None:
    async with working(idle):
        pass
    async with working(idle):
        history = await idle.client.get_workflow_handle(DELIVERIES).fetch_history()
    await Replayer(workflows=WORKFLOWS, plugins=[plugin()]).replay_workflow(history)
