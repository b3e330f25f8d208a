"""A worker that does what cases ask of the outside, and works on no workflow."""

from collections.abc import Sequence
from typing import Any

from temporalio.client import Client

import worker
from aftersale.temporal.worker import PunctualWorker, run


def _without_workflows(client: Client, workflows: Sequence[type], **settings: Any) -> PunctualWorker:
    del workflows
    return PunctualWorker(client, **settings)


if __name__ == "__main__":
    vars(worker)["PunctualWorker"] = _without_workflows
    run(worker.main())
