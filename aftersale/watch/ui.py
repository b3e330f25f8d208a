"""The face of a dispatch watch in the Temporal UI: one line in lists, a page while it runs."""

from datetime import datetime

from aftersale.contract.markdown import cut, escape, table, timeline
from aftersale.times import local
from aftersale.watch.request import WatchRequest
from aftersale.watch.status import Violation, WatchStatus


def summary(request: WatchRequest) -> str:
    """Return one line for lists of workflows."""
    return cut(f"shipment {request.shipment_id} · order {request.order_id} · merchant {request.merchant_id}")


def details(status: WatchStatus) -> str:
    """Return a page in Markdown: what is awaited until when.

    Which parcels there are, what was amiss, how it came here.
    """
    parts = [f"## {status.state.words}", *_awaited(status), *_clocks(status), *_violations(status)]
    return "\n".join([*parts, *timeline(status.timeline)])


def _awaited(status: WatchStatus) -> list[str]:
    if status.end is not None:
        return [f"Ended: **{status.end.words}**"]
    due = respond_by(status)
    parcels = ", ".join(escape(parcel.tracking_no) for parcel in status.parcels) or "none yet"
    return [f"Next: **{local(due)}**  \nParcels: {parcels}" if due else f"Parcels: {parcels}"]


def respond_by(status: WatchStatus) -> datetime | None:
    """Return the last instant in time of the clock that runs out first."""
    return min((view.respond_by for view in status.deadlines if view.respond_by), default=None)


def _clocks(status: WatchStatus) -> list[str]:
    rows = [(view.clock.words, escape(view.tracking_no or ""), *view.figures) for view in status.deadlines]
    return table(("Clock", "Parcel", "Due", "Limit", "Rules"), rows)


def _violations(status: WatchStatus) -> list[str]:
    rows = [_row(found) for found in status.violations]
    return ["", "### Violations", *rows] if rows else []


def _row(found: Violation) -> str:
    cleared = f", cleared: {escape(found.cleared_by)}" if found.cleared_by else ""
    return f"- {local(found.breached_at)} {escape(found.check.words)}{cleared}"
