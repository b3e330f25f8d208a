"""The face of a case in the Temporal UI: one line in lists, a page while it runs.

Free text of parties is escaped: the UI renders Markdown.
"""

from aftersale.contract.markdown import cut, table, timeline
from aftersale.contract.request import CaseRequest
from aftersale.contract.status import Status
from aftersale.times import local
from aftersale.vocabulary import CaseKind


def summary(kind: CaseKind, request: CaseRequest) -> str:
    """Return one line for lists of workflows."""
    amount = sum(item.requested.amount_minor for item in request.items)
    currency = request.items[0].requested.currency
    return cut(f"{kind.words} · order {request.order_id} · {amount} {currency} minor · merchant {request.merchant_id}")


def details(status: Status) -> str:
    """Return a page in Markdown: where the case stands, whose move it is, until when, and how it came here."""
    clocks = table(("Clock", "Due", "Limit", "Rules"), [(view.clock.words, *view.figures) for view in status.deadlines])
    return "\n".join([f"## {status.state.words}", *_move(status), *clocks, *timeline(status.timeline)])


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
