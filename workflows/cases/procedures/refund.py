"""Refund without a return (仅退款)."""

from aftersale.contract.status import Completed, Ending
from aftersale.vocabulary import Outcome
from workflows.cases.answers import ChangeKind
from workflows.cases.desk import Desk
from workflows.cases.phases.agreement import Agreed, agreement
from workflows.cases.stages.refund import refund


async def refund_only(desk: Desk) -> Ending | ChangeKind:
    """Work a refund: the money goes back; the goods never left, or stay where they are.

    1. The merchant answers the request.   Silence is a yes.
    2. The money is returned.
    """
    agreed = await agreement(desk)
    if not isinstance(agreed, Agreed):
        return agreed

    await refund(desk, agreed.at)
    return Completed(outcome=Outcome.REFUNDED)
