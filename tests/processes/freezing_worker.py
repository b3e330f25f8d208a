"""A worker that stops dead once it has written a case's lapse, before its workflow task can be completed.

It carries no messages, so that those of the lapse are in the hands of another worker by then.
"""

import os
import signal
from collections.abc import Sequence
from typing import Any

from temporalio.client import Client
from temporalio.worker import Worker

import worker
from aftersale.plugin import run
from aftersale.records import Records
from aftersale.turns import Turn

_write = Records.write


def _write_and_freeze(self: Records, turns: Sequence[Turn], **settings: Any) -> None:
    _write(self, turns, **settings)
    if any(entry.event == "Lapsed" for turn in turns for entry in turn.entries):
        print("frozen", flush=True)
        os.kill(os.getpid(), signal.SIGSTOP)


def _without_messenger(client: Client, activities: Sequence[Any], **settings: Any) -> Worker:
    kept = [activity for activity in activities if activity.__name__ != "deliver"]
    return Worker(client, activities=kept, **settings)


if __name__ == "__main__":
    Records.write = _write_and_freeze  # type: ignore[method-assign]
    vars(worker)["Worker"] = _without_messenger
    run(worker.main())
