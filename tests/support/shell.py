"""The command as a shell meets it: a process, what it printed where, the exit status."""

import asyncio
import fcntl
import json
import os
import pty
import struct
import subprocess
import sys
import termios
from contextlib import suppress
from tempfile import TemporaryFile
from typing import IO, Any, NamedTuple

from tests.support.preloaded import ended
from tests.support.program import CLI, ROOT, clean_environment

NO_SERVER = "127.0.0.1:1"
"""Where no Temporal server listens."""

NO_RECORDS = "sqlite:////nowhere/records.db"
"""Where no records are."""


class Told(NamedTuple):
    """What a command left."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one JSON object that it printed."""
        return json.loads(self.out)


async def run(
    *arguments: str, address: str = NO_SERVER, records_url: str = NO_RECORDS, given: str | bytes = ""
) -> Told:
    """Run `aftersale` against a server and a database, with something on its standard input."""
    with TemporaryFile() as said, TemporaryFile() as out, TemporaryFile() as err:
        said.write(given.encode() if isinstance(given, str) else given)
        said.seek(0)
        streams = (said.fileno(), out.fileno(), err.fileno())
        async with asyncio.timeout(60):
            status = await ended(arguments, _environment(address, records_url), streams)
        return Told(status, _written(out), _written(err))


def _written(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode()


async def python(
    *arguments: str, address: str = NO_SERVER, records_url: str = NO_RECORDS, given: str | bytes = ""
) -> Told:
    """Run Python with these arguments in the checkout."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *arguments,
        cwd=ROOT,
        env=_environment(address, records_url),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(60):
        out, err = await process.communicate(given.encode() if isinstance(given, str) else given)
    assert process.returncode is not None
    return Told(process.returncode, out.decode(), err.decode())


def on_a_terminal(columns: int, *arguments: str, records_url: str) -> str:
    """What `aftersale` prints on a terminal that is so wide."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 99, columns, 0, 0))
    terminal = {"TERM": "xterm-256color", "COLUMNS": "", "NO_COLOR": ""}
    process = subprocess.Popen(
        [sys.executable, *CLI, *arguments],
        cwd=ROOT,
        env=_environment(NO_SERVER, records_url) | terminal,
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    with process, open(ours, "rb", buffering=0) as screen:
        seen = bytearray()
        with suppress(OSError):  # which is how a terminal ends that nobody writes to any more
            while part := screen.read(4096):
                seen += part
    return seen.decode()


def _environment(address: str, records_url: str) -> dict[str, str]:
    return {**clean_environment(), "TEMPORAL_ADDRESS": address, "AFTERSALE_RECORDS_URL": records_url}
