"""The arithmetic of a running clock: extensions, holds, re-timing and the grace of late facts. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

from aftersale.policy.deadline import Deadline
from aftersale.policy.facts import Question
from aftersale.schema import Instant, Schema
from aftersale.times import SECOND, duration, span
from aftersale.vocabulary import CaseKind, Clock, Party, State

LATE = timedelta(minutes=5)
"""From this gap on between when a thing happened and when it was known, it counts as late (R13, R15)."""


CLOCK_SKEW = timedelta(seconds=5)
"""How far ahead of the case a caller's clock may run (R15)."""


class RunningClock(Schema):
    """One clock of a case while it runs: the question that was asked of the book, and its answer.

    `grace_until` is the last instant in time where the clock was started late, or re-timed into the past (R13).
    `told_at` is when the party that is awaited was last told of it: by the stage's beginning, a change or a reminder.
    """

    question: Question
    deadline: Deadline
    told_at: Instant
    grace_until: Instant | None = None

    @classmethod
    def start(cls, question: Question, deadline: Deadline, learned_at: datetime) -> Self:
        """Return a clock counted from when its start happened; learned of late, it leaves everyone the grace (R13).

        A statutory clock has no grace: nothing lengthens it (R10).
        """
        late = learned_at - question.started_at > LATE and not deadline.statutory
        return cls(
            question=question,
            deadline=deadline,
            told_at=learned_at,
            grace_until=learned_at + span(deadline.grace) if late else None,
        )

    @property
    def clock(self) -> Clock:
        """Which clock this is."""
        return self.question.clock

    @property
    def last_instant(self) -> datetime | None:
        """The last instant in time as the rules compute it, grace aside; None when waived."""
        due_at = self.deadline.due_at
        return due_at - SECOND if due_at and self.deadline.exclusive else due_at

    @property
    def respond_by(self) -> datetime | None:
        """The last instant in time; None when waived."""
        last_instant = self.last_instant
        return max(last_instant, self.grace_until) if last_instant and self.grace_until else last_instant

    @property
    def lapses_at(self) -> datetime | None:
        """When a silence takes effect: one second after the last instant in time (R4)."""
        return self.respond_by + SECOND if self.respond_by else None

    @property
    def reminds_at(self) -> datetime | None:
        """When the party that is awaited is to be reminded next; one that was told since is not."""
        due = self.respond_by
        coming = [due - span(offset) for offset in self.deadline.reminders] if due else []
        return min((at for at in coming if at > self.told_at), default=None)

    def in_time(self, at: datetime) -> bool:
        """Tell whether an act of that instant still counts; always where the clock was waived (R4)."""
        return self.respond_by is None or at <= self.respond_by

    def extension_refused(self, by: Party, at: datetime) -> str | None:
        """Say why the party may not extend the clock at that instant, or None where it may (R10)."""
        allowance = self.deadline.extension
        if allowance is None or allowance.by is not by:
            return f"the {self.clock} clock has no extension for the {by}"
        if len(self.question.extensions) >= allowance.times:
            return f"the {self.clock} clock was extended {allowance.times} time(s) already, and may not be again"
        if self.respond_by is None or self.respond_by - at > span(allowance.when_remaining):
            return f"the {self.clock} clock may be extended when {allowance.when_remaining} or less remain"
        return None

    def extension_question(self) -> Question:
        """Return the question to ask once the allowed extension is granted."""
        allowance = self.deadline.extension
        assert allowance is not None
        return self.question.model_copy(update={"extensions": (*self.question.extensions, allowance.add)})

    def hold_question(self, since: datetime, until: datetime) -> Question:
        """Return the question to ask after a hold; statutory clocks and clocks already past are never held (R16).

        One that starts a little ahead, by an act that was stamped so, is not held before its start.
        """
        if self.deadline.statutory or self.last_instant is None or self.last_instant < since:
            return self.question
        held = max(until - max(since, self.question.started_at), timedelta())
        total = span(self.question.held or "PT0S") + held
        return self.question.model_copy(update={"held": duration(total)})

    def after_hold(self, since: datetime, until: datetime) -> Self:
        """Return the clock after a hold, its grace longer by as much of the hold as it ran through (R16).

        A hold that is told late may have begun before the grace was given: that part took nothing from it.
        """
        if self.grace_until is None or self.grace_until < since:
            return self
        given_at = self.grace_until - span(self.deadline.grace)
        held = max(until - max(since, given_at), timedelta())
        return self.model_copy(update={"grace_until": self.grace_until + held})

    def retime(self, question: Question, deadline: Deadline, now: datetime) -> "RunningClock":
        """Return the clock with a new answer.

        What lies in the past now, or starts otherwise, leaves the grace (R9, R13).
        """
        told_at = self.told_at if deadline.due_at == self.deadline.due_at else now
        moved = self.model_copy(update={"question": question, "deadline": deadline, "told_at": told_at})
        restarted = question.started_at != self.question.started_at
        if restarted and now - question.started_at > LATE and not deadline.statutory:
            return moved.model_copy(update={"grace_until": now + span(deadline.grace)})
        due = moved.respond_by
        if due is None or due >= now or due == self.respond_by or deadline.statutory:
            return moved
        return moved.model_copy(update={"grace_until": now + span(deadline.grace)})


@dataclass(frozen=True)
class RunningCase:
    """An open case as the records have it. `clocks` is None where they do not say what was asked about its clocks."""

    case_id: str
    kind: CaseKind
    state: State
    merchant_id: str | None
    held: bool
    clocks: tuple[RunningClock, ...] | None
