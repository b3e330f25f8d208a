"""Workers of tests and trials have time for a workflow task, whatever else their machine does."""

from collections.abc import Awaitable, Callable

from temporalio.plugin import SimplePlugin
from temporalio.worker import Worker

_MOST_SECONDS = 60


class Unhurried(SimplePlugin):
    """Gives a workflow task a minute before it counts as a deadlock, where the SDK gives it two seconds.

    A worker that comes back has many tasks at once, and each replays its run: on a busy machine that takes longer than
    two seconds. The SDK offers to look for no deadlock at all, but then it runs
    workflows on the event loop, one by one, which is not how they run.
    """

    def __init__(self) -> None:
        """Go by a name of its own."""
        super().__init__("unhurried")

    async def run_worker(self, worker: Worker, next: Callable[[Worker], Awaitable[None]]) -> None:
        """Set the limit, then run."""
        inner = worker._workflow_worker
        if inner is not None:
            assert inner._deadlock_timeout_seconds, "the SDK names its limit otherwise; set that one"
            inner._deadlock_timeout_seconds = _MOST_SECONDS
        await super().run_worker(worker, next)
