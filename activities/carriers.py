"""The carrier, called out to: pickups at the buyer's door are booked there, and cancelled."""

import httpx
from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities import present
from activities.heartbeat import send_heartbeats
from activities.signed_http import Activities, OutsideService, ServiceLabels
from aftersale.guarantees.home_pickup import Pickup, PickupOrder, may_reschedule
from aftersale.vocabulary import Service as GuaranteeService


class Carriers(OutsideService):
    """Pickups through a service that takes signed orders and answers each key alike.

    `POST /pickups` with an `Idempotency-Key` and a Standard Webhooks signature answers 200 and a `Pickup`;
    `POST /pickups/cancel` with `{"key": …}` answers 200, or 404 where there is nothing left to cancel.
    """

    labels = ServiceLabels(
        "carrier",
        "carrier service",
        "is sent again",
        meaning="the carrier of home pickups",
        unset="buyers send their goods",
    )
    path = "pickups"

    @property
    def activities(self) -> Activities:
        """All of them, for a worker."""
        return [self.book, self.cancel]

    @activity.defn(name="book_pickup")
    async def book(self, order: PickupOrder) -> Pickup:
        """Book a pickup, unless too many have failed. Whatever leaves it open is raised as a retryable error."""
        edition = self._book.services.at(GuaranteeService.HOME_PICKUP, order.paid_at, present.now())
        if order.failed and not may_reschedule(edition.settings.reschedules if edition else None, order.failed):
            reason = f"{order.failed} pickups failed, and no more are booked; the buyer sends the goods"
            return Pickup(key=order.key, status="refused", reason=reason)
        if self._service is None:
            return Pickup(
                key=order.key, status="refused", reason="no carrier service is set; the buyer sends the goods"
            )
        return await self._service.answer(self.path, order.key, order.model_dump_json(exclude_defaults=True), Pickup)

    @activity.defn(name="cancel_pickup")
    async def cancel(self, key: str) -> None:
        """Have nobody come any more; repeatable. Raises as `book`."""
        if self._service is None:
            raise ApplicationError("a pickup was booked, and no carrier service is set now", type="carrier_unset")
        async with send_heartbeats():
            answer = await self._service.post(f"{self.path}/cancel", key, f'{{"key": "{key}"}}')
        if answer.status_code not in (httpx.codes.OK, httpx.codes.NOT_FOUND):
            raise self._service.refusal(answer, key)
