"""Having the goods fetched at the buyer's door while it is the buyer's turn to send them (上门取件)."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from temporalio import workflow

from aftersale.case.projection import pickup_order
from aftersale.guarantees.home_pickup import Pickup
from aftersale.times import local
from aftersale.vocabulary import Party
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
        while (order := pickup_order(self._desk.case, self._failed)) is not None:
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
