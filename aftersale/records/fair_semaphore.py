"""A fair semaphore for the threads of one process: so many at a time, in the order in which they came."""

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

PATIENCE = 2.5
"""Seconds to wait for a connection, a lock or an answer: a record is written beside a case that must go on."""


class NoPlaceFree(Exception):
    """No place came free in time."""


class FairSemaphore:
    """Locks and connection pools let in whoever asks at the right moment, and can pass over a waiting thread for long.

    Here the first to come is the first to go: a burst of writers takes each as long as the burst, and none longer.
    """

    def __init__(self, width: int, patience: float) -> None:
        """Let `width` threads through at a time, and the others wait `patience` seconds."""
        self._free, self._patience = width, patience
        self._queue: deque[threading.Event] = deque()
        self._lock = threading.Lock()

    @contextmanager
    def place(self) -> Iterator[None]:
        """Wait for a place, and keep it while the block runs. Raises NoPlaceFree."""
        self._enter()
        try:
            yield
        finally:
            self._leave()

    def _enter(self) -> None:
        with self._lock:
            if self._free:
                self._free -= 1
                return
            called = threading.Event()
            self._queue.append(called)
        if called.wait(self._patience):
            return
        with self._lock:
            if called.is_set():
                return
            self._queue.remove(called)
        raise NoPlaceFree

    def _leave(self) -> None:
        with self._lock:
            if self._queue:
                self._queue.popleft().set()
            else:
                self._free += 1
