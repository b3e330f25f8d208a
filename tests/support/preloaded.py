"""`aftersale` without the second that it takes to load: forked from a process that has loaded all that it ever does.

It is a process of its own all the same, with its own arguments, environment, streams and exit status, and ends as the
interpreter ends. How text hashes it has from the process that it comes from: so a worker, of which no decision may hang
on that, is never one of these, nor is what tries how code is loaded.
"""

import asyncio
import atexit
import gc
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, TextIO

from aftersale.cli import main

ROOT = Path(__file__).resolve().parents[2]

LOADED = (
    *("aftersale.cli.connections", "aftersale.client", "aftersale.records.migrations"),
    *("alembic.command", "alembic.config", "alembic.migration", "psycopg"),
)
"""What commands load as they come to need it; but not what reads the environment as it is loaded."""

_one_by_one = threading.Lock()


async def ended(arguments: Sequence[str], environment: Mapping[str, str], streams: Sequence[int]) -> int:
    """Run `aftersale` on three streams to its end: its exit status."""
    told, tells = os.pipe()
    with TemporaryFile() as job, os.fdopen(told, "rb", buffering=0) as pipe:
        job.write(json.dumps([arguments, dict(environment)]).encode())
        job.seek(0)
        try:
            await asyncio.to_thread(_ask, [job.fileno(), *streams, tells])
        finally:
            os.close(tells)
        status = asyncio.StreamReader()
        loop = asyncio.get_running_loop()
        way, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(status), pipe)
        try:
            return int(await status.readline())
        finally:
            way.close()


def _ask(files: Sequence[int]) -> None:
    with _one_by_one:
        socket.send_fds(forker(), [b"!"], files)


@cache
def forker() -> socket.socket:
    """The way to the process that has loaded all code; it ends with this one."""
    ours, theirs = socket.socketpair()
    command = [sys.executable, "-m", __name__, str(theirs.fileno())]
    process = subprocess.Popen(command, cwd=ROOT, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL)
    theirs.close()

    def leave() -> None:
        ours.close()
        process.wait(60)

    atexit.register(leave)
    return ours


def _serve(way: socket.socket) -> list[int]:
    """Fork a process for each job; only such a process returns, with its files. What is left at the end is killed."""
    woken, wakes = os.pipe()
    os.set_blocking(wakes, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wakes)
    asked, running = way.fileno(), dict[int, int]()
    while True:
        ready, _, _ = select.select([asked, woken], [], [])
        if woken in ready:
            os.read(woken, 4096)
            _tell_ended(running)
        if asked not in ready:
            continue
        job, files, _, _ = socket.recv_fds(way, 1, 5)
        if not job:
            break
        _refuse_threads()
        pid = os.fork()
        if not pid:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            way.close()
            for each in (woken, wakes, files.pop(), *running.values()):
                os.close(each)
            return files
        running[pid] = files.pop()
        for each in files:
            os.close(each)
    for pid in running:
        os.kill(pid, signal.SIGKILL)
    sys.exit()


def _refuse_threads() -> None:
    """A fork has one thread, and whatever another held then is held for ever."""
    tasks = Path("/proc/self/task")
    count = len(list(tasks.iterdir())) if tasks.exists() else threading.active_count()
    assert count == 1, f"{count} threads run: something that was loaded has started them; do not load it here"


def _tell_ended(running: dict[int, int]) -> None:
    for pid, status in list(running.items()):
        ended, code = os.waitpid(pid, os.WNOHANG)
        if ended:
            del running[pid]
            os.write(status, f"{os.waitstatus_to_exitcode(code)}\n".encode())
            os.close(status)


def _become(job: int, *streams: int) -> None:
    """Go on as `aftersale` does that a shell started."""
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    with open(job, "rb") as file:
        arguments, environment = json.load(file)
    os.environ.clear()
    os.environ.update(environment)
    sys.stdin, sys.stdout, sys.stderr = map(_made_anew, (sys.stdin, sys.stdout, sys.stderr))
    sys.argv[:] = ["-c", *arguments]
    main()


def _made_anew(stream: TextIO) -> IO[str]:
    """Make a standard stream as the interpreter does, of what stands under its number now."""
    buffering = 1 if stream is sys.stderr else -1
    return open(stream.fileno(), stream.mode, buffering, stream.encoding, stream.errors, closefd=False)


if __name__ == "__main__":
    for each in LOADED:
        import_module(each)
    gc.collect()
    gc.freeze()  # what stays need not be copied
    _become(*_serve(socket.socket(fileno=int(sys.argv[1]))))
