"""Exchange (换货)."""

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
from workflows.stages.buyer_return import NotSentBack, SentBack, buyer_return
from workflows.stages.merchant_dispatch import Dispatched, MoneyInstead, merchant_dispatch
from workflows.stages.merchant_receipt import Received, merchant_receipt
from workflows.stages.merchant_review import Approved, merchant_review


async def exchange(desk: Desk) -> Ending:
    """The goods come back, and others go out.

    1. The merchant answers the request.       Silence is a yes.
    2. The buyer sends the goods back.         Silence closes the case.
    3. The merchant takes the goods in.        Silence is a receipt; from the sign-off on the replacement is due.
    4. The merchant sends the replacement.     Silence is a breach: the buyer may take the money instead.
    5. The buyer receives it.                  Silence after the sign-off is a receipt.
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

    match await merchant_receipt(desk, sent_at, tracking_no, Clock.REPLACEMENT_DISPATCH):
        case Withdrawn():
            return Closed(reason=CloseReason.WITHDRAWN)
        case Refused() as refusal:
            return await refused(desk, refusal)
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


@workflow.defn
class Exchange(CaseWorkflow):
    """An exchange, from the request to the delivery of the replacement."""

    kind = CaseKind.EXCHANGE

    @workflow.run
    async def run(self, *given: Any) -> Status:
        """Work the case to its end; the result is its record."""
        return await self.work(exchange)
