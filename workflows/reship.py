"""Sending again what was missing (补寄)."""

from typing import Any

from temporalio import workflow

from aftersale.case import Status
from aftersale.dossier import Closed, Completed, Ending
from aftersale.kinds import CaseKind, Clock, CloseReason, Outcome
from workflows.answers import Refused, Withdrawn
from workflows.case import CaseWorkflow
from workflows.desk import Desk
from workflows.money_instead import money_instead
from workflows.refused import refused
from workflows.stages.buyer_receipt import Delivered, buyer_receipt
from workflows.stages.merchant_dispatch import Dispatched, MoneyInstead, merchant_dispatch
from workflows.stages.merchant_review import Approved, merchant_review


async def reship(desk: Desk) -> Ending:
    """The merchant sends what the buyer did not get.

    1. The merchant answers the request.   Silence is a yes.
    2. The merchant sends the goods.       Silence is a breach: the buyer may take the money instead.
    3. The buyer receives them.            Silence after the sign-off is a receipt.
    """
    match await merchant_review(desk):
        case Withdrawn():
            return Closed(reason=CloseReason.WITHDRAWN)
        case Refused() as refusal:
            return await refused(desk, refusal)
        case Approved(at=agreed_at):
            pass

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


@workflow.defn
class Reship(CaseWorkflow):
    """A reshipment, from the request to the delivery."""

    kind = CaseKind.RESHIP

    @workflow.run
    async def run(self, *given: Any) -> Status:
        """Work the case to its end; the result is its record."""
        return await self.work(reship)
