"""Send heartbeats from an activity that waits for somebody outside."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from temporalio import activity


@asynccontextmanager
async def send_heartbeats() -> AsyncIterator[None]:
    """Heartbeat while the block runs, so that the death of this worker is noticed long before the attempt would end.

    Without a heartbeat timeout nothing is sent.
    """
    limit = activity.info().heartbeat_timeout
    beating = asyncio.create_task(_beat(limit / 3)) if limit else None
    try:
        yield
    finally:
        if beating:
            beating.cancel()


async def _beat(interval: timedelta) -> None:
    while True:
        await asyncio.sleep(interval.total_seconds())
        activity.heartbeat()
