"""`python -m bench`: a happy return, messages and records included, beside a bare workflow and a bare skeleton of it.

All on one Temporal server, each with a worker process of its own, in rounds that alternate; the median of the rounds
counts, and their range says how far to trust it. `python -m bench promises` measures what is promised of speed.
"""

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from rich.console import Console
from rich.progress import track
from rich.table import Table
from temporalio.client import Client

from aftersale import records
from aftersale.client import Cases
from aftersale.temporal.plugin import plugin
from aftersale.temporal.worker import run
from bench import promises
from bench.contest import CONTESTANTS, Contestant
from bench.cost import Cost, cost
from trial.dev import worker_environment
from trial.platform import TRIAL_SECRET, create_app, serve
from trial.server import free_port, persistent

ROOT = Path(__file__).resolve().parents[1]


class Result(NamedTuple):
    """How a contestant did: cases per second in each round, and what one case cost."""

    name: str
    rates: Sequence[float]
    cost: Cost


async def measure(rounds: int, cases: int, at_once: int, console: Console) -> list[Result]:
    """Play the rounds, the contestants in turn."""
    async with _ground() as client:
        for each in CONTESTANTS:
            await _round(client, each, "warm", at_once, at_once)
        rates: dict[str, list[float]] = {each.name: [] for each in CONTESTANTS}
        for number in track(range(rounds), "rounds", console=console, disable=not console.is_terminal):
            for each in CONTESTANTS:
                rates[each.name].append(await _round(client, each, str(number), cases, at_once))
        return [Result(each.name, rates[each.name], await _cost(client, each)) for each in CONTESTANTS]


async def _round(client: Client, each: Contestant, number: str, cases: int, at_once: int) -> float:
    turn = asyncio.Semaphore(at_once)

    async def live(case_id: str) -> None:
        async with turn:
            await each.live(client, case_id)

    began = time.perf_counter()
    await asyncio.gather(*(live(_case_id(each, number, place)) for place in range(cases)))
    return cases / (time.perf_counter() - began)


async def _cost(client: Client, each: Contestant) -> Cost:
    workflow_id = each.workflow_id.format(_case_id(each, "warm", 0))
    return cost(await client.get_workflow_handle(workflow_id).fetch_history())


def _case_id(each: Contestant, number: str, place: int) -> str:
    return f"{each.name.replace(' ', '-')}-{number}-{place}"


@asynccontextmanager
async def _ground() -> AsyncIterator[Client]:
    """The server, the stand-in platform, the records, and both workers."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        url = f"sqlite:///{folder / 'records.db'}"
        server = persistent(folder / "temporal.db", port=free_port(), ui_port=free_port())
        address = await stack.enter_async_context(server)
        platform = await stack.enter_async_context(serve(create_app(folder / "platform.db", TRIAL_SECRET)))
        client = await Client.connect(address, plugins=[plugin()])
        await Cases(client).namespace.setup()
        records.migrate(url)
        environment = worker_environment(address, platform, url)
        await stack.enter_async_context(_process(environment, "-m", "bench.worker"))
        await stack.enter_async_context(_process(environment, "worker.py"))
        yield client


@asynccontextmanager
async def _process(environment: Mapping[str, str], *arguments: str) -> AsyncIterator[None]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("TEMPORAL_", "AFTERSALE_"))}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *arguments,
        cwd=ROOT,
        env={**inherited, **environment, "AFTERSALE_LOG_LEVEL": "WARNING"},
        stderr=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
    )
    try:
        yield
    finally:
        process.terminate()
        await process.wait()


def table(results: Sequence[Result], rounds: int) -> Table:
    """The results for people."""
    shown = Table(
        "", "cases/s", "range", "events", "KB", "tasks", "actions", title=f"medians of {rounds} rounds", min_width=80
    )
    for each in results:
        spread = f"{min(each.rates):.1f} ~ {max(each.rates):.1f}"
        counted = each.cost
        size = f"{counted.size / 1000:.1f}"
        counts = (str(counted.events), size, str(counted.tasks), str(counted.actions))
        shown.add_row(each.name, f"{median(each.rates):.1f}", spread, *counts)
    return shown


def plain(results: Sequence[Result]) -> dict[str, Any]:
    """The results for programs."""
    return {
        each.name: {"median": round(median(each.rates), 2), "rates": [round(rate, 2) for rate in each.rates]}
        | each.cost._asdict()
        for each in results
    }


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure a happy return on this machine.")
    parser.add_argument("what", nargs="?", choices=["cases", "promises"], default="cases", help="cases, or promises")
    parser.add_argument("--rounds", type=int, default=5, help="rounds of each contestant, alternating")
    parser.add_argument("--cases", type=int, default=60, help="cases in a round")
    parser.add_argument("--at-once", type=int, default=16, help="cases that are driven at the same time")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    chosen = parser.parse_args()
    if chosen.what == "promises":
        sys.exit(promises.main(chosen.json))
    console = Console(stderr=chosen.json)
    results = run(measure(chosen.rounds, chosen.cases, chosen.at_once, console))
    if chosen.json:
        print(json.dumps(plain(results)))
    else:
        console.print(table(results, chosen.rounds))


if __name__ == "__main__":
    main()
