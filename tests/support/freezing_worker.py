"""A worker that stops dead once it has written a case's lapse, before its workflow task can be completed.

It works on workflows alone: an activity handed to a process that is stopped is lost until its heartbeat is missed.
"""

import os
import signal
from collections.abc import Sequence
from functools import partial
from typing import Any

import worker
from aftersale.case.turn import Turn
from aftersale.records import Records
from aftersale.temporal.plugin import PunctualWorker, run

_write = Records.write


def _write_and_freeze(self: Records, turns: Sequence[Turn], **settings: Any) -> None:
    _write(self, turns, **settings)
    if any(entry.event == "Lapsed" for turn in turns for entry in turn.entries):
        print("frozen", flush=True)
        os.kill(os.getpid(), signal.SIGSTOP)


if __name__ == "__main__":
    Records.write = _write_and_freeze  # type: ignore[method-assign]
    vars(worker)["PunctualWorker"] = partial(PunctualWorker, no_remote_activities=True)
    run(worker.main())
