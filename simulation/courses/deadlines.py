"""Deadlines asked independently: from the request and the timeline alone, without the case's own questions."""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from aftersale.contract.request import CaseRequest
from aftersale.contract.status import DeadlineView, Entry, Status
from aftersale.policy.book import Book
from aftersale.policy.deadline import Deadline
from aftersale.policy.facts import Facts
from aftersale.times import SECOND, duration, span
from aftersale.vocabulary import CaseKind, Clock, Party, Tier

STATUTORY = {Clock.STATUTORY_REFUND, Clock.NO_REASON_WINDOW}
_AGREED = re.compile(r"clock (\w+), limit (\w+)")
_CLOCKS = {clock.value: clock for clock in Clock}


def as_the_book_says(books: Sequence[Book], asked: dict[str, Any], status: Status) -> None:
    """Make sure that every running clock shows what its policy book answers; the request is `asked`, as amended."""
    request = CaseRequest.model_validate({name: value for name, value in asked.items() if name != "applied_at"})
    for view in status.deadlines:
        book = next((each for each in books if each.version == view.policy_version), None)
        assert book is not None, f"{view.clock} follows {view.policy_version}, which nobody published"
        found = [_answer(book, request, status, view, kind) for kind in _possible(status, view)]
        shown = (view.due_at, view.rules, view.limit, view.on_timeout, view.exclusive)
        said = [(each.due_at, each.rules, each.limit, each.on_timeout, each.exclusive) for each in found]
        assert shown in said, f"{view.clock} from {view.started_at} shows {shown}, the book says {said[0]}"


def _possible(status: Status, view: DeadlineView) -> Sequence[CaseKind]:
    """Return the kinds that the case may have had when the clock began.

    A clock beside the stages may be older than a kind.
    """
    return list(CaseKind) if view.clock in STATUTORY | {Clock.PAYOUT} else [status.kind]


def _answer(book: Book, request: CaseRequest, status: Status, view: DeadlineView, kind: CaseKind) -> Deadline:
    timeline = status.timeline
    applied_at = next((each.at for each in reversed(timeline) if each.event == "Amended"), timeline[0].at)
    facts = request.facts(kind, min(applied_at, view.started_at))
    known = {name: getattr(facts, name) for name in facts.model_fields_set} | {"agreed_limits": _agreed(timeline)}
    if view.clock is Clock.CLAIM_REVIEW:
        known["tier"] = Tier.MERCHANT if _sets(timeline, Clock.CLAIM_REVIEW) == 1 else Tier.PLATFORM
    begun = _begun(timeline, view.clock)
    known["extensions"] = _extensions(book, Facts(**known), view, timeline[begun:])
    plain = book.deadline(view.clock, Facts(**known), view.started_at)
    held = _held(plain, view, timeline[begun:])
    return book.deadline(view.clock, Facts(**known, held=duration(held)), view.started_at) if held else plain


def _sets(timeline: Sequence[Entry], clock: Clock) -> int:
    return sum((each.event, each.clock) == ("DeadlineSet", clock) for each in timeline)


def _begun(timeline: Sequence[Entry], clock: Clock) -> int:
    """Say where in the timeline the running clock was set."""
    return max(place for place, each in enumerate(timeline) if (each.event, each.clock) == ("DeadlineSet", clock))


def _agreed(timeline: Sequence[Entry]) -> dict[Clock, str]:
    """Return the limits that count: both parties named the same, or the platform did (R17)."""
    agreed: dict[Clock, str] = {}
    named: dict[tuple[str, object], timedelta] = {}
    for entry in timeline:
        if entry.event != "LimitProposed":
            continue
        found = _AGREED.search(entry.says)
        assert found is not None, entry.says
        clock, limit = found.groups()
        named[clock, entry.by] = span(limit)
        sides = {named.get((clock, side)) for side in (Party.BUYER, Party.MERCHANT)}
        if entry.by == Party.PLATFORM or sides == {span(limit)}:
            agreed[_CLOCKS[clock]] = limit
            named = {key: value for key, value in named.items() if key[0] != clock}
    return agreed


def _extensions(book: Book, facts: Facts, view: DeadlineView, since: Sequence[Entry]) -> tuple[str, ...]:
    taken = sum(entry.event == "ExtensionTaken" for entry in since)
    if not taken:
        return ()
    allowance = book.deadline(view.clock, facts, view.started_at).extension
    return (allowance.add,) * taken if allowance is not None else ()


def _held(plain: Deadline, view: DeadlineView, since: Sequence[Entry]) -> timedelta:
    """Say how long holds have lengthened the clock.

    Not one that the law sets, nor one that was past when it was held.
    """
    total, held_since = timedelta(), None
    for entry in since:
        if entry.event == "Held":
            held_since = entry.at
        elif entry.event == "Resumed" and held_since is not None:
            if view.clock not in STATUTORY and _last(plain, total) >= held_since:
                total += max(entry.at - max(held_since, view.started_at), timedelta())
            held_since = None
    return total


def _last(plain: Deadline, held: timedelta) -> datetime:
    assert plain.due_at is not None
    return plain.due_at + held - (SECOND if plain.exclusive else timedelta())
