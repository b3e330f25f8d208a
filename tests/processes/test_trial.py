"""`python -m trial dev` and `python -m trial demo`: the programs behind `make dev` and `make demo`."""

import json
import os
import shutil
import signal
import socket
import sys
from pathlib import Path

import pytest

from tests.support.cases import request
from tests.support.platform_fixtures import client
from tests.support.program import CLI, finished, program
from trial.demo import CASES
from trial.server import free_port

DEV = ("-m", "trial", "dev")
DEMO = ("-m", "trial", "demo")


async def test_dev_serves_until_it_is_told_to_stop_and_keeps_its_cases(tmp_path: Path) -> None:
    port, ui_port = free_port(), free_port()
    settings = {
        "TEMPORAL_PORT": str(port),
        "TEMPORAL_UI_PORT": str(ui_port),
        "AFTERSALE_LOCAL": str(tmp_path / "files"),
    }
    by_cli = {
        "TEMPORAL_ADDRESS": f"127.0.0.1:{port}",
        "AFTERSALE_RECORDS_URL": f"sqlite:///{tmp_path / 'files' / 'records.db'}",
    }
    wanted = request()
    file = tmp_path / "case.json"
    file.write_text(json.dumps(wanted))
    async with program(*DEV, environment=settings) as dev:
        ready = await dev.until("ready")
        assert ready.startswith("ready") and f"127.0.0.1:{port}" in ready and f"http://127.0.0.1:{ui_port}" in ready
        async with client() as http:
            assert (await http.get(f"http://127.0.0.1:{ui_port}/namespaces/default/workflows")).status_code == 200
        status, out, err = await finished(*CLI, "open", str(file), "--json", environment=by_cli)
        assert (status, err, json.loads(out)["state"]) == (0, "", "awaiting_merchant_review")
        assert await dev.told(signal.SIGINT) == 0
        assert [line for line in dev.out if line.startswith("ready")] == [ready]
    assert _left_behind(tmp_path, port) == []
    async with program(*DEV, environment=settings) as dev:
        await dev.until("ready")
        for source in ([], ["--live"]):
            status, out, _ = await finished(*CLI, "show", wanted["case_id"], *source, "--json", environment=by_cli)
            assert (status, json.loads(out)["state"]) == (0, "awaiting_merchant_review")
        assert await dev.told(signal.SIGTERM) == 0
    assert _left_behind(tmp_path, port) == []
    made = [tmp_path / "files", *(tmp_path / "files").rglob("*")]
    assert len(made) > 4 and [path for path in made if path.stat().st_mode & 0o077] == [], "for its owner alone"


@pytest.mark.parametrize("setting", ["TEMPORAL_PORT", "TEMPORAL_UI_PORT", "PLATFORM_PORT"])
async def test_dev_says_in_one_line_which_port_is_taken(tmp_path: Path, setting: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = str(other.getsockname()[1])
        ports = {"TEMPORAL_PORT": str(free_port()), "TEMPORAL_UI_PORT": str(free_port()), setting: taken}
        status, out, err = await finished(*DEV, environment={**ports, "AFTERSALE_LOCAL": str(tmp_path)})
    assert (status, out) == (1, "")
    assert err.count("\n") == 0 and taken in err and setting in err


async def test_dev_is_not_ready_with_a_worker_that_cannot_work(tmp_path: Path) -> None:
    (tmp_path / "book.toml").write_text("revision = 'first'")
    ports = {"TEMPORAL_PORT": str(free_port()), "TEMPORAL_UI_PORT": str(free_port())}
    settings = {**ports, "AFTERSALE_LOCAL": str(tmp_path / "files"), "AFTERSALE_POLICIES": str(tmp_path)}
    status, out, err = await finished(*DEV, environment=settings)
    assert (status, out) == (1, "")
    assert str(tmp_path / "book.toml") in err
    assert "the worker stopped by itself, with exit status 1" in err


async def test_the_demo_plays_every_case_without_a_terminal() -> None:
    status, out, err = await finished(*DEMO)
    assert (status, err) == (0, "")
    cases = sorted(CASES.glob("*.json"))
    for case in cases:
        assert json.loads(case.read_text())["title"] in out
    assert out.count("┃ when") == len(cases)
    assert out.endswith(f"{len(cases)} of {len(cases)} cases went as written, every deadline to the second.")


async def test_the_demo_fails_where_one_deadline_is_off_by_a_second(tmp_path: Path) -> None:
    first, second = sorted(CASES.glob("*.json"))[:2]
    shutil.copy(second, tmp_path)
    story = json.loads(first.read_text())
    assert story["deadlines"][0]["due"] == "2024-02-04T00:00:00+08:00"
    story["deadlines"][0]["due"] = "2024-02-04T00:00:01+08:00"
    (tmp_path / first.name).write_text(json.dumps(story))
    status, out, _ = await finished(*DEMO, str(tmp_path))
    assert status == 1
    (said,) = [line for line in out.splitlines() if line.startswith("DIFFERS")]
    assert story["title"] in said and "merchant_review" in said
    assert "2024-02-04T00:00:00+08:00" in said and "2024-02-04T00:00:01+08:00" in out
    assert "1 of 2 cases went as written" in out


async def test_the_demo_says_which_case_file_is_wrong(tmp_path: Path) -> None:
    status, _, err = await finished(*DEMO, str(tmp_path))
    assert (status, err) == (1, f"demo: {tmp_path}: holds no case files; name a folder with *.json")
    (tmp_path / "broken.json").write_text('{"titel": "x"}')
    status, _, err = await finished(*DEMO, str(tmp_path))
    assert status == 1
    assert "broken.json.titel: is not a known field" in err and "Traceback" not in err


def _left_behind(folder: Path, port: int) -> list[str]:
    """The processes that still use the folder or the port's address; none can be told where there is no /proc."""
    if sys.platform != "linux":
        return []
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            told = (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
        except OSError:
            continue
        traces = (str(folder).encode(), f"TEMPORAL_ADDRESS=127.0.0.1:{port}".encode())
        if int(process.name) != os.getpid() and any(trace in told for trace in traces):
            found.append(told.decode(errors="replace"))
    return found
