"""The clocks of a case: asked of the policy book, and asked again when something bears on them."""

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from temporalio import workflow

from aftersale.case.case import Case
from aftersale.case.questions import starting_question
from aftersale.contract.markdown import timer_summary
from aftersale.policy.facts import Question
from aftersale.policy.revisions import Revisions
from aftersale.policy.running import RunningClock
from aftersale.vocabulary import Clock
from workflows import outside
from workflows.present import Present

Starts = Mapping[Clock, datetime]
"""Clocks to start, and when each began to count."""

_HOLD_ALARM = "hold-alarm"
"""The patch by which histories tell whether a hold had an alarm."""

NO_STARTS: Starts = MappingProxyType({})


@dataclass(frozen=True)
class Requote:
    """A reason to ask the book again: which question each running clock is to put now."""

    why: str
    question: Callable[[RunningClock], Question]


class CaseClocks:
    """Keeps the clocks of one case right."""

    def __init__(self, case: Case, revisions: Revisions, present: Present) -> None:
        """No clock runs yet; `revisions` are those that the case was told of."""
        self._case, self._revisions, self._present = case, revisions, present
        self._requotes: deque[Requote] = deque()

    # What handlers do

    def requote(self, why: str, question: Callable[[RunningClock], Question]) -> None:
        """Have the procedure ask the book again for every clock whose question changes."""
        self._requotes.append(Requote(why, question))

    # What the desk does

    async def start(self, starts: Starts) -> dict[Clock, RunningClock]:
        """Start clocks by the newest book that the case knows of."""
        started = await self._started(starts) if starts else {}
        for running in started.values():
            says = f"deadline set: {timer_summary(running)}"
            self._case.note_clock("DeadlineSet", running, says, self._present.now)
        return started

    async def _started(self, starts: Starts) -> dict[Clock, RunningClock]:
        while True:
            revision, learned_at = self._revisions.newest, self._present.now
            questions = [starting_question(self._case, clock, since, learned_at) for clock, since in starts.items()]
            deadlines = await outside.quote(questions, revision, self._revisions)
            if deadlines is not None and revision == self._revisions.newest:
                break
        self._revisions.note_answer(revision)
        return {
            question.clock: RunningClock.start(question, deadline, learned_at)
            for question, deadline in zip(questions, deadlines, strict=True)
        }

    async def _set_hold_alarm(self) -> None:
        """Have the platform called about a hold that nobody ends; not about one from before there was an alarm."""
        case, since = self._case, self._case.held_since
        if since is None or not case.hold_alarm.is_missing(since) or not workflow.patched(_HOLD_ALARM):
            return
        started = await self._started({Clock.STALLED: since})
        case.hold_alarm.set(since, started[Clock.STALLED], case, self._present.now)

    async def catch_up(self) -> None:
        """Do what has piled up: re-timings first, then the alarm of a hold, then alerts of clocks that ran out."""
        while self._requotes:
            requote, before = self._requotes[0], self._case.running
            asked = [(running, requote.question(running)) for running in before]
            changed = [(running, question) for running, question in asked if question != running.question]
            questions = [question.model_copy(update={"as_of": self._present.now}) for _, question in changed]
            revision = self._revisions.newest
            deadlines = await outside.quote(questions, revision, self._revisions) if questions else []
            if deadlines is None or self._case.running != before:
                continue  # a newer book answered meanwhile: put the same to the clocks as they are now
            self._requotes.popleft()
            for (running, _), question, deadline in zip(changed, questions, deadlines, strict=True):
                self._case.retime(running, question, deadline, requote.why, self._present.now)
        await self._set_hold_alarm()
        for running in list(self._case.beside.values()):
            if self._is_over(running):
                self._case.alert(running, self._present.now)
        if self._is_over(self._case.hold_alarm.clock_of(self._case.held_since)):
            self._case.hold_alarm.call_platform(self._case, self._case.messages, self._present.now)

    def _is_over(self, running: RunningClock | None) -> bool:
        return running is not None and running.lapses_at is not None and running.lapses_at <= self._present.server_time

    async def ask_newer_book(self) -> None:
        """Re-time the clocks that run by the newest book that was published (R9)."""
        case = self._case
        asked: list[RunningClock] = []
        revision = -1
        while case.running and (revision < self._revisions.newest or asked != case.running):
            revision, asked = self._revisions.newest, case.running
            questions = [running.question.model_copy(update={"as_of": self._present.now}) for running in asked]
            deadlines = await outside.quote_from_newer_book(questions, revision, self._revisions)
            if deadlines is None:
                revision = self._revisions.last_answered
                continue
            self._revisions.note_answer(revision)
            if asked == case.running:
                why = f"policy book revision {revision} was published"
                for running, question, deadline in zip(asked, questions, deadlines, strict=True):
                    case.retime(running, question, deadline, why, self._present.now)
                asked = case.running
