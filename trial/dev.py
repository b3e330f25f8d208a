"""Everything on this machine, for trying things out: a Temporal server with its UI, the stand-in platform, a worker.

Cases outlive a restart: the server and the platform keep their files under `.local/`.
"""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from aftersale.client import Cases
from trial.platform import TRIAL_SECRET, create_app, serve
from trial.server import ServerUnavailable, persistent

ROOT = Path(__file__).resolve().parents[1]
FILES = ROOT / ".local"


async def run(environment: Mapping[str, str]) -> int:
    """Run until SIGINT or SIGTERM; 1 where the worker stopped by itself."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    port, ui_port = int(environment.get("TEMPORAL_PORT", "7233")), int(environment.get("TEMPORAL_UI_PORT", "8233"))
    files = Path(environment.get("AFTERSALE_LOCAL", FILES))
    app_file = files / "platform.db"
    files.mkdir(parents=True, exist_ok=True)
    async with (
        persistent(files / "temporal.db", port=port, ui_port=ui_port) as address,
        serve(create_app(app_file, TRIAL_SECRET), int(environment.get("PLATFORM_PORT", "0"))) as platform_url,
    ):
        cases = await Cases.connect(target_host=address, namespace="default")
        await cases.setup()
        async with _worker(environment, address, platform_url) as process:
            ui = f"http://127.0.0.1:{ui_port}"
            print(f"ready: Temporal {address}, UI {ui}, stand-in platform {platform_url}, files {files}", flush=True)
            waiting = [asyncio.create_task(stop.wait()), asyncio.create_task(process.wait())]
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            for task in waiting:
                task.cancel()
            return 0 if stop.is_set() else 1


@asynccontextmanager
async def _worker(
    environment: Mapping[str, str], address: str, platform_url: str
) -> AsyncIterator[asyncio.subprocess.Process]:
    """The worker as production runs it, in a process and a session of its own."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(ROOT / "worker.py"),
        cwd=ROOT,
        env={**environment, **worker_environment(address, platform_url)},
        start_new_session=True,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()


def worker_environment(address: str, platform_url: str) -> dict[str, str]:
    """What a worker process is told in order to work with the stand-in platform."""
    return {
        "TEMPORAL_ADDRESS": address,
        "TEMPORAL_NAMESPACE": "default",
        "AFTERSALE_PAYMENTS_URL": platform_url,
        "AFTERSALE_PAYMENTS_SECRET": TRIAL_SECRET,
        "AFTERSALE_NOTIFY_FALLBACK": platform_url.replace("http://", "json://") + "/inbox",
    }


def main() -> int:
    """Run; a server that cannot be had is one line, not a traceback."""
    try:
        return asyncio.run(run(os.environ))
    except (ServerUnavailable, OSError, ValueError) as error:
        print(f"dev: {error}", file=sys.stderr)
        return 1
