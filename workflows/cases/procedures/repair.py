"""Repair (维修)."""

from aftersale.contract.status import Ending
from aftersale.vocabulary import Clock, Outcome
from workflows.cases.answers import ChangeKind
from workflows.cases.desk import Desk
from workflows.cases.phases.agreement import Agreed, agreement
from workflows.cases.phases.goods_back import goods_back
from workflows.cases.phases.goods_out import goods_out
from workflows.cases.stages.merchant_receipt import Received


async def repair(desk: Desk) -> Ending | ChangeKind:
    """Work a repair: the goods come back, and go out again repaired.

    1. The merchant answers the request.       Silence is a yes.
    2. The buyer sends the goods back.         Silence closes the case.
    3. The merchant takes the goods in.        Silence is a receipt.
    4. The merchant sends the goods repaired, or others, or finds them beyond repair and offers the money.
                                               Silence is a breach: the buyer may take the money instead.
    5. The buyer receives them.                Silence after the sign-off is a receipt.
    """
    agreed = await agreement(desk)
    if not isinstance(agreed, Agreed):
        return agreed

    received = await goods_back(desk, agreed.at, Clock.MERCHANT_INSPECTION)
    if not isinstance(received, Received):
        return received

    return await goods_out(desk, Clock.REPAIR_DISPATCH, received.at, Outcome.REPAIRED)
