"""Transactions by which repositories reach the database: some write, some only read."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import URL, Connection, Engine

from aftersale.records.database import READING, report_unavailable
from aftersale.records.fair_semaphore import FairSemaphore

PAGE = 100
"""How many rows a list holds unless it is asked for another number."""


class Transactions:
    """The transactions of one database, opened on connections that threads share."""

    def __init__(self, url: URL, engine: Engine, semaphore: FairSemaphore) -> None:
        """Reach the database at this URL by this engine, and let its writers through this semaphore."""
        self.url, self.engine, self.semaphore = url, engine, semaphore
        self._reader = engine.execution_options(**{READING: True})

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Open a transaction that may write: committed where the block ends well. On SQLite it is BEGIN IMMEDIATE."""
        with report_unavailable(self.url), self.semaphore.place(), self.engine.begin() as connection:
            yield connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Open a transaction that writes nothing, and waits for no writer."""
        with report_unavailable(self.url), self._reader.begin() as connection:
            yield connection


class Repository:
    """What reads and writes some tables. Every public method is one transaction, and may raise RecordsUnavailable."""

    def __init__(self, transactions: Transactions) -> None:
        """Work by these transactions, which other repositories share."""
        self._writing, self._reading = transactions.write, transactions.read
