"""A worker that dies at one step around a payment or a claim, the first time it comes there; the step is its argument.

instructed  the ledger has the instruction, the payment service does not
called      the payment service has paid and holds its answer: whoever arranged that kills the worker then
answered    the payment service has answered, the ledger does not know
settled     the ledger knows, the engine does not
claiming    a claim is to be opened, and is not yet
claimed     the claim is open, and nobody was told
"""

import os
import signal
import sys
from typing import Any

from temporalio.client import Client

import worker
from aftersale.contract.request import WORKFLOW_TYPES
from aftersale.records import Ledger
from aftersale.temporal.worker import run
from aftersale.vocabulary import CaseKind

STEPS = ("instructed", "called", "answered", "settled")


def _die(*_: Any, **__: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _then_die(work: Any) -> Any:
    def done(*given: Any, **settings: Any) -> None:
        work(*given, **settings)
        _die()

    return done


def _then_die_starting(start: Any, *, before: bool) -> Any:
    async def started(self: Client, workflow: Any, *given: Any, **settings: Any) -> Any:
        if workflow != WORKFLOW_TYPES[CaseKind.CLAIM]:
            return await start(self, workflow, *given, **settings)
        if not before:
            await start(self, workflow, *given, **settings)
        _die()

    return started


if __name__ == "__main__":
    match sys.argv[1]:
        case "instructed":
            Ledger.note_attempt = _then_die(Ledger.note_attempt)  # type: ignore[method-assign]
        case "called":
            pass
        case "answered":
            Ledger.settle = _die  # type: ignore[method-assign]
        case "settled":
            Ledger.settle = _then_die(Ledger.settle)  # type: ignore[method-assign]
        case "claiming":
            Client.start_workflow = _then_die_starting(Client.start_workflow, before=True)  # type: ignore[method-assign]
        case "claimed":
            Client.start_workflow = _then_die_starting(Client.start_workflow, before=False)  # type: ignore[method-assign]
        case other:
            sys.exit(f"no such step: {other}")
    run(worker.main())
