"""The request that opens a dispatch watch: the order as it was bought, and which of its lines the shipment holds."""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, ClassVar

from pydantic import Field

from aftersale import bounds
from aftersale.contract.request import Order, Quantity
from aftersale.errors import Problem, first_problems
from aftersale.policy.facts import OrderFacts
from aftersale.policy.running import CLOCK_SKEW
from aftersale.schema import Id, Schema
from aftersale.times import local

WATCH = "DispatchWatch"
"""The workflow type of a watch."""


class Pieces(Schema):
    """Some pieces of one order line."""

    order_line_id: Id
    quantity: Quantity


Lines = Annotated[tuple[Pieces, ...], Field(min_length=1, max_length=bounds.ITEMS)]


class WatchRequest(Schema):
    """What opens a watch: the whole input of its workflow. Without `lines` the shipment holds the whole order."""

    most_bytes: ClassVar[int] = bounds.REQUEST_BYTES

    shipment_id: Id
    order_id: Id
    merchant_id: Id
    buyer_ref: Id
    lines: Lines | None = None
    order: Order

    @property
    def workflow_id(self) -> str:
        """The id under which the shipment is watched once."""
        return f"watch/{self.shipment_id}"

    @property
    def pieces(self) -> Counter[str]:
        """How many pieces of each order line the shipment holds."""
        held = Counter[str]()
        for line in self.lines if self.lines is not None else self.order.lines:
            held[line.order_line_id] += line.quantity
        return held

    @property
    def bought(self) -> OrderFacts:
        """What a rule may read of the order, over the lines that the shipment holds (R6)."""
        return self.order.bought(self.pieces)

    def problems(self, now: datetime) -> list[Problem]:
        """Return what speaks against the request where it is `now`, beyond its form; empty where nothing does."""
        return first_problems([*self._of_the_order(now), *self._of_the_lines()], "lines")

    def _of_the_order(self, now: datetime) -> Iterator[Problem]:
        if self.order.paid_at > now + CLOCK_SKEW:
            yield Problem(field="order.paid_at", message=f"lies in the future; the service is at {local(now)}")
        if self.order.dispatched_at is not None:
            said = "is for cases; leave it out, and send the click with its tracking number"
            yield Problem(field="order.dispatched_at", message=said)

    def _of_the_lines(self) -> Iterator[Problem]:
        bought = Counter({line.order_line_id: line.quantity for line in self.order.lines})
        if len(bought) < len(self.order.lines):
            yield Problem(field="order.lines", message="names an order_line_id twice; give each line once")
        for name, quantity in self.pieces.items():
            if name not in bought:
                known = ", ".join(bought)
                yield Problem(
                    field="lines", message=f"names {name}, which is no line of the order; write one of {known}"
                )
            elif self.lines is not None and quantity > bought[name]:
                said = f"names {quantity} pieces of {name}, of which {bought[name]} were bought; correct it"
                yield Problem(field="lines", message=said)
