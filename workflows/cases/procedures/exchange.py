"""Exchange (换货)."""

from aftersale.contract.status import Ending
from aftersale.vocabulary import Clock, Outcome
from workflows.cases.answers import ChangeKind
from workflows.cases.desk import Desk
from workflows.cases.phases.agreement import Agreed, agreement
from workflows.cases.phases.goods_back import goods_back
from workflows.cases.phases.goods_out import goods_out
from workflows.cases.stages.merchant_receipt import Received


async def exchange(desk: Desk) -> Ending | ChangeKind:
    """Work an exchange: the goods come back, and others go out.

    1. The merchant answers the request.       Silence is a yes.
    2. The buyer sends the goods back.         Silence closes the case.
    3. The merchant takes the goods in.        Silence is a receipt; from the sign-off on the replacement is due.
    4. The merchant sends the replacement.     Silence is a breach: the buyer may take the money instead.
    5. The buyer receives it.                  Silence after the sign-off is a receipt.
    """
    agreed = await agreement(desk)
    if not isinstance(agreed, Agreed):
        return agreed

    received = await goods_back(desk, agreed.at, Clock.REPLACEMENT_DISPATCH)
    if not isinstance(received, Received):
        return received

    return await goods_out(desk, Clock.REPLACEMENT_DISPATCH, received.at, Outcome.EXCHANGED, received.overdue)
