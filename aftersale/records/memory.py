"""Records in memory, for simulations: the same statements on the same schema, begun anew in a millisecond."""

import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine
from sqlalchemy.pool import StaticPool

from aftersale.records.database import parse_url, prepare_sqlite, report_unavailable, writer_semaphore
from aftersale.records.migrate import migrate
from aftersale.records.store import Records
from aftersale.records.transactions import Transactions


class MemoryRecords(Records):
    """Records that live as long as the object, on one connection, and that one thread uses."""

    def __init__(self) -> None:
        """Begin with the schema of this version, and nothing in it."""
        self._raw = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        super().__init__(_OneConnection(parse_url("sqlite:///memory"), prepare_sqlite(_over(self._raw))))
        self.clear()

    def clear(self) -> None:
        """Forget everything; the engine keeps the statements that it has compiled."""
        self._raw.deserialize(_empty())

    @contextmanager
    def with_patience(self, seconds: float) -> Iterator[Records]:
        """Give these records: there is but one connection, and it keeps nobody waiting."""
        yield self

    def rows(self, statement: str, *given: object) -> list[tuple[Any, ...]]:
        """Read by a statement of one's own, past everything that this package knows of its tables."""
        return self._raw.execute(statement, given).fetchall()


class _OneConnection(Transactions):
    """Transactions one after the other, on connections that stay open."""

    def __init__(self, url: URL, engine: Engine) -> None:
        """Take no connection from a pool and no place in a queue: nobody else is there to be kept waiting."""
        super().__init__(url, engine, writer_semaphore(url))
        self._writer, self._looker = engine.connect(), self._reader.connect()

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Open a transaction that may write."""
        with report_unavailable(self.url), self._writer.begin():
            yield self._writer

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Open a transaction that writes nothing."""
        with report_unavailable(self.url), self._looker.begin():
            yield self._looker


def _over(raw: sqlite3.Connection) -> Engine:
    return create_engine("sqlite+pysqlite://", creator=lambda: raw, poolclass=StaticPool, hide_parameters=True)


@cache
def _empty() -> bytes:
    """Return the database file that the migrations make, as bytes."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "records.db"
        migrate(f"sqlite:///{file}")
        with sqlite3.connect(file) as made:
            made.execute("PRAGMA journal_mode = DELETE")
            return made.serialize()
