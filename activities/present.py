"""The present of activities: the one place where they read a clock, so that a simulation can give them its own."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime


def _system_clock() -> datetime:
    return datetime.now(UTC)


_clock: Callable[[], datetime] = _system_clock


def now() -> datetime:
    """Give the present, aware and in UTC."""
    return _clock()


@contextmanager
def read_from(clock: Callable[[], datetime]) -> Iterator[None]:
    """Have every activity of this process read another clock while the block runs."""
    global _clock
    before, _clock = _clock, clock
    try:
        yield
    finally:
        _clock = before
