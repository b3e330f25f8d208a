"""Home pickup (上门取件): what a carrier is asked when goods are to be fetched at the buyer's door. Pure."""

from typing import Literal, Self

from pydantic import model_validator

from aftersale.schema import Id, Instant, Note, Schema


class PickupOrder(Schema):
    """A pickup to book, under a key of its own for each attempt; `failed` counts those before that came to nothing.

    The version of the service is the one in force at `paid_at` (R14). Where the goods are is a reference, no address.
    """

    key: str
    case_id: Id
    order_id: Id
    merchant_id: Id
    buyer_ref: Id
    paid_at: Instant
    failed: int
    address_ref: Id
    earliest: Instant | None = None


class Pickup(Schema):
    """The carrier's answer: when it will come, and the parcel's tracking number; or why it will not."""

    key: str
    status: Literal["booked", "refused"]
    tracking_no: Id | None = None
    slot_from: Instant | None = None
    slot_to: Instant | None = None
    reason: Note | None = None

    @model_validator(mode="after")
    def _with_a_number(self) -> Self:
        if (self.status == "booked") != (self.tracking_no is not None):
            raise ValueError("tracking_no belongs to what is booked, which needs it; correct one of them")
        return self


def may_reschedule(limit: int | None, failed: int) -> bool:
    """Tell whether a pickup that has failed so many times is booked again; without a limit, always."""
    return limit is None or failed <= limit
