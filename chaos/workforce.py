"""Worker processes that can be killed and frozen; the next one steps in for a dead one."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from random import Random

from trial.dev import ROOT


class Workforce:
    """Some worker processes on one task queue; what they log goes to one file."""

    def __init__(self, environment: Mapping[str, str], log_file: Path) -> None:
        """Employ nobody yet."""
        self._environment, self._log = environment, log_file.open("ab")
        self._hands: list[asyncio.subprocess.Process] = []
        self._frozen: set[int] = set()
        self._hiring = asyncio.Lock()

    async def fill(self, many: int) -> None:
        """Start as many as are missing; those that have ended are let go."""
        async with self._hiring:
            self._hands = [hand for hand in self._hands if hand.returncode is None]
            for _ in range(many - len(self._hands)):
                self._hands.append(await self._started())

    async def kill(self, chance: Random) -> bool:
        """Kill one, frozen or not; whether there was one."""
        running = [hand for hand in self._hands if hand.returncode is None]
        if not running:
            return False
        chosen = chance.choice(running)
        self._frozen.discard(chosen.pid)
        with suppress(ProcessLookupError):
            chosen.kill()
        await chosen.wait()
        return True

    async def freeze(self, chance: Random, seconds: float, tell: Callable[[], None]) -> None:
        """Stop one for some seconds, as a machine does that swaps; where there is one, that is told."""
        running = [hand for hand in self._hands if hand.returncode is None and hand.pid not in self._frozen]
        if not running:
            return
        chosen = chance.choice(running)
        self._frozen.add(chosen.pid)
        chosen.send_signal(signal.SIGSTOP)
        tell()
        try:
            await asyncio.sleep(seconds)
        finally:
            self._thaw(chosen)

    async def leave(self) -> None:
        """Let all of them leave: their standard input ends. Who has not left soon is killed."""
        for hand in self._hands:
            self._thaw(hand)
            if hand.stdin is not None:
                hand.stdin.close()
        for hand in self._hands:
            try:
                await asyncio.wait_for(hand.wait(), 30)
            except TimeoutError:
                hand.kill()
                await hand.wait()
        self._log.close()

    def _thaw(self, hand: asyncio.subprocess.Process) -> None:
        self._frozen.discard(hand.pid)
        if hand.returncode is None:
            with suppress(ProcessLookupError):
                hand.send_signal(signal.SIGCONT)

    async def _started(self) -> asyncio.subprocess.Process:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("TEMPORAL_", "AFTERSALE_"))}
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "chaos.hand"),
            cwd=ROOT,
            env={**kept, **self._environment},
            stdin=asyncio.subprocess.PIPE,
            stdout=self._log,
            stderr=self._log,
            start_new_session=True,
        )


@asynccontextmanager
async def workforce(environment: Mapping[str, str], log_file: Path, many: int) -> AsyncIterator[Workforce]:
    """Employ as many workers for as long as the block runs."""
    found = Workforce(environment, log_file)
    try:
        await found.fill(many)
        yield found
    finally:
        await found.leave()
