"""Return and refund (退货退款)."""

from aftersale.case.endings import Completed, Ending
from aftersale.vocabulary import Clock, Outcome
from workflows.agreement import Agreed, agreement
from workflows.answers import ChangeKind
from workflows.desk import Desk
from workflows.goods_back import goods_back
from workflows.stages.merchant_receipt import Received
from workflows.stages.refund import refund


async def return_goods(desk: Desk) -> Ending | ChangeKind:
    """The goods come back, then the money goes back.

    1. The merchant answers the request.   Silence is a yes.
    2. The buyer sends the goods back.     Silence closes the case.
    3. The merchant takes the goods in.    Silence is a receipt.
    4. The money is returned; what the way back cost is the insurer's to say, beside the case.
    """
    match await agreement(desk):
        case Agreed(at=agreed_at):
            pass
        case ended:
            return ended

    match await goods_back(desk, agreed_at, Clock.MERCHANT_INSPECTION):
        case Received(at=received_at):
            pass
        case ended:
            return ended

    await refund(desk, received_at)
    await desk.claim_freight()
    return Completed(outcome=Outcome.REFUNDED)
