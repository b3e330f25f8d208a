"""Exchange (换货)."""

from aftersale.dossier import Closed, Completed, Ending
from aftersale.kinds import Clock, CloseReason, Outcome
from workflows.agreement import Agreed, agreement
from workflows.answers import ChangeKind, Refused, Withdrawn
from workflows.desk import Desk
from workflows.dispute import dispute
from workflows.money_instead import money_instead
from workflows.stages.buyer_receipt import Delivered, buyer_receipt
from workflows.stages.buyer_return import NotSentBack, SentBack, buyer_return
from workflows.stages.merchant_dispatch import Dispatched, MoneyInstead, merchant_dispatch
from workflows.stages.merchant_receipt import Received, merchant_receipt


async def exchange(desk: Desk) -> Ending | ChangeKind:
    """The goods come back, and others go out.

    1. The merchant answers the request.       Silence is a yes.
    2. The buyer sends the goods back.         Silence closes the case.
    3. The merchant takes the goods in.        Silence is a receipt; from the sign-off on the replacement is due.
    4. The merchant sends the replacement.     Silence is a breach: the buyer may take the money instead.
    5. The buyer receives it.                  Silence after the sign-off is a receipt.
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

    match await merchant_receipt(desk, sent_at, tracking_no, Clock.REPLACEMENT_DISPATCH):
        case Withdrawn():
            return Closed(reason=CloseReason.WITHDRAWN)
        case Refused() as refusal:
            return await dispute(desk, refusal)
        case Received() as received:
            pass

    match await merchant_dispatch(desk, Clock.REPLACEMENT_DISPATCH, received.at, received.overdue):
        case Withdrawn():
            return Closed(reason=CloseReason.WITHDRAWN)
        case MoneyInstead() as chosen:
            return await money_instead(desk, chosen)
        case Dispatched(at=dispatched_at, tracking_no=outbound_no):
            pass

    match await buyer_receipt(desk, dispatched_at, outbound_no):
        case Withdrawn():
            return Closed(reason=CloseReason.WITHDRAWN)
        case Delivered():
            return Completed(outcome=Outcome.EXCHANGED)
