"""The base of the desks of cases and watches, which act; handlers only judge, record and wake them."""

import asyncio
from datetime import datetime

from aftersale.contract.status import Noted
from aftersale.policy.revisions import Revisions
from workflows.present import Present
from workflows.timer import WakeTimer
from workflows.visibility import Visibility


class EntityDesk:
    """Where one case or watch is worked: its present, its timer, its page for operators, its policy revisions."""

    def __init__(self, present: Present, noted: Noted) -> None:
        self.present, self.noted = present, noted
        self.settled = False
        self.revisions = Revisions()
        self._publication: asyncio.Task[None] | None = None
        self._stopped = False
        self._timer = WakeTimer(self.wake, present)
        self._visibility = Visibility()

    @property
    def now(self) -> datetime:
        """Return the present, floored to the second (R4)."""
        return self.present.now

    def wake(self) -> None:
        """Have the desk look again."""
        self.settled = False

    def stop(self) -> None:
        """Have the desk end where it next waits for somebody: an operator cancelled the workflow."""
        self._stopped = True
        self.wake()

    def hear_revision(self, revision: int) -> None:
        """Have a newer policy book asked about the clocks that run, without holding up any of them (R9)."""
        newer = self.revisions.note(revision)
        if newer and (self._publication is None or self._publication.done()):
            self._publication = asyncio.create_task(self._ask_newer_book())

    async def _ask_newer_book(self) -> None:
        """Re-time the clocks that run by the newest book, then wake the desk."""
        raise NotImplementedError

    def _stop_clocks(self) -> None:
        """Take no answer of a newer book any more, and cancel the timer: all is over."""
        if self._publication is not None:
            self._publication.cancel()
        self._timer.set(None, None, "")
