"""The messenger that the engine keeps running: what cases owe to parties is delivered, whatever stops or restarts."""

import asyncio

from temporalio import workflow

from workflows import outside


async def deliveries(messengers: int) -> None:
    """Have some messengers carry messages, side by side.

    1. Each takes messages from the outbox until its worker stops, or its hour is over.
    2. Another one, of whatever worker, takes its place.
    3. A history that has grown long is left behind.
    """
    await asyncio.gather(*(_carry() for _ in range(messengers)))


async def _carry() -> None:
    while not workflow.info().is_continue_as_new_suggested():
        await outside.deliver()


@workflow.defn
class Deliveries:
    """Keeps so many messengers at work, for ever."""

    @workflow.run
    async def run(self, messengers: int) -> None:
        """Keep them at work; the same goes on in a new run when this one has grown long."""
        await deliveries(messengers)
        workflow.continue_as_new(messengers)
