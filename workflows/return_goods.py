"""Return and refund (退货退款)."""

from typing import Any

from temporalio import workflow

from aftersale.case import Status
from aftersale.dossier import Closed, Completed, Ending
from aftersale.kinds import CaseKind, Clock, CloseReason, Outcome
from workflows.answers import Refused, Withdrawn
from workflows.case import CaseWorkflow
from workflows.desk import Desk
from workflows.refused import refused
from workflows.stages.buyer_return import NotSentBack, SentBack, buyer_return
from workflows.stages.merchant_receipt import Received, merchant_receipt
from workflows.stages.merchant_review import Approved, merchant_review
from workflows.stages.refund import refund


async def return_goods(desk: Desk) -> Ending:
    """The goods come back, then the money goes back.

    1. The merchant answers the request.   Silence is a yes.
    2. The buyer sends the goods back.     Silence closes the case.
    3. The merchant takes the goods in.    Silence is a receipt.
    4. The money is returned.
    """
    match await merchant_review(desk):
        case Withdrawn():
            return Closed(reason=CloseReason.WITHDRAWN)
        case Refused() as refusal:
            return await refused(desk, refusal)
        case Approved(at=agreed_at):
            pass

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
            return await refused(desk, refusal)
        case Received(at=received_at, items=items):
            pass

    await refund(desk, received_at, desk.case.payout.refundable(items))
    return Completed(outcome=Outcome.REFUNDED)


@workflow.defn
class Return(CaseWorkflow):
    """A return, from the request to the refund."""

    kind = CaseKind.RETURN

    @workflow.run
    async def run(self, *given: Any) -> Status:
        """Work the case to its end; the result is its record."""
        return await self.work(return_goods)
