"""A connection to PostgreSQL that does not wait for ever."""

import time
from collections.abc import Generator
from typing import Any, TypeVar

import psycopg

from aftersale.records.fair_semaphore import PATIENCE

T = TypeVar("T")


class ImpatientConnection(psycopg.Connection[Any]):
    """A connection that gives up on a server which does not answer: the server's own time limits need a live server."""

    patience = PATIENCE

    def wait(self, gen: Any, *args: Any, **settings: Any) -> Any:
        """Wait for an answer, at most `patience` seconds and the moment that the server's own limit may need more."""
        return super().wait(self._bounded(gen), *args, **settings)

    def _bounded(self, gen: Generator[T, Any, Any]) -> Generator[T, Any, Any]:
        until = time.monotonic() + self.patience + 0.5
        try:
            wanted = next(gen)
            while True:
                ready = yield wanted
                if not ready and time.monotonic() > until:
                    self.pgconn.finish()  # so that nobody asks this server for a rollback
                    raise psycopg.OperationalError("the server does not answer")
                wanted = gen.send(ready)
        except StopIteration as done:
            return done.value
