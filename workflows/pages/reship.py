"""Sending again what was missing (补寄)."""

from aftersale.dossier import Closed, Completed, Ending
from aftersale.kinds import Clock, CloseReason, Outcome
from workflows.agreement import Agreed, agreement
from workflows.answers import ChangeKind, Withdrawn
from workflows.desk import Desk
from workflows.money_instead import money_instead
from workflows.stages.buyer_receipt import Delivered, buyer_receipt
from workflows.stages.merchant_dispatch import Dispatched, MoneyInstead, merchant_dispatch


async def reship(desk: Desk) -> Ending | ChangeKind:
    """The merchant sends what the buyer did not get.

    1. The merchant answers the request.   Silence is a yes.
    2. The merchant sends the goods.       Silence is a breach: the buyer may take the money instead.
    3. The buyer receives them.            Silence after the sign-off is a receipt.
    """
    match await agreement(desk):
        case Agreed(at=agreed_at):
            pass
        case ended:
            return ended

    match await merchant_dispatch(desk, Clock.RESHIP_DISPATCH, agreed_at):
        case Withdrawn():
            return Closed(reason=CloseReason.WITHDRAWN)
        case MoneyInstead() as chosen:
            return await money_instead(desk, chosen)
        case Dispatched(at=sent_at, tracking_no=tracking_no):
            pass

    match await buyer_receipt(desk, sent_at, tracking_no):
        case Withdrawn():
            return Closed(reason=CloseReason.WITHDRAWN)
        case Delivered():
            return Completed(outcome=Outcome.RESHIPPED)
