"""Databases that are away for a while."""

import os
import signal
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager

from aftersale.records.database import engine, parse_url
from trial.postgres import Server


@contextmanager
def locked(url: str) -> Iterator[None]:
    """A SQLite file that somebody else writes to for as long as the block runs."""
    other = engine(parse_url(url))
    try:
        with other.begin():
            yield
    finally:
        other.dispose()


@contextmanager
def stopped(server: Server) -> Iterator[None]:
    """A PostgreSQL server that is down for as long as the block runs."""
    server.stop()
    try:
        yield
    finally:
        server.start()


def silent(server: Server) -> AbstractContextManager[None]:
    """A PostgreSQL server that takes calls and answers none for as long as the block runs."""
    return frozen(server.processes())


@contextmanager
def frozen(processes: Sequence[int]) -> Iterator[None]:
    """Processes that stand still for as long as the block runs."""
    for process in processes:
        os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        for process in processes:
            os.kill(process, signal.SIGCONT)
