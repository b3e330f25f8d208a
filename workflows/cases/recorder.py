"""The turns of a case: drawn as it settles, and written into the records in order, without being in its way."""

import asyncio
from collections.abc import Sequence
from datetime import datetime

from temporalio import workflow

from aftersale.case.turn import CaseSubject, Turn
from aftersale.contract.message import Message
from aftersale.contract.status import Status
from aftersale.policy.running import RunningClock
from workflows import outside


class TurnRecorder:
    """Draws a turn whenever the case has settled, and has the records hold it; only the end of a case waits for that.

    All turns are kept: records that were restored from a backup ask for what they lost.
    """

    def __init__(self, subject: CaseSubject | None) -> None:
        """Nothing has happened yet; `subject` is None where no readable request tells it."""
        self._subject = subject
        self._turns: list[Turn] = []
        self._written = 0
        self._told = 0
        self._writing: asyncio.Task[None] | None = None

    def write(
        self, standing: Status, messages: Sequence[Message], at: datetime, clocks: Sequence[RunningClock] = ()
    ) -> None:
        """Draw the turn that brought the case to where it stands, if anything changed, and have it written."""
        info = workflow.info()
        turn = Turn.of(
            standing,
            told=self._told,
            seq=len(self._turns) + 1,
            at=at,
            run_id=info.run_id,
            history_length=info.get_current_history_length(),
            subject=self._subject,
            messages=messages,
            clocks=clocks,
        )
        if self._turns and not turn.entries and not turn.messages and turn.status == self._turns[-1].status:
            return
        self._turns.append(turn)
        self._told = len(standing.timeline)
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write())

    @property
    def idle(self) -> bool:
        """Whether the records hold all turns."""
        return self._written == len(self._turns)

    async def _write(self) -> None:
        while not self.idle:
            self._written = await outside.record(self._turns[self._written :])
