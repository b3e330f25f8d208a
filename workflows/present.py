"""The present of a case or a watch: the one place of the workflows that reads the clock."""

from datetime import UTC, datetime

from temporalio import workflow

from aftersale.times import floor


class Present:
    """The time at a desk. It is never before a timer that rang there, nor `now` before a fact that was taken."""

    def __init__(self) -> None:
        """No timer has rung, and no fact was taken."""
        self._rung = self._taken = datetime.min.replace(tzinfo=UTC)

    @property
    def server_time(self) -> datetime:
        """Return the time of Temporal's server: by it clocks lapse, and acts are judged to lie in the future.

        A caller's clock that runs ahead does not move it, else each fact would let in one from further ahead (R15).
        """
        return max(workflow.now(), self._rung)

    @property
    def second(self) -> datetime:
        """Return the server's time, floored to the second (R4)."""
        return floor(self.server_time)

    @property
    def now(self) -> datetime:
        """Return the instant with which to stamp what happens now, floored to the second (R4)."""
        return max(self.second, self._taken)

    def note_ring(self, at: datetime) -> None:
        """Note that a timer rang which was set for `at`."""
        self._rung = max(self._rung, at)

    def note_fact(self, fact_at: datetime) -> None:
        """Note that a fact was taken which happened at `fact_at`, at most the skew of clocks ahead of the server."""
        self._taken = max(self._taken, fact_at)
