"""The one timer of a case: its next wake-up. Nothing else in the house starts a timer."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

from temporalio import workflow

from workflows.present import Present


class WakeTimer:
    """Wakes the case at an instant. Re-armed lazily: a later instant keeps the running timer, which then looks again.

    A timer costs history events when it is set, cancelled and fired, so a deadline that only moves later is cheaper
    to meet by one early look than by a cancellation.
    """

    def __init__(self, wake: Callable[[], None], present: Present) -> None:
        """Call `wake` whenever the instant has come, and have the present know of it."""
        self._wake, self._present = wake, present
        self._task: asyncio.Task[None] | None = None
        self._at: datetime | None = None
        self._label: object = None

    def set(self, at: datetime | None, label: object, summary: str) -> None:
        """Wake at `at`, or never. A new label is a new matter: its timer shows its own summary."""
        running = self._task is not None and not self._task.done()
        if running and label == self._label and at is not None and self._at is not None and self._at <= at:
            return
        if running and self._task is not None:
            self._task.cancel()
        self._task, self._at, self._label = None, at, label
        if at is not None:
            self._task = asyncio.create_task(self._sleep(at, summary))

    async def _sleep(self, at: datetime, summary: str) -> None:
        await workflow.sleep(max(at - self._present.server_time, timedelta(milliseconds=1)), summary=summary)
        self._present.note_ring(at)
        self._wake()
