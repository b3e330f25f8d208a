"""Return and refund (退货退款)."""

from aftersale.contract.status import Completed, Ending
from aftersale.vocabulary import Clock, Outcome
from workflows.cases.answers import ChangeKind
from workflows.cases.beside.freight import claim_freight
from workflows.cases.desk import Desk
from workflows.cases.phases.agreement import Agreed, agreement
from workflows.cases.phases.goods_back import goods_back
from workflows.cases.stages.merchant_receipt import Received
from workflows.cases.stages.refund import refund


async def return_goods(desk: Desk) -> Ending | ChangeKind:
    """Work a return: the goods come back, then the money goes back.

    1. The merchant answers the request.   Silence is a yes.
    2. The buyer sends the goods back.     Silence closes the case.
    3. The merchant takes the goods in.    Silence is a receipt.
    4. The money is returned; what the way back cost is the insurer's to say, beside the case.
    """
    agreed = await agreement(desk)
    if not isinstance(agreed, Agreed):
        return agreed

    received = await goods_back(desk, agreed.at, Clock.MERCHANT_INSPECTION)
    if not isinstance(received, Received):
        return received

    await refund(desk, received.at)
    await claim_freight(desk)
    return Completed(outcome=Outcome.REFUNDED)
