"""The orders of the festival watched by workflows on a real server, each on its own calendar."""

from datetime import datetime, timedelta

from aftersale.times import SECOND, local, span
from aftersale.vocabulary import Clock
from aftersale.watch.status import WatchStatus
from tests.model.orders import HUB, PICKUP, Shipment, Verdict
from tests.support.books import BOOK
from tests.support.cases import MERCHANT
from tests.support.shipments import SF1, ended, shipment
from trial.environment import Workplace
from trial.watches import LiveWatch, watch

LATE_FACTS = timedelta(days=2)
"""Longer than a watch waits for what is reported late."""


async def watched(place: Workplace, order: Shipment, paper: Verdict) -> WatchStatus:
    """The record of the watch, once all that befell the order has been reported in its second."""
    given = shipment(local(order.paid_at), order=order.order)
    live = await watch(place, given, order.paid_at)
    for what, at in (("click", order.clicked_at), ("picked_up", order.picked_up_at), ("hub", order.hub_at)):
        if at is not None:
            await _befall(live, what, at)
    lapses = [paper.dispatch_by + SECOND, *paper.violations.values()]
    if not await live.until(max(lapses) + LATE_FACTS):
        return await ended(live)
    if order.clicked_at is None:
        await live.act("cancel_order", "system", "orders")
    return await ended(live)


async def _befall(live: LiveWatch, what: str, at: datetime) -> None:
    if not await live.until(at - 2 * SECOND):  # as far ahead as a caller's clock may run
        return  # long after the last violation there is nothing more to learn
    if what == "click":
        await live.act("click", *MERCHANT, carrier="sf", tracking_no=SF1, occurred_at=local(at))
    else:
        await live.scan(SF1, what, at, what)


def found(status: WatchStatus) -> dict[Clock, datetime]:
    """When each violation took effect."""
    assert all(violation.cleared_at is None for violation in status.violations)
    return {violation.clock: violation.breached_at for violation in status.violations}


def wanted(order: Shipment, paper: Verdict) -> dict[Clock, datetime]:
    """The same, as it is on paper; of a parcel that was given up before its first scan nothing more is asked."""
    late = {Clock.DISPATCH: paper.dispatch_by + SECOND} if paper.late else {}
    unseen = [at for clock, at in paper.violations.items() if clock in PICKUP]
    given_up = len(unseen) == len(PICKUP) and order.picked_up_at and order.picked_up_at > max(unseen) + span(BOOK.grace)
    return late | {clock: at for clock, at in paper.violations.items() if not (given_up and clock in HUB)}
