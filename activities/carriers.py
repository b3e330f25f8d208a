"""The carrier, called out to: pickups at the buyer's door are booked there, and cancelled."""

import httpx
from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities import present
from activities.heartbeat import send_heartbeats
from activities.signed_http import ServiceLabels, SignedService
from aftersale.guarantees.home_pickup import Pickup, PickupOrder, may_reschedule
from aftersale.policy.book import Book
from aftersale.vocabulary import Service as GuaranteeService

_MANNER = ServiceLabels("carrier", "carrier service", "is sent again")


class Carriers:
    """Pickups through a service that takes signed orders and answers each key alike.

    `POST /pickups` with an `Idempotency-Key` and a Standard Webhooks signature answers 200 and a `Pickup`;
    `POST /pickups/cancel` with `{"key": …}` answers 200, or 404 where there is nothing left to cancel.
    """

    def __init__(self, http: httpx.AsyncClient, base_url: str | None, secret: str | None, book: Book) -> None:
        """Call `base_url` through `http`, by the services of this book. Raises BadInput as `SignedService`."""
        self._service = SignedService(http, _MANNER, base_url, secret or "") if base_url else None
        self._book = book

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
        return await self._service.answer("pickups", order.key, order.model_dump_json(exclude_defaults=True), Pickup)

    @activity.defn(name="cancel_pickup")
    async def cancel(self, key: str) -> None:
        """Have nobody come any more; repeatable. Raises as `book`."""
        if self._service is None:
            raise ApplicationError("a pickup was booked, and no carrier service is set now", type="carrier_unset")
        async with send_heartbeats():
            answer = await self._service.post("pickups/cancel", key, f'{{"key": "{key}"}}')
        if answer.status_code not in (httpx.codes.OK, httpx.codes.NOT_FOUND):
            raise self._service.refusal(answer, key)
