"""The records of cases: one object, whatever the database."""

from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from aftersale.records.cases import CaseRepository
from aftersale.records.database import engine, name_in_words, parse_url, writer_semaphore
from aftersale.records.fair_semaphore import PATIENCE
from aftersale.records.ledger import Ledger
from aftersale.records.outbox import OutboxRepository
from aftersale.records.reconciliation import ReconciliationRepository
from aftersale.records.transactions import Transactions
from aftersale.records.turns import TurnRepository
from aftersale.records.violations import ViolationRepository


class Records:
    """The written copy of cases, and the ledger, in a database whose schema `migrate` has brought up to date.

    Connections are opened as they are needed and shared by threads; the object may be used from any of them. Every
    method of a repository may raise RecordsUnavailable, within about three seconds. Instants are aware.
    """

    def __init__(self, transactions: Transactions) -> None:
        """Open the repositories on one database; nothing is connected yet."""
        self.transactions = transactions
        self.turns = TurnRepository(transactions)
        self.cases = CaseRepository(transactions)
        self.outbox = OutboxRepository(transactions)
        self.violations = ViolationRepository(transactions)
        self.ledger = Ledger(transactions)
        self.reconciliation = ReconciliationRepository(transactions)

    def __repr__(self) -> str:
        return f"<Records in {name_in_words(self.transactions.url)}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @contextmanager
    def with_patience(self, seconds: float) -> Iterator["Records"]:
        """Give the same records, opened so that one answer may take so long: what asks of whole tables needs it."""
        where = self.transactions.url
        with Records(Transactions(where, engine(where, seconds), writer_semaphore(where, seconds))) as patient:
            yield patient

    def close(self) -> None:
        """Close every connection that is not in use."""
        self.transactions.engine.dispose()


def open(url: str, patience: float = PATIENCE) -> Records:
    """Return the records at a URL. Raises BadInput for one that cannot be used; nothing is connected yet."""
    where = parse_url(url)
    return Records(Transactions(where, engine(where, patience), writer_semaphore(where, patience)))
