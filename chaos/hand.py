"""`python -m chaos.hand`: a worker process as production runs it, but that its cases live on calendars of their own.

It works until its standard input ends, so that none outlives whoever started it.
"""

import asyncio
import os
import sys

from temporalio.plugin import SimplePlugin

from aftersale.temporal.plugin import connect, plugin
from aftersale.temporal.worker import run
from simulation.courses.books import books
from trial import virtual_time
from trial.patience import Unhurried
from worker import Settings, configure_logs, worker

READY = "working"
"""The line that it prints once it works."""


async def main() -> None:
    """Work until standard input ends, with the prices by which courses decide on claims."""
    settings = Settings.read(os.environ)
    configure_logs(settings.log_level)
    descendants = SimplePlugin("descendants", interceptors=[virtual_time.Descendants()])
    client = await connect(plugins=[plugin(virtual_time.CalendarRunner()), descendants, Unhurried()])
    async with worker(client, settings, books()[0]) as hand, hand:
        print(READY, flush=True)
        await asyncio.to_thread(sys.stdin.buffer.read)


if __name__ == "__main__":
    run(main())
