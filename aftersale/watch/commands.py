"""Commands of a dispatch watch beside carriers' scans; with actor and instant as to a case."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Self

from pydantic import model_validator

from aftersale.contract.commands import Act, read
from aftersale.policy.facts import MerchantDelay
from aftersale.schema import Code, Id, Instant, Limit, Note, Schema
from aftersale.vocabulary import Party, WatchCommand
from aftersale.watch.request import Lines


class Click(Act):
    """The merchant's dispatch click for one parcel; without `lines` it holds all that is left of the shipment."""

    carrier: Code
    tracking_no: Id
    lines: Lines | None = None


class SetDelay(Act):
    """The merchant set a dispatch delay of its own for its shop (S17); `set_at` is the act's instant unless given."""

    set_at: Instant | None = None
    limit: Limit | None = None
    until: Instant | None = None

    @model_validator(mode="after")
    def _one_of_two(self) -> Self:
        if (self.limit is None) == (self.until is None):
            raise ValueError("give either limit (P3D) or until (an instant), not both")
        return self

    def delay(self, at: datetime) -> MerchantDelay:
        """Return the delay as a fact of the order; `at` is the act's instant."""
        given = {"limit": self.limit} if self.limit is not None else {"until": self.until}
        return MerchantDelay.model_validate({"set_at": self.set_at or at, **given})


class CancelDelay(Act):
    """The merchant took its delay, or the automatic one, back (S17); `cancelled_at`: the act's instant unless given."""

    cancelled_at: Instant | None = None


class CancelOrder(Act):
    """The order was cancelled and refunded before its goods left."""

    note: Note | None = None


WatchAct = Click | SetDelay | CancelDelay | CancelOrder

SHAPES: Mapping[WatchCommand, type[WatchAct]] = {
    WatchCommand.CLICK: Click,
    WatchCommand.SET_DELAY: SetDelay,
    WatchCommand.CANCEL_DELAY: CancelDelay,
    WatchCommand.CANCEL_ORDER: CancelOrder,
}

MERCHANT_ALONE = (Party.MERCHANT,)
GIVEN_BY: Mapping[WatchCommand, tuple[Party, ...]] = {
    WatchCommand.CLICK: MERCHANT_ALONE,
    WatchCommand.SET_DELAY: MERCHANT_ALONE,
    WatchCommand.CANCEL_DELAY: MERCHANT_ALONE,
    WatchCommand.CANCEL_ORDER: (Party.BUYER, Party.MERCHANT, Party.PLATFORM, Party.SYSTEM),
}
"""Who may give a command."""


def parse(command: WatchCommand, given: object) -> WatchAct:
    """Return the payload of a command. Raises BadInput naming every field that is wrong, and the remedy."""
    return read(SHAPES[command], given, "payload")


class OpenWatch(Schema):
    """The `open` update: the request again, so that a caller who differs learns of it."""

    request: dict[str, Any] | None = None
