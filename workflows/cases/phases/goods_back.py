"""The phase in which goods come back to the merchant, whatever becomes of them then."""

from datetime import datetime

from aftersale.contract.status import Closed, Ending
from aftersale.vocabulary import Clock, CloseReason
from workflows.cases.answers import ChangeKind, Refused, Withdrawn
from workflows.cases.desk import Desk
from workflows.cases.phases.dispute import dispute
from workflows.cases.stages.buyer_return import NotSentBack, SentBack, buyer_return
from workflows.cases.stages.merchant_receipt import Received, merchant_receipt


async def goods_back(desk: Desk, agreed_at: datetime, inspection: Clock) -> Received | Ending | ChangeKind:
    """Have the goods come back; the clock named by `inspection` counts from their sign-off.

    1. The buyer sends the goods back.   Silence closes the case.
    2. The merchant takes the goods in.  Silence is a receipt; a refusal may be disputed.
    """
    match await buyer_return(desk, agreed_at):
        case Withdrawn():
            return Closed(reason=CloseReason.WITHDRAWN)
        case NotSentBack():
            return Closed(reason=CloseReason.NOT_SENT_BACK)
        case SentBack(at=sent_at, tracking_no=tracking_no):
            pass

    match await merchant_receipt(desk, sent_at, tracking_no, inspection):
        case Withdrawn():
            return Closed(reason=CloseReason.WITHDRAWN)
        case Refused() as refusal:
            return await dispute(desk, refusal)
        case Received(items=items) as received:
            desk.case.take_in(items)
            return received
