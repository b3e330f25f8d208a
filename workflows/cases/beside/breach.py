"""Goods that a case had agreed on and that were not sent: a breach, and the claim that the policy prices for it."""

from aftersale.guarantees.automatic_claims import non_performance
from aftersale.guarantees.claims import Filed
from aftersale.vocabulary import Clock, Party, State
from workflows import outside
from workflows.cases.desk import Desk, Lapse


async def breach(desk: Desk, lapse: Lapse) -> None:
    """Note that what the stage waited for was not sent: it waits on, until the platform looks (rules, section 5).

    A claim for it opens beside the case, which nobody waits for.
    """
    started = await desk.clocks.start({Clock.STALLED: lapse.at})
    desk.case.breach(State.AWAITING_MERCHANT_DISPATCH, lapse.at, started[Clock.STALLED], desk.now)
    desk.errand(_claim(desk))


async def _claim(desk: Desk) -> None:
    filed_at = desk.now
    wanted = Filed(request=non_performance(desk.case.request, filed_at), applied_at=filed_at)
    claim = await outside.price_claim(wanted)
    if claim is None:
        return
    await outside.open_claim(claim)
    says = f"non-performance claim {claim.case_id} was opened; it shows what becomes of it"
    desk.case.note("ClaimOpened", says, Party.SYSTEM, desk.now, desk.now)
    desk.wake()
