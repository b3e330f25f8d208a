"""Failures that nobody retrieves: asyncio reports them as their task is forgotten, in the log and nowhere else."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

_NAMED = "never retrieved"
_LOGGERS = ("asyncio", "temporalio.worker._workflow_instance")
"""Who reports for the loop of a program, and for a workflow, which is a loop of its own."""


class _Ear(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.heard: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if _NAMED in (said := record.getMessage()):
            why = repr(record.exc_info[1]) if record.exc_info else ""
            self.heard.append(f"{said.splitlines()[-1]} {why}".strip())


@contextmanager
def unheard() -> Iterator[list[str]]:
    """Gather what is reported so while the block runs, rather than have it printed."""
    ear, loggers = _Ear(), [logging.getLogger(name) for name in _LOGGERS]
    before = [logger.propagate for logger in loggers]
    for logger in loggers:
        logger.addHandler(ear)
        logger.propagate = False
    try:
        yield ear.heard
    finally:
        for logger, propagated in zip(loggers, before, strict=True):
            logger.removeHandler(ear)
            logger.propagate = propagated
