"""Shipments under watch that tests speak of: one plain order in stock, how to vary it, what to look for in it."""

import asyncio
from itertools import count
from typing import Any

import pytest

from aftersale.contract.status import Entry
from aftersale.watch.status import Violation, WatchStatus
from tests.support.cases import MERCHANT, at, stamp
from trial.environment import Workplace
from trial.watches import LiveWatch
from trial.watches import watch as watched

SF1 = "SF1"

_numbers = count(1)


def shipment(paid: str, **changes: Any) -> dict[str, Any]:
    """The watch of an order of its own, paid at that instant and untagged; `order` changes go into the order."""
    number = next(_numbers)
    order = {
        "paid_at": stamp(paid),
        "lines": [{"order_line_id": "L1", "quantity": 2, "paid": {"amount_minor": 12900, "currency": "CNY"}}],
    }
    plain = {"shipment_id": f"S-{number}", "order_id": f"OS-{number}", "merchant_id": "M-7", "buyer_ref": "B-5"}
    return {**plain, "order": {**order, **changes.pop("order", {})}, **changes}


async def paid(place: Workplace, when: str, **changes: Any) -> LiveWatch:
    """A watch opened in the second of the payment."""
    return await watched(place, shipment(when, **changes), at(when))


async def clicked(place: Workplace, when: str, **changes: Any) -> LiveWatch:
    """A watch of a shipment that was clicked in the second of its payment, as parcel SF1."""
    live = await paid(place, when, **changes)
    await click(live, when)
    return live


async def picked_up(place: Workplace, clicked_at: str, when: str, **changes: Any) -> LiveWatch:
    """A watch of a shipment of one parcel whose first pickup scan was at that instant, and reported then."""
    live = await clicked(place, clicked_at, **changes)
    await live.until(at(when))
    await live.scan("SF1", "picked_up", at(when), "pickup")
    return live


async def click(live: LiveWatch, when: str, tracking_no: str = "SF1", **given: Any) -> WatchStatus:
    """The merchant clicks dispatch for a parcel."""
    return await live.act("click", *MERCHANT, carrier="sf", tracking_no=tracking_no, occurred_at=stamp(when), **given)


async def seen(live: LiveWatch, clock: str, tracking_no: str | None = None) -> Violation:
    """The violation of a clock, once the watch shows it; fails without it."""
    try:
        async with asyncio.timeout(60):
            while not (found := violations(await live.status(), clock, tracking_no)):
                await asyncio.sleep(0.02)
    except TimeoutError:
        pytest.fail(f"{live.handle.id} never showed it; it shows {await live.status()}")
    (violation,) = found
    return violation


def violations(status: WatchStatus, clock: str, tracking_no: str | None = None) -> list[Violation]:
    """The violations of a clock that a status shows."""
    return [found for found in status.violations if (found.clock, found.tracking_no) == (clock, tracking_no)]


def due(status: WatchStatus, clock: str, tracking_no: str | None = None) -> Any:
    """The last instant in time of a clock that runs, as the status shows it."""
    (view,) = (each for each in status.deadlines if (each.clock, each.tracking_no) == (clock, tracking_no))
    return view.respond_by


async def ended(live: LiveWatch) -> WatchStatus:
    """The record of a watch that ends by itself."""
    return await asyncio.wait_for(live.handle.result(), 60)


def entries(status: WatchStatus, event: str) -> list[Entry]:
    """What the timeline says of an event."""
    return [entry for entry in status.timeline if entry.event == event]
