"""Have the goods fetched at the buyer's door while it is the buyer's turn to send them (上门取件)."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from temporalio import workflow

from aftersale.case.case import Case
from aftersale.guarantees.home_pickup import Pickup, PickupOrder
from aftersale.times import local
from aftersale.vocabulary import Party, Service
from workflows import outside
from workflows.calls import take_failure
from workflows.cases.desk import Desk, Stopped


@contextmanager
def booking_pickup(desk: Desk) -> Iterator[None]:
    """Book a pickup where the order has the service and the request says where; another one whenever one fails.

    What is booked and not needed any more is cancelled.
    """
    booking = _Booking(desk)
    try:
        yield
    except Stopped:
        booking.end()
        raise
    booking.end()  # not in a finally: a case that leaves a worker's memory has not ended


class _Booking:
    """The pickups of one case, one after the other."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._asked: str | None = None
        self._failed = 0
        self._working = asyncio.create_task(self._keep())
        take_failure(self._working)

    async def _keep(self) -> None:
        """Book until one succeeds, or the carrier books no more."""
        while (order := _order(self._desk.case, self._failed)) is not None:
            self._asked = order.key
            answer = await outside.book_pickup(order)
            self._note(answer)
            if answer.tracking_no is None:
                self._asked = None
                return
            self._desk.expect_parcel("return", answer.tracking_no, "picked_up")
            await workflow.wait_condition(lambda: self._came_to_nothing)
            self._failed += 1

    def end(self) -> None:
        """Book no more, and cancel what nobody needs: what was fetched is not among it."""
        self._working.cancel()
        if self._asked is not None and self._desk.case.parcels.first_scan("return", "picked_up") is None:
            self._desk.errand(outside.cancel_pickup(self._asked))

    @property
    def _came_to_nothing(self) -> bool:
        return self._desk.case.parcels.first_scan("return", "failed") is not None

    def _note(self, answer: Pickup) -> None:
        desk = self._desk
        if answer.tracking_no is not None:
            slot = f", from {local(answer.slot_from)}" if answer.slot_from else ""
            until = f" to {local(answer.slot_to)}" if answer.slot_to else ""
            said = f"pickup booked as {answer.tracking_no}{slot}{until}"
        else:
            said = f"no pickup: {answer.reason or 'the carrier refused it'}"
        desk.case.note(
            "PickupBooked" if answer.tracking_no else "PickupRefused", said, Party.CARRIER, desk.now, desk.now
        )
        desk.wake()


def _order(case: Case, failed: int) -> PickupOrder | None:
    """Give the pickup to book after so many that failed, where the order has the service and the request says where."""
    request, facts = case.request, case.request.facts(case.kind, case.applied_at)
    wish = request.pickup
    if wish is None or Service.HOME_PICKUP not in facts.order.services:
        return None
    return PickupOrder(
        key=f"case/{request.case_id}/pickup/{failed + 1}",
        case_id=request.case_id,
        order_id=request.order_id,
        merchant_id=request.merchant_id,
        buyer_ref=request.buyer_ref,
        paid_at=request.order.paid_at,
        failed=failed,
        address_ref=wish.address_ref,
        earliest=wish.earliest,
    )
