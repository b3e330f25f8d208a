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
from aftersale.records import TurnRepository
from aftersale.temporal.worker import PunctualWorker, run

_write = TurnRepository.write


def _write_and_freeze(self: TurnRepository, given: Sequence[Turn], **settings: Any) -> None:
    _write(self, given, **settings)
    if any(entry.event == "Lapsed" for turn in given for entry in turn.entries):
        print("frozen", flush=True)
        os.kill(os.getpid(), signal.SIGSTOP)


if __name__ == "__main__":
    TurnRepository.write = _write_and_freeze  # type: ignore[method-assign]
    vars(worker)["PunctualWorker"] = partial(PunctualWorker, no_remote_activities=True)
    run(worker.main())
