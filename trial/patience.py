"""Workers of tests and trials have time for a workflow task, whatever else their machine does."""

from collections.abc import Awaitable, Callable

from temporalio.plugin import SimplePlugin
from temporalio.worker import Worker, WorkerConfig

_MOST_SECONDS = 60

_AT_ONCE = 8


class Unhurried(SimplePlugin):
    """Gives a workflow task a minute before it counts as a deadlock, where the SDK gives it two seconds.

    The first task of a run loads all workflow code, and a worker that comes back has many such tasks at once: on a busy
    machine that takes longer than two seconds. The SDK offers to look for no deadlock at all, but then it runs
    workflows on the event loop, one by one, which is not how they run.
    """

    def __init__(self) -> None:
        """Go by a name of its own."""
        super().__init__("unhurried")

    def configure_worker(self, config: WorkerConfig) -> WorkerConfig:
        """Take few tasks in hand at a time.

        One process works at one after the other anyway. Of forty cases that wake at once, each would be slowed by all
        others beyond the ten seconds in which the server hands its task out anew, and all of them again.
        """
        return {**super().configure_worker(config), "max_concurrent_workflow_tasks": _AT_ONCE}

    async def run_worker(self, worker: Worker, next: Callable[[Worker], Awaitable[None]]) -> None:
        """Set the limit, then run."""
        inner = worker._workflow_worker
        if inner is not None:
            assert inner._deadlock_timeout_seconds, "the SDK names its limit otherwise; set that one"
            inner._deadlock_timeout_seconds = _MOST_SECONDS
        await super().run_worker(worker, next)
