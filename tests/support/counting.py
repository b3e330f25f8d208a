"""Count what a database is made to do: the same on every machine."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import event

from aftersale.records import Records

_EACH = 100
"""So many instructions of SQLite's machine are one step here: counting each would take longer than they do."""


@dataclass
class Work:
    """What a database did."""

    statements: int = 0
    steps: int = 0
    """Hundreds of instructions, on SQLite; PostgreSQL tells nothing like it."""


@contextmanager
def counted(kept: Records) -> Iterator[Work]:
    """Count what these records' database does for as long as the block runs."""
    work, met = Work(), set[Any]()

    def step() -> int:
        work.steps += 1
        return 0

    def begun(connection: Any, *_: object) -> None:
        work.statements += 1
        if connection.dialect.name == "sqlite":
            raw = connection.connection.dbapi_connection
            met.add(raw)
            raw.set_progress_handler(step, _EACH)

    event.listen(kept.transactions.engine, "before_cursor_execute", begun)
    try:
        yield work
    finally:
        event.remove(kept.transactions.engine, "before_cursor_execute", begun)
        for raw in met:
            raw.set_progress_handler(None, 0)


def work_of(kept: Records, ask: Callable[[], object]) -> Work:
    """What the records' database does to answer."""
    with counted(kept) as work:
        ask()
    return work
