"""The two places that commands go to, the Temporal server and the records; each is loaded when one goes there."""

import os
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from aftersale.errors import AftersaleError

if TYPE_CHECKING:
    from aftersale.client import Cases
    from aftersale.records import Records

T = TypeVar("T")


class NotInstalled(AftersaleError):
    """What a command needs was not installed with this package; the message says how to."""


def on_cases(work: Callable[["Cases"], Awaitable[T]]) -> T:
    """Return what the work finds at the Temporal server that the environment names. Raises as `Cases` does."""
    from aftersale.client import Cases
    from aftersale.temporal.worker import run

    async def connected() -> T:
        return await work(await Cases.connect())

    return run(connected())


@contextmanager
def on_records(patience: float | None = None) -> Iterator["Records"]:
    """Return the records in the database that the environment names. Raises NotInstalled, and as `Records` does.

    `patience` is how many seconds one answer may take, where a list's patience is not enough.
    """
    with the_extra():
        from aftersale import records

        opened = records.open(records_url(), records.PATIENCE if patience is None else patience)
    with opened as kept:
        yield kept


def records_url() -> str:
    """Return the URL of the database that the environment names. Raises NotInstalled."""
    with the_extra():
        from aftersale import records
    return os.environ.get(records.VARIABLE) or records.DEFAULT_URL


@contextmanager
def the_extra() -> Iterator[None]:
    """Load what only the extra `records` installs. Raises NotInstalled where it did not."""
    try:
        yield
    except ImportError as error:
        remedy = "install it: pip install 'aftersale[records]'"
        raise NotInstalled(f"the records need the extra `records` ({error}); {remedy}") from None
