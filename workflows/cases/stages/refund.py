"""The money goes back (退款)."""

from datetime import datetime

from aftersale.contract.commands import RetryRefund
from aftersale.vocabulary import Clock, State
from workflows.cases.beside.refunding import all_answered, pay
from workflows.cases.desk import Desk


async def refund(desk: Desk, owed_since: datetime) -> None:
    """Instruct what is owed until it is paid. A decline waits for an operator; nothing is ever paid twice.

    Where nothing is owed, because it was paid ahead or only what cost nothing came back, nobody is asked to pay it.
    """
    refunds, tender = desk.case.refunds, None
    while refunds.unpaid():
        beside = {Clock.PAYOUT: desk.now, **desk.case.law_clocks(owed_since)}
        await desk.enter(State.REFUNDING, owed_since, beside=beside)
        if refunds.on_its_way:
            await all_answered(desk)
            continue
        await pay(desk, refunds.unpaid(), tender)
        if not refunds.unpaid():
            return
        await desk.enter(State.REFUND_FAILED, desk.now)
        retry = await desk.hear_out(RetryRefund)
        owed_since, tender = desk.at(retry), retry.tender
