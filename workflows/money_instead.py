"""The buyer takes the money instead of goods that were not sent in time."""

from aftersale.dossier import Completed
from aftersale.kinds import Outcome
from workflows.desk import Desk
from workflows.stages.merchant_dispatch import MoneyInstead
from workflows.stages.refund import refund


async def money_instead(desk: Desk, chosen: MoneyInstead) -> Completed:
    """The case is a refund from here on; the merchant had agreed, so nobody is asked again."""
    desk.become_refund()
    await refund(desk, chosen.at, desk.case.payout.refundable(None))
    return Completed(outcome=Outcome.REFUNDED)
