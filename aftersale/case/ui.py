"""What operators see in the Temporal UI: one line for a case, one for a timer, a page while it runs.

Free text of parties is escaped: the UI renders Markdown.
"""

import re
from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache

from aftersale.contract.request import CaseRequest
from aftersale.contract.status import Entry, Status
from aftersale.policy.running import RunningClock
from aftersale.times import local
from aftersale.vocabulary import CaseKind

MOST_BYTES = 200
"""What the server takes for a summary."""

_MARKDOWN = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~&=]|:(?=//))")
_BREAKS = re.compile(r"[\r\n\v\f\x1c-\x1e\x85\u2028\u2029]+")


@lru_cache(maxsize=4096)
def escape(text: str) -> str:
    """Text that Markdown shows as it was written."""
    return _MARKDOWN.sub(r"\\\1", _BREAKS.sub(" ", text))


def summary(kind: CaseKind, request: CaseRequest) -> str:
    """One line for lists of workflows."""
    amount = sum(item.requested.amount_minor for item in request.items)
    currency = request.items[0].requested.currency
    return cut(f"{kind.words} · order {request.order_id} · {amount} {currency} minor · merchant {request.merchant_id}")


def timer_summary(running: RunningClock) -> str:
    """One line for a timer: whose silence, which limit, by which rules, what it will mean."""
    deadline = running.deadline
    rules = " ".join(deadline.rules) or "ordinary"
    due = local(running.respond_by) if running.respond_by else "waived"
    return cut(f"{running.clock.words}: {deadline.limit or 'fixed'} by {rules}, to {due}, then {deadline.on_timeout}")


def wake_summary(running: RunningClock, at: datetime) -> str:
    """One line for a wake-up of the case: a clock's end, or a reminder before it."""
    ending = timer_summary(running)
    return ending if at == running.lapses_at else cut(f"reminder before {ending}")


def details(status: Status) -> str:
    """A page in Markdown: where the case stands, whose move it is, until when, and how it came here."""
    parts = [f"## {status.state.words}", *_move(status), *_clocks(status), *timeline(status.timeline)]
    return "\n".join(parts)


def _move(status: Status) -> list[str]:
    following = status.next
    if following.party is None:
        ended = status.outcome or status.close_reason
        return [f"Ended: **{ended.words}**" if ended else "Ended"]
    lines = [f"Next: **{following.party.words}**: {', '.join(following.commands) or 'nothing to do'}"]
    if status.held_since:
        lines.append(f"On hold since {local(status.held_since)}")
    if following.respond_by and following.on_timeout:
        lines.append(f"Respond by **{local(following.respond_by)}**, else {following.on_timeout.words}")
    return ["  \n".join(lines)]


def _clocks(status: Status) -> list[str]:
    if not status.deadlines:
        return []
    rows = [
        f"| {view.clock.words} | {local(view.due_at) if view.due_at else 'waived'} | {view.limit or 'fixed'} "
        f"| {' '.join(view.rules) or 'ordinary'} |"
        for view in status.deadlines
    ]
    return ["", "| Clock | Due | Limit | Rules |", "|---|---|---|---|", *rows]


def timeline(entries: Sequence[Entry]) -> list[str]:
    """What happened, as lines of Markdown."""
    rows = [f"- {local(entry.at)} **{entry.by}** {escape(entry.says)}" for entry in entries]
    return ["", "### Timeline", *rows]


def cut(text: str) -> str:
    """As much of a text as the server takes for a summary."""
    return text.encode()[:MOST_BYTES].decode(errors="ignore")
