"""What other processes do in tests, and how they begin together."""

from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from multiprocessing.synchronize import Barrier
from typing import Any, Self, TypeVar

from aftersale import records
from aftersale.records import Report
from tests.records.drawing import HOUR, NOW, line

T = TypeVar("T")


class Hands:
    """Processes that stand ready, so that what they do together begins in the same moment."""

    def __init__(self, number: int) -> None:
        """Start so many."""
        context = get_context("spawn")
        self.number = number
        self._pool = ProcessPoolExecutor(number, context, _meet_at, (context.Barrier(number),))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown()

    def at_once(self, work: Callable[..., T], calls: Sequence[tuple[Any, ...]]) -> list[T]:
        """What the calls answer, one for every process."""
        assert len(calls) == self.number
        return [each.result(60) for each in [self._pool.submit(_together, work, *call) for call in calls]]


def _meet_at(barrier: Barrier) -> None:
    global _barrier
    _barrier = barrier


def _together(work: Callable[..., T], *call: Any) -> T:
    _barrier.wait(60)
    return work(*call)


_barrier: Barrier


def write_cases(url: str, hand: int, cases: int, turns: int, threads: int) -> int:
    """Write many cases, turn by turn, several threads at a time as a worker does; how many rows that were."""

    def write_case(number: int) -> None:
        for turn in line(f"C-{hand}-{number}", turns):
            kept.write([turn], now=NOW)

    with records.open(url) as kept, ThreadPoolExecutor(threads) as pool:
        list(pool.map(write_case, range(cases)))
    return cases * turns


def write_one_case(url: str, hand: int, turns: int) -> None:
    """Write the same case as all others do, over and over, each time from the beginning."""
    with records.open(url) as kept:
        for upto in range(1, turns + 1):
            kept.write(line("C-1", upto), now=NOW)


def deliver(url: str, owner: str) -> list[str]:
    """Lease, and report as sent, until nothing is due; the ids of what was leased."""
    taken: list[str] = []
    with records.open(url) as kept:
        while leased := kept.lease(owner, 7, NOW, HOUR):
            for each in leased:
                taken.append(each.message.message_id)
            kept.report(owner, [Report(each.message.message_id, ["inbox"]) for each in leased], NOW)
    return taken
