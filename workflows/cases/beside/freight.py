"""Have the insurer asked for what the way back cost (运费险), where the order has that cover."""

from aftersale.case.case import Case
from aftersale.guarantees.freight_insurance import FreightClaimInput
from aftersale.vocabulary import Party, Service
from workflows import outside
from workflows.cases.desk import Desk


async def claim_freight(desk: Desk) -> None:
    """Have the insurer asked for what the way back cost, where the order has that cover; nobody waits for it."""
    claim = _claim(desk.case)
    if claim is not None:
        await outside.claim_freight(claim)
        says = f"freight insurance is asked for {claim.tracking_no}; {claim.key} shows what becomes of it"
        desk.case.note("FreightClaimed", says, Party.SYSTEM, desk.now, desk.now)


def _claim(case: Case) -> FreightClaimInput | None:
    """Return what the insurer is asked for the way back, where the order was bought with that cover."""
    request, facts = case.request, case.request.facts(case.kind, case.applied_at)
    tracking_no = case.parcels.expected.get("return")
    if tracking_no is None or Service.FREIGHT_INSURANCE not in facts.order.services:
        return None
    return FreightClaimInput(
        case_id=request.case_id,
        order_id=request.order_id,
        merchant_id=request.merchant_id,
        buyer_ref=request.buyer_ref,
        paid_at=request.order.paid_at,
        tracking_no=tracking_no,
        cost=case.parcels.freight,
    )
