"""Reshipment (补寄): what was missing is sent again."""

from aftersale.contract.status import Ending
from aftersale.vocabulary import Clock, Outcome
from workflows.cases.answers import ChangeKind
from workflows.cases.desk import Desk
from workflows.cases.phases.agreement import Agreed, agreement
from workflows.cases.phases.goods_out import goods_out


async def reship(desk: Desk) -> Ending | ChangeKind:
    """Work a reshipment: the merchant sends what the buyer did not get.

    1. The merchant answers the request.   Silence is a yes.
    2. The merchant sends the goods.       Silence is a breach: the buyer may take the money instead.
    3. The buyer receives them.            Silence after the sign-off is a receipt.
    """
    agreed = await agreement(desk)
    if not isinstance(agreed, Agreed):
        return agreed

    return await goods_out(desk, Clock.RESHIP_DISPATCH, agreed.at, Outcome.RESHIPPED)
