"""The trial's Temporal server, run for real."""

import asyncio
import os
import socket
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from temporalio.client import Client
from temporalio.common import SearchAttributeKey, SearchAttributePair, TypedSearchAttributes
from temporalio.worker import Worker

from tests.support.toy import TASK_QUEUE, Toy, days_allowed
from trial import server
from trial.server import ServerUnavailable, free_port, persistent, skipping

ONE_SECOND = 1 / 86400


def worker_of(client: Client) -> Worker:
    return Worker(client, task_queue=TASK_QUEUE, workflows=[Toy], activities=[days_allowed])


async def timers_of(client: Client, workflow_id: str) -> list[str]:
    history = await client.get_workflow_handle(workflow_id).fetch_history()
    names = (event.WhichOneof("attributes") or "" for event in history.events)
    return [name.split("_")[1] for name in names if name.startswith("timer_")]


async def test_a_server_restarted_on_its_file_keeps_its_workflow_and_its_timer(tmp_path: Path) -> None:
    file, port, ui_port = tmp_path / "deep" / "temporal.db", free_port(), free_port()
    async with persistent(file, port=port, ui_port=ui_port) as address:
        client = await Client.connect(address)
        async with worker_of(client):
            handle = await client.start_workflow(Toy.run, [ONE_SECOND, 10.0], id="toy/kept", task_queue=TASK_QUEUE)
            await handle.execute_update(Toy.tell_time)
            noted = await handle.query(Toy.noted_so_far)
            assert len(noted) == 1
    async with persistent(file, port=port, ui_port=ui_port) as address:
        client = await Client.connect(address)
        async with worker_of(client):
            handle = client.get_workflow_handle_for(Toy.run, "toy/kept")
            async with asyncio.timeout(60):
                while len(await handle.query(Toy.noted_so_far)) == 1:
                    await asyncio.sleep(0.05)
            assert await timers_of(client, "toy/kept") == ["started", "fired", "started"]
            await handle.execute_update(Toy.finish)
            assert (await handle.result())[:1] == noted
    assert file.with_suffix(".log").exists()


async def test_a_port_that_is_taken_is_named_with_the_setting_that_moves_it(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]
        with pytest.raises(ServerUnavailable, match=rf"127.0.0.1:{taken} is not free .* set TEMPORAL_PORT"):
            async with persistent(tmp_path / "temporal.db", port=taken, ui_port=free_port()):
                pass
        with pytest.raises(ServerUnavailable, match=rf"127.0.0.1:{taken} is not free .* set TEMPORAL_UI_PORT"):
            async with persistent(tmp_path / "temporal.db", port=free_port(), ui_port=taken):
                pass


async def test_a_server_that_cannot_start_points_to_its_log(tmp_path: Path) -> None:
    unusable = tmp_path / "temporal.db"
    unusable.write_text("this is not a database")
    with pytest.raises(ServerUnavailable, match=r"stopped while starting; its log is .*temporal\.log"):
        async with persistent(unusable, port=free_port(), ui_port=free_port()):
            pass


async def test_a_missing_command_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("sys.executable", str(tmp_path / "python"))
    with pytest.raises(ServerUnavailable, match="make install"):
        server.temporal_command()


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
async def test_the_server_has_a_session_of_its_own_and_is_gone_afterwards(tmp_path: Path) -> None:
    before = _children()
    async with persistent(tmp_path / "temporal.db", port=free_port(), ui_port=free_port()):
        (started,) = _children() - before
        assert os.getsid(started) != os.getsid(0)
    assert _children() == before


async def test_search_attributes_given_to_the_skipping_server_can_be_written() -> None:
    state = SearchAttributeKey.for_keyword("CaseState")
    async with skipping(search_attributes=[state]) as env, worker_of(env.client):
        handle = await env.client.start_workflow(
            Toy.run,
            [10.0],
            id="toy/searchable",
            task_queue=TASK_QUEUE,
            search_attributes=TypedSearchAttributes([SearchAttributePair(state, "under_review")]),
        )
        async with asyncio.timeout(60):
            while [found.id async for found in env.client.list_workflows("CaseState = 'under_review'")] != [handle.id]:
                await asyncio.sleep(0.05)


async def test_a_workflow_left_to_skip_by_itself_runs_out_its_clocks_at_once() -> None:
    async with skipping() as env, worker_of(env.client), asyncio.timeout(60):
        handle = await env.client.start_workflow(Toy.run, [10.0, 10.0], id="toy/alone", task_queue=TASK_QUEUE)
        assert len(await handle.result()) == 3
        found = await handle.describe()
        assert found.close_time is not None
        assert found.close_time - found.start_time >= timedelta(days=20)


def _children() -> set[int]:
    listing = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children")
    return {int(number) for number in listing.read_text().split()}
