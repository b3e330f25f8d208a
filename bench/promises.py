"""`python -m bench promises`: what is promised of speed, as ratios, which say the same on every machine.

A ratio compares two measurements of one run on one machine, each the best of several. Exit status 1 where one is worse
than was promised.
"""

import json
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from subprocess import DEVNULL, run
from typing import NamedTuple

from rich.console import Console
from rich.table import Table

from aftersale import records
from aftersale.policy.book import Book
from aftersale.policy.explain import explain_text, json_line
from aftersale.records import Records
from tests.policy.test_cost import QUESTION
from tests.records.ledger.test_integrity import payments
from tests.support.books import BOOK, ask, crowded
from tests.support.books import ROOT as POLICIES
from tests.support.crowds import like, open_cases, pages, refunded_orders
from tests.support.running import open_file, text, turn_of
from trial.postgres import binaries, server

ROOT = Path(__file__).resolve().parents[1]

Measured = Callable[[], object]


class Promise(NamedTuple):
    """A measured ratio: one time over another that it is held against, beside the most that is promised."""

    says: str
    ratio: float
    most: float
    took: float


def measured(console: Console) -> Iterator[Promise]:
    """Measure every promise, on every database that is here."""
    yield from _policy()
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        postgresql = stack.enter_context(server(found)) if (found := binaries()) else None
        if postgresql is None:
            console.print("no PostgreSQL server is installed here; its promises are not measured")

        def made(of: str) -> Iterator[str]:
            yield f"sqlite:///{folder / of}.db"
            if postgresql is not None:
                yield postgresql.database(of)

        yield from _lists(list(made("few")), list(made("many")))
        yield from _ledger(list(made("short")), list(made("long")))
        yield from _impact(list(made("hundreds")), list(made("thousands")), folder / "of-june.toml")


def _policy() -> Iterator[Promise]:
    def asking(book: Book) -> Measured:
        return lambda: [ask("merchant_review", "2024-01-30T00:00:00", book=book) for _ in range(300)]

    def explaining(many: int) -> Measured:
        told = "\n".join([json.dumps(QUESTION)] * many)
        return lambda: [json_line(answer) for answer in explain_text(BOOK, told)]

    told = json.dumps(QUESTION)
    yield _promise(
        "a question among 200 notices, beside one among two", asking(crowded(200)), asking(crowded(1)), most=2
    )
    yield _promise("20,000 questions, beside 2,000", explaining(20_000), explaining(2_000), most=15)
    yield _promise(
        "2,000 questions, beside reading and writing them as JSON",
        explaining(2_000),
        lambda: [json.dumps(json.loads(told)) for _ in range(2_000)],
        most=60,
    )


FEW, MANY = 500, 50_000
"""Open cases in a list: a page of many takes as long as one of few, and some time to find."""


def _lists(few_urls: list[str], many_urls: list[str]) -> Iterator[Promise]:
    for few_url, many_url in zip(few_urls, many_urls, strict=True):
        database = few_url.partition(":")[0]
        with ExitStack() as stack:
            few = stack.enter_context(_filled(few_url, lambda kept, url: open_cases(kept, url, FEW)))
            many = stack.enter_context(_filled(many_url, lambda kept, url: open_cases(kept, url, MANY)))
            for name, page in pages(many, MANY).items():
                yield _promise(
                    f"{database}: {name} of {MANY}, beside a first page of {FEW}", page, few.cases.find, most=60
                )
        for words in (("list",), ("list", "--json"), ("due", "--within", "P9000D")):
            yield _promise(
                f"{database}: {' '.join(words)} of {MANY} cases, beside {FEW}; processor time",
                partial(_run, many_url, *words),
                partial(_run, few_url, *words),
                most=3,
                clock=_of_children,
            )


def _ledger(short_urls: list[str], long_urls: list[str]) -> Iterator[Promise]:
    ways: dict[str, Callable[[Records, int], object]] = {
        "proving": lambda kept, _: kept.ledger.check(),
        "proving with a statement": lambda kept, number: kept.ledger.check(payments(number)),
        "exporting": lambda kept, _: list(kept.ledger.export()),
    }
    for short_url, long_url in zip(short_urls, long_urls, strict=True):
        database = short_url.partition(":")[0]
        with ExitStack() as stack:
            few = stack.enter_context(_filled(short_url, lambda _, url: refunded_orders(url, 10_000)))
            many = stack.enter_context(_filled(long_url, lambda _, url: refunded_orders(url, 100_000)))
            for name, prove in ways.items():
                says = f"{database}: {name} 100,000 instructions, beside 10,000"
                yield _promise(says, partial(prove, many, 100_000), partial(prove, few, 10_000), most=20)


def _impact(few_urls: list[str], many_urls: list[str], notice: Path) -> Iterator[Promise]:
    """Measure what a notice would move: every open case is asked about, once by each book."""
    notice.write_text(text(), "utf-8")
    words = ("policy", "impact", str(notice), "--at", "2024-06-05T10:00:00")

    def fill(kept: Records, url: str, many: int) -> None:
        kept.turns.write([turn_of(open_file(case_id="C-1"))])
        like(url, "C-1", many - 1)

    for few_url, many_url in zip(few_urls, many_urls, strict=True):
        with _filled(few_url, partial(fill, many=1_000)), _filled(many_url, partial(fill, many=10_000)):
            yield _promise(
                f"{few_url.partition(':')[0]}: the impact of a notice on 10,000 cases, beside 1,000; processor time",
                partial(_run, many_url, *words),
                partial(_run, few_url, *words),
                most=15,
                clock=_of_children,
            )


def _filled(url: str, fill: Callable[[Records, str], None]) -> Records:
    records.migrate(url)
    opened = records.open(url, patience=120)
    fill(opened, url)
    return opened


def _promise(
    says: str, ask: Measured, beside: Measured, *, most: float, clock: Callable[[], float] = time.perf_counter
) -> Promise:
    """Measure both in turn, so that a busy machine slows both alike."""
    pairs = [(_took(ask, clock), _took(beside, clock)) for _ in range(5)]
    one, other = min(one for one, _ in pairs), min(other for _, other in pairs)
    return Promise(says, one / other, most, one)


def _took(do: Measured, clock: Callable[[], float]) -> float:
    began = clock()
    do()
    return clock() - began


def _of_children() -> float:
    """Give the processor time of child processes so far, in seconds."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _run(url: str, *words: str) -> None:
    command = [sys.executable, "-c", "from aftersale.cli import main; main()", *words]
    run(
        command,
        cwd=ROOT,
        env={**os.environ, "AFTERSALE_POLICIES": str(POLICIES), "AFTERSALE_RECORDS_URL": url},
        stdout=DEVNULL,
        check=True,
    )


def main(as_json: bool) -> int:
    """Measure, and print; 1 where a promise is broken."""
    console = Console(stderr=as_json)
    found = list(measured(console))
    if as_json:
        print(json.dumps([each._asdict() for each in found]))
    else:
        shown = Table("", "times", "promised", "ms", title="what is promised of speed")
        for each in found:
            broken = "red" if each.ratio > each.most else ""
            shown.add_row(each.says, f"{each.ratio:.1f}", f"{each.most:.0f}", f"{each.took * 1000:.1f}", style=broken)
        console.print(shown)
    return int(any(each.ratio > each.most for each in found))
