"""Measure what the examples of a file show of it: every row exercised, every edge of a window from both sides."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime

from aftersale.errors import AftersaleError, BadInput
from aftersale.policy.authoring.examples import question
from aftersale.policy.book import Book
from aftersale.policy.clauses import Clause
from aftersale.policy.facts import Question
from aftersale.policy.rules import PolicyFile, PresaleCap
from aftersale.policy.select import Bound, bind
from aftersale.policy.validity import stretch
from aftersale.times import local


@dataclass
class _Shown:
    """The clauses and limits that examples exercise, and the instants that each rule's windows judged in them."""

    clauses: set[str] = field(default_factory=set)
    limits: set[str] = field(default_factory=set)
    instants: defaultdict[tuple[str, str], set[datetime]] = field(default_factory=lambda: defaultdict(set))


def gaps(book: Book, file: PolicyFile) -> Iterator[str]:
    """Everything in the file that none of its examples shows, each with what to add. The book must hold the file."""
    shown = _shown(book, file)
    yield from _rows(file, shown)
    yield from _edges(file, shown)
    yield from _turns(file, shown)


def _shown(book: Book, file: PolicyFile) -> _Shown:
    shown = _Shown(clauses={example.rules[-1] for example in file.example if example.rules})
    bounds = list(bind(file))
    for example in file.example:
        if example.presale is not None:
            for cap in file.presale:
                shown.instants[cap.id, cap.id].add(example.presale.at.replace(tzinfo=file.tz))
            continue
        with suppress(AftersaleError):
            asked = question(file, example)
            row = book.ordinary(asked.clock, asked, asked.started_at)
            shown.limits |= {row.id} if example.rules == row.rules else set()
            _judged(book, bounds, asked, shown)
    return shown


def _judged(book: Book, bounds: Iterable[Bound], asked: Question, shown: _Shown) -> None:
    """Note every instant that the question puts to a window of the rules."""
    computation = book.compute(asked.clock, asked, asked.started_at)
    for bound in bounds:
        if asked.clock not in bound.rule.clock or not bound.concerns(asked, asked.clock):
            continue
        for test in bound.window_tests:
            with suppress(BadInput):
                if (instant := bound.instant(test, computation)) is not None:
                    shown.instants[bound.rule.id, test.id].add(instant)


def _rows(file: PolicyFile, shown: _Shown) -> Iterator[str]:
    for rule in file.rule:
        if rule.id not in shown.clauses:
            yield f"rule {rule.id!r}: no example exercises it; add one whose `rules` end in {rule.id!r}"
    for cap in file.presale:
        if cap.id not in shown.clauses:
            yield f"presale {cap.id!r}: no example exercises it; add one whose `rules` are [{cap.id!r}]"
    for limit in file.limit:
        if limit.id not in shown.limits:
            yield f"limit {limit.id!r}: no example exercises it; add one for {limit.clock} that no rule changes"
    for selector in file.selector:
        if not any(rule.under == selector.id for rule in file.rule):
            yield f"selector {selector.id!r}: no rule stands under it; add one or remove it"


def _edges(file: PolicyFile, shown: _Shown) -> Iterator[str]:
    """Windows that no example tries at an edge and one second beyond it."""
    windowed: list[Clause | PresaleCap] = [*file.selector, *file.rule, *file.presale]
    for window in file.window:
        clauses = {clause.id for clause in windowed if clause.window == window.id}
        if not clauses:
            yield f"window {window.id!r}: no clause uses it; name it in a clause or remove it"
            continue
        tried = set().union(*(found for (_, clause), found in shown.instants.items() if clause in clauses))
        missing = [edge for pair in stretch(window, file.tz).edges for edge in pair if edge not in tried]
        if missing:
            at = ", ".join(local(edge, file.tz) for edge in sorted(missing))
            yield f"window {window.id!r}: no example whose key instant is {at}; add one at each of them"


def _turns(file: PolicyFile, shown: _Shown) -> Iterator[str]:
    """Rules that select on a computed instant, of which no example shows the very second at which they turn."""
    for bound in bind(file):
        for test in bound.window_tests:
            tried = shown.instants[bound.rule.id, test.id]
            if test.key == "timeout_point" and not any(set(pair) <= tried for pair in test.window.edges):
                yield (
                    f"rule {bound.rule.id!r}: selects on a computed instant, so it needs a boundary pair of its own;"
                    " add two examples one second apart, their timeout points inside and outside the window"
                )
