"""The instants at which a case must be woken: for a reminder, for a lapse. Pure."""

from datetime import datetime

from aftersale.case.case import Case
from aftersale.policy.running import RunningClock


def reminder_due(case: Case, now: datetime) -> bool:
    """Tell whether the party that is awaited is to be reminded now: not under a hold, nor once its time is up."""
    running = case.stage_clock
    if running is None or case.held_since or running.reminds_at is None or running.lapses_at is None:
        return False
    return running.reminds_at <= now < running.lapses_at


def next_wake(case: Case) -> tuple[datetime, RunningClock] | None:
    """Say when the case must be woken next, and for which clock.

    A hold stops all but those beside the stage, and the alarm of its own (R16).
    """
    alarm = case.hold_alarm.clock_of(case.held_since)
    wakes = [(running.lapses_at, running) for running in (*case.beside.values(), *([alarm] if alarm else []))]
    if case.stage_clock and case.held_since is None:
        wakes.append((case.stage_clock.reminds_at or case.stage_clock.lapses_at, case.stage_clock))
    return min(((at, running) for at, running in wakes if at), key=lambda wake: wake[0], default=None)
