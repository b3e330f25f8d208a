"""A worker that dies at one step around a payment, the first time it comes there; the step is its argument.

instructed  the ledger has the instruction, the payment service does not
called      the payment service has paid and holds its answer: whoever arranged that kills the worker then
answered    the payment service has answered, the ledger does not know
settled     the ledger knows, the engine does not
"""

import os
import signal
import sys
from typing import Any

import worker
from aftersale.plugin import run
from aftersale.records import Ledger

STEPS = ("instructed", "called", "answered", "settled")


def _die(*_: Any, **__: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _then_die(work: Any) -> Any:
    def done(*given: Any, **settings: Any) -> None:
        work(*given, **settings)
        _die()

    return done


if __name__ == "__main__":
    match sys.argv[1]:
        case "instructed":
            Ledger.attempted = _then_die(Ledger.attempted)  # type: ignore[method-assign]
        case "called":
            pass
        case "answered":
            Ledger.settle = _die  # type: ignore[method-assign]
        case "settled":
            Ledger.settle = _then_die(Ledger.settle)  # type: ignore[method-assign]
        case other:
            sys.exit(f"no such step: {other}")
    run(worker.main())
