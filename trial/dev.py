"""Everything on this machine, for trying things out: a Temporal server with its UI, the stand-in platform, a worker.

Cases outlive a restart: the server and the platform keep their files under `.local/`, or where AFTERSALE_LOCAL says.
TEMPORAL_PORT, TEMPORAL_UI_PORT and PLATFORM_PORT move what listens; the platform takes a free port by itself.
"""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator, Coroutine, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import Client

from aftersale import records
from aftersale.client import Cases
from aftersale.errors import AftersaleError
from aftersale.records.private_files import FOLDER_MODE
from aftersale.temporal.plugin import TASK_QUEUE, plugin
from aftersale.temporal.worker import run
from trial.environment import variables_for
from trial.platform import TRIAL_SECRET, create_app, serve
from trial.server import NAMESPACE, ServerUnavailable, persistent, require_free
from worker import DRAIN

ROOT = Path(__file__).resolve().parents[1]
FILES = ROOT / ".local"

_BEYOND_DRAIN = 10.0
"""How much longer than its own bound, in seconds, a worker may take to leave before it is killed."""


async def serve_all(environment: Mapping[str, str]) -> int:
    """Run until SIGINT or SIGTERM; 1 where the worker stopped by itself."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    port, ui_port = _port(environment, "TEMPORAL_PORT", 7233), _port(environment, "TEMPORAL_UI_PORT", 8233)
    platform_port = _port(environment, "PLATFORM_PORT", 0)
    require_free(platform_port, "PLATFORM_PORT")
    files = _files(environment)
    records_url = environment.get(records.VARIABLE) or f"sqlite:///{files / 'records.db'}"
    async with (
        persistent(files / "temporal.db", port=port, ui_port=ui_port) as address,
        serve(create_app(files / "platform.db", TRIAL_SECRET), platform_port) as platform_url,
    ):
        # Not by the environment: that may speak of another server, and how to log in there.
        client = await Client.connect(address, namespace=NAMESPACE, plugins=[plugin()])
        await Cases(client).namespace.setup()
        await asyncio.to_thread(records.migrate, records_url)
        async with _worker(environment, address, platform_url, records_url) as process:
            gone = asyncio.create_task(process.wait())
            await _first_of(gone, _until_polled(client), stop.wait())
            if not (gone.done() or stop.is_set()):
                ui = f"http://127.0.0.1:{ui_port}"
                print(
                    f"ready: Temporal {address}, UI {ui}, stand-in platform {platform_url}, files {files}", flush=True
                )
                await _first_of(gone, stop.wait())
            if not stop.is_set():
                print(f"dev: the worker stopped by itself, with exit status {gone.result()}", file=sys.stderr)
            return 0 if stop.is_set() else 1


async def _first_of(gone: asyncio.Task[int], *others: Coroutine[Any, Any, object]) -> None:
    """Wait for the first of several things; the worker's end is kept for those who ask later."""
    tasks = [asyncio.create_task(other) for other in others]
    await asyncio.wait([gone, *tasks], return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        task.cancel()


async def _until_polled(client: Client) -> None:
    """Wait until a worker asks the server for work."""
    request = DescribeTaskQueueRequest(
        namespace=NAMESPACE,
        task_queue=TaskQueue(name=TASK_QUEUE),
        task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
    )
    while not (await client.workflow_service.describe_task_queue(request)).pollers:
        await asyncio.sleep(0.1)


@asynccontextmanager
async def _worker(
    environment: Mapping[str, str], address: str, platform_url: str, records_url: str
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Return the worker as production runs it, in a process and a session of its own."""
    inherited = {name: value for name, value in environment.items() if not name.startswith("TEMPORAL_")}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(ROOT / "worker.py"),
        cwd=ROOT,
        env={**inherited, **worker_environment(address, platform_url, records_url)},
        start_new_session=True,
    )
    try:
        yield process
    finally:
        await _stopped(process)


async def _stopped(process: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    try:
        await asyncio.wait_for(process.wait(), DRAIN.total_seconds() + _BEYOND_DRAIN)
    except TimeoutError:
        process.kill()
        await process.wait()


def worker_environment(address: str, platform_url: str, records_url: str) -> dict[str, str]:
    """Return what a worker process is told in order to work with the stand-in platform."""
    return {
        "TEMPORAL_ADDRESS": address,
        "TEMPORAL_NAMESPACE": NAMESPACE,
        "TEMPORAL_CONFIG_FILE": os.devnull,
        **variables_for(platform_url, records_url),
    }


def _files(environment: Mapping[str, str]) -> Path:
    """Say where files are kept. Earlier versions made the checkout's own folder for everybody to read."""
    if FILES.exists():
        FILES.chmod(FOLDER_MODE)
    return Path(environment.get("AFTERSALE_LOCAL") or FILES)


def _port(environment: Mapping[str, str], name: str, default: int) -> int:
    given = environment.get(name) or str(default)
    if not (given.isascii() and given.isdigit() and int(given) < 2**16):
        raise ServerUnavailable(f"{name} is {given!r}; write the number of a port, such as {default or 7300}")
    return int(given)


def main() -> int:
    """Run; what cannot be had is one line, not a traceback."""
    try:
        return run(serve_all(os.environ))
    except (ServerUnavailable, AftersaleError, OSError) as error:
        print(f"dev: {error}", file=sys.stderr)
        return 1
