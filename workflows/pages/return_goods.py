"""Return and refund (退货退款)."""

from aftersale.dossier import Closed, Completed, Ending
from aftersale.kinds import Clock, CloseReason, Outcome
from workflows.agreement import Agreed, agreement
from workflows.answers import ChangeKind, Refused, Withdrawn
from workflows.desk import Desk
from workflows.dispute import dispute
from workflows.stages.buyer_return import NotSentBack, SentBack, buyer_return
from workflows.stages.merchant_receipt import Received, merchant_receipt
from workflows.stages.refund import refund


async def return_goods(desk: Desk) -> Ending | ChangeKind:
    """The goods come back, then the money goes back.

    1. The merchant answers the request.   Silence is a yes.
    2. The buyer sends the goods back.     Silence closes the case.
    3. The merchant takes the goods in.    Silence is a receipt.
    4. The money is returned.
    """
    match await agreement(desk):
        case Agreed(at=agreed_at):
            pass
        case ended:
            return ended

    match await buyer_return(desk, agreed_at):
        case Withdrawn():
            return Closed(reason=CloseReason.WITHDRAWN)
        case NotSentBack():
            return Closed(reason=CloseReason.NOT_SENT_BACK)
        case SentBack(at=sent_at, tracking_no=tracking_no):
            pass

    match await merchant_receipt(desk, sent_at, tracking_no, Clock.MERCHANT_INSPECTION):
        case Withdrawn():
            return Closed(reason=CloseReason.WITHDRAWN)
        case Refused() as refusal:
            return await dispute(desk, refusal)
        case Received(at=received_at, items=items):
            pass

    await refund(desk, received_at, desk.case.payout.refundable(items))
    return Completed(outcome=Outcome.REFUNDED)
