"""Text that operators see in the Temporal UI, of cases and watches alike: lines for timers, timelines, escaped words.

Free text of parties is escaped: the UI renders Markdown.
"""

import re
from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache

from aftersale import bounds
from aftersale.contract.status import Entry
from aftersale.inert import inert
from aftersale.policy.running import RunningClock
from aftersale.times import local

MOST_BYTES = 200
"""The most bytes that the server takes for a summary."""

_MARKDOWN = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~&=]|:(?=//))")

_BREAKS = re.compile(r"[\r\n\v\f\x1c-\x1e\x85\u2028\u2029]+")


@lru_cache(maxsize=4096)
def escape(text: str) -> str:
    """Text that Markdown shows as it was written, on one line."""
    return _MARKDOWN.sub(r"\\\1", inert(_BREAKS.sub(" ", text)))


def timer_summary(running: RunningClock) -> str:
    """Return one line for a timer: whose silence, which limit, by which rules, what it will mean."""
    deadline = running.deadline
    rules = " ".join(deadline.rules) or "ordinary"
    due = local(running.respond_by) if running.respond_by else "waived"
    return cut(f"{running.clock.words}: {deadline.limit or 'fixed'} by {rules}, to {due}, then {deadline.on_timeout}")


def wake_summary(running: RunningClock, at: datetime) -> str:
    """Return one line for a wake-up of the case: a clock's end, or a reminder before it."""
    ending = timer_summary(running)
    return ending if at == running.lapses_at else cut(f"reminder before {ending}")


def timeline(entries: Sequence[Entry]) -> list[str]:
    """Return what happened last, as lines of Markdown."""
    left = len(entries) - bounds.SHOWN
    before = [f"- {left} earlier lines are in the records"] if left > 0 else []
    rows = [f"- {local(entry.at)} **{entry.by}** {escape(entry.says)}" for entry in entries[-bounds.SHOWN :]]
    return ["", "### Timeline", *before, *rows]


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return a table as lines of Markdown; none where it has no rows."""
    first, *others = (f"| {' | '.join(cells)} |" for cells in (head, *rows))
    return ["", first, "|---" * len(head) + "|", *others] if rows else []


def cut(text: str) -> str:
    """As much of a text, made inert, as the server takes for a summary."""
    return inert(text).encode()[:MOST_BYTES].decode(errors="ignore")
