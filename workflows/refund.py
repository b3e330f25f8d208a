"""Refund without a return (仅退款)."""

from typing import Any

from temporalio import workflow

from aftersale.case import Status
from aftersale.dossier import Closed, Completed, Ending
from aftersale.kinds import CaseKind, CloseReason, Outcome
from workflows.answers import Refused, Withdrawn
from workflows.case import CaseWorkflow
from workflows.desk import Desk
from workflows.refused import refused
from workflows.stages.merchant_review import Approved, merchant_review
from workflows.stages.refund import refund


async def refund_only(desk: Desk) -> Ending:
    """The money goes back; the goods never left, or stay where they are.

    1. The merchant answers the request.   Silence is a yes.
    2. The money is returned.
    """
    match await merchant_review(desk):
        case Withdrawn():
            return Closed(reason=CloseReason.WITHDRAWN)
        case Refused() as refusal:
            return await refused(desk, refusal)
        case Approved(at=agreed_at):
            pass

    await refund(desk, agreed_at, desk.case.payout.refundable(None))
    return Completed(outcome=Outcome.REFUNDED)


@workflow.defn
class Refund(CaseWorkflow):
    """A refund, from the request to the money."""

    kind = CaseKind.REFUND

    @workflow.run
    async def run(self, *given: Any) -> Status:
        """Work the case to its end; the result is its record."""
        return await self.work(refund_only)
