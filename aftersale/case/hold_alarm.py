"""The alarm of a hold: it stops the parties' clocks (R16) and not its own, at whose end the platform is called."""

from datetime import datetime

from aftersale.case.messages import PendingMessages
from aftersale.contract.markdown import timer_summary
from aftersale.contract.status import Noted
from aftersale.policy.running import RunningClock
from aftersale.times import local
from aftersale.vocabulary import MessageEvent, Party


class HoldAlarm:
    """The clock `stalled` of a hold that began at an instant. It rings once; a hold that is over silences it."""

    def __init__(self) -> None:
        """No hold has had one yet."""
        self._held_since: datetime | None = None
        self._running: RunningClock | None = None

    def is_missing(self, held_since: datetime | None) -> bool:
        """Tell whether the case is held, and that hold has had no alarm."""
        return held_since is not None and held_since != self._held_since

    def clock_of(self, held_since: datetime | None) -> RunningClock | None:
        """Return the clock that runs for this hold; None once it has rung, and where nothing is held."""
        return self._running if held_since is not None and held_since == self._held_since else None

    def set(self, held_since: datetime, running: RunningClock, case: Noted, now: datetime) -> None:
        """Have it run for this hold."""
        self._held_since, self._running = held_since, running
        case.note_clock("AlarmSet", running, f"alarm of the hold set: {timer_summary(running)}", now)

    def call_platform(self, case: Noted, messages: PendingMessages, now: datetime) -> None:
        """Call the platform; nothing is decided, and the hold goes on."""
        assert self._held_since and self._running and self._running.lapses_at
        rang_at, self._running = self._running.lapses_at, None
        says = f"on hold since {local(self._held_since)}, and nobody resumed it: look into it"
        case.note("Alert", says, "timer", rang_at, now)
        messages.add(Party.PLATFORM, MessageEvent.ALERT, says)
