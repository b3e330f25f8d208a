"""Records in memory, for simulations: the same statements on the same schema, begun anew in a millisecond."""

import sqlite3
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine
from sqlalchemy.pool import StaticPool

from aftersale.records.database import gate, parse_url, prepare_sqlite
from aftersale.records.migrate import migrate
from aftersale.records.store import Records
from aftersale.records.transactions import Transactions


class MemoryRecords(Records):
    """Records that live as long as the object, on one connection, and that one thread uses."""

    def __init__(self) -> None:
        """Begin with the schema of this version, and nothing in it."""
        self._raw = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        url = parse_url("sqlite:///memory")
        super().__init__(Transactions(url, prepare_sqlite(_over(self._raw)), gate(url)))
        self.clear()

    def clear(self) -> None:
        """Forget everything; the engine keeps the statements that it has compiled."""
        self._raw.deserialize(_empty())

    def rows(self, statement: str, *given: object) -> list[tuple[Any, ...]]:
        """Read by a statement of one's own, past everything that this package knows of its tables."""
        return self._raw.execute(statement, given).fetchall()


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
