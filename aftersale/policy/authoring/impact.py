"""Count what another policy book would do to running clocks: which move, how far, which into the past. Pure."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from aftersale.errors import AftersaleError
from aftersale.policy.book import Book
from aftersale.policy.running import RunningCase, RunningClock
from aftersale.policy.validity import midnight
from aftersale.vocabulary import CaseKind, State


class Way(StrEnum):
    """What becomes of a running clock under another book."""

    STANDS = "stands"
    LATER = "later"
    EARLIER = "earlier"
    WAIVED = "waived"
    NO_LONGER_WAIVED = "no_longer_waived"
    RUN_OUT = "run_out"
    UNANSWERED = "unanswered"
    UNKNOWN = "unknown"


MOVES = frozenset({Way.LATER, Way.EARLIER, Way.WAIVED, Way.NO_LONGER_WAIVED})
"""The ways that leave a DeadlineChanged entry in a case (R9)."""


class Fate(NamedTuple):
    """What becomes of one clock: how far its last instant in time moves, and what else is to be known of it.

    `past` says that the new deadline lies in the past, and leaves the grace instead (R13). `owed` says that the book
    in use would move the clock as well: what it published was not rolled out to the case.
    """

    way: Way
    moved: timedelta | None = None
    past: bool = False
    owed: bool = False


def publication_instant(old: Book, new: Book, now: datetime) -> datetime:
    """Return the instant from which all that the new book adds is known.

    Now, or the day on which the last of it will be.
    """
    added = (file for file in new.binding if file not in old.files)
    days = (midnight(day, file.tz) for file in added for day in (file.announced, file.repealed))
    return max([now, *(day for day in days if day is not None)])


def fate(running: RunningClock, old: Book, new: Book, at: datetime, *, held: bool = False) -> Fate:
    """Return what the new book makes of a running clock that asks it again at that instant, as a case would (R9, R13).

    One that will have run out by then is left alone, unless it is held: no book revives it.
    """
    if running.lapses_at is not None and running.lapses_at <= at and not held:
        return Fate(Way.RUN_OUT)
    try:
        after = _asked_again(running, new, at)
    except AftersaleError:
        return Fate(Way.UNANSWERED)
    if after.deadline.due_at == running.deadline.due_at:
        return Fate(Way.STANDS)
    owed = _owed(running, old, at)
    if after.respond_by is None or running.respond_by is None:
        return Fate(Way.WAIVED if after.respond_by is None else Way.NO_LONGER_WAIVED, owed=owed)
    assert after.last_instant is not None and running.last_instant is not None
    way = Way.LATER if after.last_instant > running.last_instant else Way.EARLIER
    return Fate(way, after.respond_by - running.respond_by, after.last_instant < at, owed)


def _asked_again(running: RunningClock, book: Book, at: datetime) -> RunningClock:
    question = running.question.model_copy(update={"as_of": at})
    return running.retime(question, book.ask(question), at)


def _owed(running: RunningClock, book: Book, at: datetime) -> bool:
    try:
        return _asked_again(running, book, at).deadline.due_at != running.deadline.due_at
    except AftersaleError:
        return False


@dataclass
class Impact:
    """What a book would do to all open cases, added up case by case."""

    old: Book
    new: Book
    at: datetime
    cases: int = 0
    cases_moved: int = 0
    clocks: Counter[Way] = field(default_factory=Counter)
    past: int = 0
    owed: int = 0
    by_kind: Counter[CaseKind] = field(default_factory=Counter)
    by_state: Counter[State] = field(default_factory=Counter)
    by_merchant: Counter[str | None] = field(default_factory=Counter)
    distances: dict[Way, list[timedelta]] = field(default_factory=dict)

    def add(self, cases: Iterable[RunningCase]) -> None:
        """Count what becomes of the clocks of these cases."""
        for case in cases:
            self.cases += 1
            moved = sum(self._counts(found) for found in self._fates(case))
            if moved:
                self.cases_moved += 1
                self.by_kind[case.kind] += moved
                self.by_state[case.state] += moved
                self.by_merchant[case.merchant_id] += moved

    @property
    def moved(self) -> int:
        """How many deadlines move."""
        return sum(self.clocks[way] for way in MOVES)

    def span(self, way: Way) -> tuple[timedelta, timedelta, timedelta] | None:
        """Say how far deadlines move that way: the shortest, the median, the longest distance; None where none does."""
        found = sorted(abs(moved) for moved in self.distances.get(way, ()))
        return (found[0], found[len(found) // 2], found[-1]) if found else None

    def _fates(self, case: RunningCase) -> Iterator[Fate]:
        if case.clocks is None:
            yield Fate(Way.UNKNOWN)
            return
        for running in case.clocks:
            yield fate(running, self.old, self.new, self.at, held=case.held)

    def _counts(self, found: Fate) -> bool:
        """Tell whether the clock moves, once it is counted."""
        self.clocks[found.way] += 1
        self.past += found.past
        self.owed += found.owed
        if found.moved is not None:
            self.distances.setdefault(found.way, []).append(found.moved)
        return found.way in MOVES
