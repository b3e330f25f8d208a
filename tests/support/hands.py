"""Other processes at work in tests, and how they begin together."""

from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from multiprocessing.synchronize import Barrier
from typing import Any, Self, TypeVar

from aftersale import records
from aftersale.policy.service_terms import Advance
from aftersale.records import Report
from aftersale.vocabulary import CaseKind
from tests.support.bookkeeping import MOST, claim, instruction, paid
from tests.support.drawing import HOUR, NOW, line

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
            kept.turns.write([turn], now=NOW)

    with records.open(url, patience=60) as kept, ThreadPoolExecutor(threads) as pool:
        list(pool.map(write_case, range(cases)))
    return cases * turns


def write_one_case(url: str, hand: int, turns: int) -> None:
    """Write the same case as all others do, over and over, each time from the beginning."""
    with records.open(url, patience=60) as kept:
        for upto in range(1, turns + 1):
            kept.turns.write(line("C-1", upto), now=NOW)


def deliver(url: str, owner: str) -> list[str]:
    """Lease, and report as sent, until nothing is due; the ids of what was leased."""
    taken: list[str] = []
    with records.open(url, patience=60) as kept:
        while leased := kept.outbox.lease(owner, 7, NOW, HOUR):
            for each in leased:
                taken.append(each.message.message_id)
            kept.outbox.report(owner, [Report(each.message.message_id, ["inbox"]) for each in leased], NOW)
    return taken


def claim_one_order(url: str, hand: int, cases: int, threads: int, asked: int) -> list[str]:
    """Open many cases on one order, of every kind, several threads at a time; those that got what they asked."""

    def open_case(number: int) -> str | None:
        case_id, kind = f"C-{hand}-{number}", list(CaseKind)[number % len(CaseKind)]
        problems = kept.ledger.reserve(claim(case_id, asked, kind=kind), MOST, NOW)
        return None if problems else case_id

    with records.open(url, patience=60) as kept, ThreadPoolExecutor(threads) as pool:
        return [case_id for case_id in pool.map(open_case, range(cases)) if case_id]


def advance_to_one_buyer(url: str, hand: int, orders: int, most: int) -> int:
    """Have a buyer advanced 1000 for each of many orders at once; how often that stayed in the bound."""

    def advance(number: int) -> bool:
        ahead = instruction(f"C-{hand}-{number}", 1000, order_id=f"O-{hand}-{number}", payer="platform_advance")
        return kept.ledger.advance(bounds, ahead, NOW).settlement is None

    bounds = Advance(per_buyer={"CNY": most})
    with records.open(url, patience=60) as kept, ThreadPoolExecutor(orders) as pool:
        return sum(pool.map(advance, range(orders)))


def live_through_cases(url: str, hand: int, cases: int, threads: int, asked: int) -> int:
    """Open cases on one order one after the other, refund half of each and close it; what was refunded in all."""

    def live(number: int) -> int:
        case_id, kind = f"C-{hand}-{number}", list(CaseKind)[number % len(CaseKind)]
        if kept.ledger.reserve(claim(case_id, asked, kind=kind), 10_000, NOW):
            return 0
        refund = instruction(case_id, asked // 2)
        kept.ledger.instruct(refund, NOW)
        kept.ledger.note_attempt(refund.key, 1, NOW)
        kept.ledger.settle(paid(refund.key), 1, True, NOW)
        return asked // 2

    with records.open(url, patience=60) as kept, ThreadPoolExecutor(threads) as pool:
        return sum(pool.map(live, range(cases)))


def claim_one_id(url: str, hand: int) -> bool:
    """Open a case under the id that all others use too, on an order of one's own; whether it was had."""
    with records.open(url, patience=60) as kept:
        return not kept.ledger.reserve(claim("C-1", order_id=f"O-{hand}", owner=f"run of {hand}"), MOST, NOW)


def instruct_one_key(url: str, hand: int) -> bool:
    """Instruct what all others instruct too; whether it was known by then."""
    with records.open(url, patience=60) as kept:
        return kept.ledger.instruct(instruction("C-1", 10000), NOW).known
