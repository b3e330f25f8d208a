"""A messenger in a process of its own, which stops dead where it is told to: `leased`, or `delivered`."""

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from typing import Any

from aftersale import records
from aftersale.records import OutboxRepository
from tests.support.carrying import at_work, messenger


def stop_dead() -> None:
    """Stop, and do nothing more until somebody kills."""
    print("stopped dead", flush=True)
    os.kill(os.getpid(), signal.SIGSTOP)


def _after(lease: Callable[..., list[Any]]) -> Callable[..., list[Any]]:
    def leased(*call: Any) -> list[Any]:
        taken = lease(*call)
        if taken:
            stop_dead()
        return taken

    return leased


def _before(report: Callable[..., None]) -> Callable[..., None]:
    def reported(*call: Any) -> None:
        stop_dead()
        report(*call)

    return reported


async def main(url: str, inbox: str, where: str) -> None:
    """Work until killed."""
    if where == "leased":
        OutboxRepository.lease = _after(OutboxRepository.lease)  # type: ignore[method-assign]
    else:
        OutboxRepository.report = _before(OutboxRepository.report)  # type: ignore[method-assign]
    with records.open(url) as kept:
        async with at_work(messenger(kept, {}, [inbox])) as work:
            await work.done


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
