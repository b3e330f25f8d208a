"""The database of the records, locked against those who write, and read past all that the product knows of it."""

import asyncio
import csv
import io
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from trial import postgres

_LOCKED = ("turns", "cases", "outbox", "orders", "instructions", "reservations")


class Database(Protocol):
    """One of the two databases."""

    url: str

    async def lock(self, seconds: float) -> None:
        """Keep everybody from writing for a while."""

    def rows(self, statement: str) -> list[tuple[str, ...]]:
        """Read by a statement; every value as text, what is absent as an empty one."""


class SQLite:
    """A file."""

    def __init__(self, file: Path) -> None:
        """Use a file; the migrations make it."""
        self._file, self.url = file, f"sqlite:///{file}"

    async def lock(self, seconds: float) -> None:
        """Hold the write lock of the file."""
        await asyncio.to_thread(self._hold, seconds)

    def rows(self, statement: str) -> list[tuple[str, ...]]:
        """Read by a statement."""
        db = sqlite3.connect(self._file)
        try:
            found = db.execute(statement).fetchall()
        finally:
            db.close()
        return [tuple("" if value is None else str(value) for value in row) for row in found]

    def _hold(self, seconds: float) -> None:
        """Lock and let go in one thread, which comes to its end whoever waits for it is cancelled."""
        db = sqlite3.connect(self._file, isolation_level=None, timeout=60)
        try:
            db.execute("BEGIN IMMEDIATE")
            time.sleep(seconds)
            db.execute("ROLLBACK")
        finally:
            db.close()


class PostgreSQL:
    """A database of a server."""

    def __init__(self, server: postgres.Server) -> None:
        """Make the database."""
        self._psql, self.url = str(server.binary / "psql"), server.database("chaos")

    async def lock(self, seconds: float) -> None:
        """Lock the tables that cases are written to."""
        locked = f"LOCK TABLE {', '.join(_LOCKED)} IN EXCLUSIVE MODE; SELECT pg_sleep({seconds})"
        process = await asyncio.create_subprocess_exec(
            *self._command(locked), stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL
        )
        try:
            await process.wait()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()

    def rows(self, statement: str) -> list[tuple[str, ...]]:
        """Read by a statement."""
        said = subprocess.run(self._command(statement), check=True, capture_output=True, text=True).stdout
        return [tuple(row) for row in csv.reader(io.StringIO(said))]

    def _command(self, statement: str) -> list[str]:
        return [self._psql, "--quiet", "--csv", "--tuples-only", "--command", statement, self.url]


@contextmanager
def database(kind: str, folder: Path) -> Iterator[Database]:
    """Give a database of this kind. Raises FileNotFoundError where no PostgreSQL server is installed."""
    if kind == "sqlite":
        yield SQLite(folder / "records.db")
        return
    binary = postgres.binaries()
    if binary is None:
        raise FileNotFoundError(postgres.ABSENT)
    with postgres.server(binary) as server:
        yield PostgreSQL(server)
