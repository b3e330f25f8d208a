"""A worker for what a case is measured against, set up as the product's own: `python -m bench.worker`."""

import asyncio

from temporalio.worker import Worker

from aftersale.temporal.plugin import connect
from aftersale.temporal.worker import run
from bench.skeleton import QUEUE, Bare, Skeleton, bench_pay


async def main() -> None:
    """Work until killed."""
    client = await connect()
    async with Worker(client, task_queue=QUEUE, workflows=[Bare, Skeleton], activities=[bench_pay]):
        print("working", flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    run(main())
