"""Servers and workers that stop and come back, as they do at every release: cases go on."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest
from temporalio.client import Client

from aftersale import records
from aftersale.contract.commands import AgreeLimit
from aftersale.temporal.plugin import plugin
from aftersale.times import SECOND
from aftersale.vocabulary import Clock, CloseReason, Outcome
from tests.support.market import ACTORS, Market, confirm_receipt, market, ship_back
from tests.support.platform_fixtures import StandIn, running, until
from tests.support.program import working
from trial.server import free_port, persistent


@pytest.fixture(scope="module")
async def unmanned(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Market]:
    async with market(tmp_path_factory.mktemp("unmanned"), working=False) as place:
        yield place


async def test_cases_timers_and_the_worker_outlive_a_restart_of_the_server(tmp_path: Path) -> None:
    port, ui_port, file = free_port(), free_port(), tmp_path / "temporal.db"
    async with AsyncExitStack() as stack:
        platform = await stack.enter_async_context(running(tmp_path / "platform.db"))
        async with persistent(file, port=port, ui_port=ui_port) as address:
            place = await _market(address, platform, tmp_path)
            await place.cases.namespace.setup()
            records.migrate(place.records_url)
            hand = await stack.enter_async_context(working(place))
            before = await place.cases.status(await place.approved(case_id="goes-on"), live=True)
            hurry = AgreeLimit(actor=ACTORS["platform"], clock=Clock.BUYER_RETURN, limit="PT12S")
            due_at = (await place.cases.act(await place.approved(case_id="runs-out"), hurry)).next.respond_by
        assert due_at and datetime.now(UTC) < due_at, "it runs out once the server is back"
        await stack.enter_async_context(persistent(file, port=port, ui_port=ui_port))
        place = await _market(address, platform, tmp_path)
        assert await place.cases.status("goes-on", live=True) == before
        await place.act("goes-on", ship_back())
        await place.act("goes-on", confirm_receipt())
        assert (await place.record("goes-on")).outcome is Outcome.REFUNDED
        lapsed = await place.record("runs-out")
        assert lapsed.close_reason is CloseReason.NOT_SENT_BACK
        assert [entry.at for entry in lapsed.timeline if entry.event == "Lapsed"] == [due_at + SECOND]
        assert await hand.told(signal.SIGTERM) == 0


@pytest.mark.parametrize(
    ("told", "drained_for"),
    [
        # Longer than the heartbeat timeout of a refund: signs of life go on while the worker drains.
        pytest.param(signal.SIGTERM, 6, id="SIGTERM"),
        pytest.param(signal.SIGINT, 0, id="SIGINT"),
    ],
)
async def test_a_worker_that_is_told_to_stop_finishes_the_refund_in_hand(
    unmanned: Market, told: signal.Signals, drained_for: float
) -> None:
    async with working(unmanned) as hand:
        case_id = await unmanned.sent_back()
        await unmanned.platform.arm("slow", seconds=60)
        await unmanned.act(case_id, confirm_receipt())
        await until(unmanned.platform.armed, [])
        hand.process.send_signal(told)
        await hand.until('"draining"')
        await asyncio.sleep(drained_for)
        assert f"case/{case_id}/refund/1" not in await unmanned.platform.payments()
        await unmanned.platform.http.post("/faults/release")
        assert await hand.ended() == 0
    assert [entry["event"] for entry in hand.logs if entry["logger"] == "aftersale.worker"] == [
        "working",
        "draining",
        "stopped",
    ]
    assert (await unmanned.platform.payments())[f"case/{case_id}/refund/1"] == ("succeeded", 1)
    assert await _attempt_that_refunded(unmanned, case_id) == 1


async def test_in_a_rolling_restart_every_worker_leaves_by_itself_and_no_message_is_lost(unmanned: Market) -> None:
    numbers: list[str] = []
    async with AsyncExitStack() as stack:
        fleet = [await stack.enter_async_context(working(unmanned)) for _ in range(2)]
        await unmanned.platform.arm("slow", path="/inbox", seconds=2, times=20)
        for _ in range(2):
            numbers += [await unmanned.approved() for _ in range(4)]
            leaving = fleet.pop(0)
            assert await leaving.told(signal.SIGTERM) == 0
            assert [entry["event"] for entry in leaving.logs if entry["logger"] == "aftersale.worker"][-1] == "stopped"
            fleet.append(await stack.enter_async_context(working(unmanned)))
        wanted = {f"{case_id}/{number}" for case_id in numbers for number in (1, 2)}
        async with asyncio.timeout(60):
            while not wanted <= {message["message_id"] for message in await unmanned.platform.inbox()}:
                await asyncio.sleep(0.1)
        for hand in fleet:
            assert await hand.told(signal.SIGTERM) == 0
    delivered = {message["message_id"]: message["deliveries"] for message in await unmanned.platform.inbox()}
    assert {delivered[message_id] for message_id in wanted} == {1}, "what was in hand was not sent again"


async def _market(address: str, platform: StandIn, folder: Path) -> Market:
    client = await Client.connect(address, plugins=[plugin()])
    return Market(address, platform, client, f"sqlite:///{folder / 'records.db'}")


async def _attempt_that_refunded(place: Market, case_id: str) -> int:
    """The number of the attempt that completed the refund."""
    events = {
        event.event_id: event
        for event in (await place.client.get_workflow_handle(f"case/{case_id}").fetch_history()).events
    }
    completed = [event.activity_task_completed_event_attributes for event in events.values()]
    (number,) = (
        events[done.started_event_id].activity_task_started_event_attributes.attempt
        for done in completed
        if done.scheduled_event_id
        and events[done.scheduled_event_id].activity_task_scheduled_event_attributes.activity_type.name == "refund"
    )
    return number
