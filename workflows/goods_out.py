"""How goods go out to the buyer: a replacement, what was missing, what was repaired."""

from datetime import datetime

from aftersale.dossier import Closed, Completed, Ending
from aftersale.kinds import Clock, CloseReason, Outcome
from workflows.answers import Withdrawn
from workflows.desk import Desk, Lapse
from workflows.stages.buyer_receipt import Delivered, buyer_receipt
from workflows.stages.merchant_dispatch import Dispatched, MoneyInstead, merchant_dispatch
from workflows.stages.refund import refund


async def goods_out(
    desk: Desk, clock: Clock, since: datetime, outcome: Outcome, overdue: Lapse | None = None
) -> Ending:
    """The merchant sends goods, within the clock that is named.

    1. The merchant sends the goods.  Silence is a breach: the buyer may take the money instead.
    2. The buyer receives them.       Silence after the sign-off is a receipt.
    """
    match await merchant_dispatch(desk, clock, since, overdue):
        case Withdrawn():
            return Closed(reason=CloseReason.WITHDRAWN)
        case MoneyInstead() as chosen:
            return await _money_instead(desk, chosen)
        case Dispatched(at=sent_at, tracking_no=tracking_no):
            pass

    match await buyer_receipt(desk, sent_at, tracking_no):
        case Withdrawn():
            return Closed(reason=CloseReason.WITHDRAWN)
        case Delivered():
            return Completed(outcome=outcome)


async def _money_instead(desk: Desk, chosen: MoneyInstead) -> Ending:
    """The case is a refund from here on; the merchant had agreed, so nobody is asked again."""
    desk.become_refund()
    await refund(desk, chosen.at, desk.case.payout.refundable(None))
    return Completed(outcome=Outcome.REFUNDED)
