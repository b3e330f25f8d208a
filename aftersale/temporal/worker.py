"""A worker process that leaves in time, and programs that end well with the SDK."""

import asyncio
import logging
from collections.abc import Coroutine
from datetime import timedelta
from typing import Any, TypeVar

from temporalio.worker import Worker

T = TypeVar("T")

LAST_STEP = timedelta(seconds=5)
"""How long a worker may take to leave once its drain is over."""

_LOG = logging.getLogger("aftersale.worker")


class PunctualWorker(Worker):
    """A worker that has left soon after its drain, whatever the SDK still waits for.

    Once in some thousand times its core's very last step does not return, with nothing in hand any more; a process
    would stand there until it is killed.
    """

    async def shutdown(self) -> None:
        """Drain and leave; repeatable."""
        drain = self.config()["graceful_shutdown_timeout"]
        try:
            await asyncio.wait_for(super().shutdown(), (drain + LAST_STEP).total_seconds())
        except TimeoutError:
            _LOG.warning("the SDK did not say that the worker has stopped; left without it")


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run a program that speaks Temporal to its end; the SDK's core can abort a process that leaves it at once."""

    async def unhurried() -> T:
        try:
            return await work
        finally:
            await asyncio.sleep(0.05)

    return asyncio.run(unhurried())
