"""A worker that does what cases ask of the outside, and works on no workflow."""

from collections.abc import Sequence
from typing import Any

from temporalio.client import Client
from temporalio.worker import Worker

import worker
from aftersale.plugin import run


def _without_workflows(client: Client, workflows: Sequence[type], **settings: Any) -> Worker:
    del workflows
    return Worker(client, **settings)


if __name__ == "__main__":
    vars(worker)["Worker"] = _without_workflows
    run(worker.main())
