"""Take back what was paid ahead and is not owed (极速退款追回)."""

from aftersale.case import instant_refund
from aftersale.contract.commands import RetryRefund
from aftersale.contract.status import Ending
from aftersale.vocabulary import Clock, Party, State
from workflows.cases.beside.refunding import all_answered, take_back
from workflows.cases.desk import Desk, Stopped


async def clawback(desk: Desk, ending: Ending) -> None:
    """Take back what the buyer was advanced beyond what the case owes as it ends.

    A decline waits for an operator, who has it sent again, or cancels the case and so leaves the money with the buyer.
    """
    desk.case.hold(None)  # a case that is withdrawn under a hold has nothing left to be held
    refunds = desk.case.refunds
    if refunds.on_its_way:
        await desk.enter(State.REFUNDING, desk.now, beside={Clock.PAYOUT: desk.now})
        await all_answered(desk)
    tender = None
    while lines := refunds.excess(owed=instant_refund.is_owed_after(ending)):
        await desk.enter(State.REFUNDING, desk.now, beside={Clock.PAYOUT: desk.now})
        await take_back(desk, lines, tender)
        if not refunds.excess(owed=instant_refund.is_owed_after(ending)):
            return
        await desk.enter(State.REFUND_FAILED, desk.now)
        try:
            tender = (await desk.hear_out(RetryRefund)).tender
        except Stopped:
            says = "the advance is left with the buyer: it could not be taken back, and the case was cancelled"
            desk.case.note("ClawbackAbandoned", says, Party.SYSTEM, desk.now, desk.now)
            return
