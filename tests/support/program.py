"""A program of ours as a process of its own, and what it says."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.support.market import Market

ROOT = Path(__file__).resolve().parents[2]
WORKER = "worker.py"
CLI = ("-c", "from aftersale.cli import main; main()")


class Program:
    """A running process."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.out: list[str] = []
        self.err: list[str] = []
        assert process.stdout and process.stderr
        self._readers = [
            asyncio.create_task(_collect(process.stdout, self.out)),
            asyncio.create_task(_collect(process.stderr, self.err)),
        ]

    @property
    def logs(self) -> list[dict[str, Any]]:
        """What it logged, line by line; fails where a line is no JSON object."""
        return [dict(json.loads(line)) for line in self.err]

    async def until(self, said: str) -> str:
        """The first line on either stream that contains `said`; fails when the program ends without it."""
        async with asyncio.timeout(60):
            while True:
                for line in [*self.out, *self.err]:
                    if said in line:
                        return line
                if all(reader.done() for reader in self._readers):
                    raise AssertionError(f"it ended without saying {said!r}: {self.out} {self.err}")
                await asyncio.sleep(0.02)

    async def ended(self, within: float = 180) -> int:
        """Its exit status; fails where it runs on."""
        async with asyncio.timeout(within):
            status = await self.process.wait()
            await asyncio.gather(*self._readers)
        return status

    async def told(self, signal_number: int, within: float = 180) -> int:
        """Its exit status after a signal."""
        self.process.send_signal(signal_number)
        return await self.ended(within)


@asynccontextmanager
async def program(*arguments: str, environment: Mapping[str, str] | None = None) -> AsyncIterator[Program]:
    """Run Python with these arguments in the checkout; it is killed at the end of the block if it still runs."""
    started = Program(
        await asyncio.create_subprocess_exec(
            sys.executable,
            *arguments,
            cwd=ROOT,
            env={**clean_environment(), **(environment or {})},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
    )
    try:
        yield started
    finally:
        if started.process.returncode is None:
            started.process.kill()
        await started.ended()


@asynccontextmanager
async def working(place: Market, **environment: str) -> AsyncIterator[Program]:
    """A worker process that has begun to work in the market."""
    given = {**place.environment, **environment}
    async with program(WORKER, environment=given) as hand:
        await hand.until('"working"')
        yield hand


async def finished(*arguments: str, environment: Mapping[str, str] | None = None) -> tuple[int, str, str]:
    """Run a program to its end: exit status, standard output, standard error."""
    async with program(*arguments, environment=environment) as run:
        status = await run.ended()
    return status, "\n".join(run.out), "\n".join(run.err)


def clean_environment() -> dict[str, str]:
    """This process's environment without what steers the product."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("TEMPORAL_", "AFTERSALE_"))}


async def _collect(stream: asyncio.StreamReader, lines: list[str]) -> None:
    async for line in stream:
        lines.append(line.decode().rstrip("\n"))
