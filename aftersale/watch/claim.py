"""The claim that a late dispatch opens by itself, where the policy prices one. Pure."""

from datetime import datetime

from aftersale.contract.request import CaseRequest, Item
from aftersale.guarantees.automatic_claims import about_claim, derived_id, part_of
from aftersale.vocabulary import ClaimType
from aftersale.watch.shipment import Shipment


def late_dispatch(shipment: Shipment, now: datetime) -> CaseRequest:
    """Return the claim for a shipment that did not leave in time, over what was paid for its pieces.

    At most one of each.
    """
    request, bought = shipment.request, {line.order_line_id: line for line in shipment.request.order.lines}
    facts = {
        "merchant_delay": shipment.delay,
        "delay_cancelled_at": shipment.delay_cancelled_at,
        "dispatched_at": shipment.dispatched_at,
    }
    items = [
        Item(
            order_line_id=name, quantity=quantity, requested=part_of(bought[name].paid, quantity, bought[name].quantity)
        )
        for name, quantity in request.pieces.items()
    ]
    return CaseRequest(
        case_id=derived_id(request.shipment_id, "late"),
        order_id=request.order_id,
        merchant_id=request.merchant_id,
        buyer_ref=request.buyer_ref,
        items=tuple(items),
        order=request.order.model_copy(update={name: value for name, value in facts.items() if value is not None}),
        **about_claim(ClaimType.LATE_DISPATCH, now),
    )
