"""The dispute phase: what follows a refusal, another request, the platform's ruling, or nothing."""

from aftersale.contract.status import Closed, Completed, Ending
from aftersale.vocabulary import CaseKind, CloseReason, Outcome, Ruling
from workflows.cases.answers import ChangeKind, Refused, Withdrawn
from workflows.cases.desk import Desk, Lapse
from workflows.cases.stages.arbitration import Ruled, arbitration
from workflows.cases.stages.escalation import Amended, Escalated, escalation
from workflows.cases.stages.refund import refund


async def dispute(desk: Desk, refusal: Refused) -> Ending | ChangeKind:
    """Let a refusal be disputed: it is not final yet.

    1. The buyer asks for something else, or takes it to the platform.  Silence accepts the refusal.
    2. The platform hears both and rules.                               Silence calls for an officer.
    3. What is ruled is carried out.
    """
    match await escalation(desk, refusal):
        case Withdrawn():
            return Closed(reason=CloseReason.WITHDRAWN)
        case Lapse():
            return Closed(reason=CloseReason.NOT_ESCALATED)
        case Amended(kind=kind):
            return ChangeKind(kind)
        case Escalated(at=escalated_at):
            pass

    match await arbitration(desk, escalated_at):
        case Withdrawn():
            return Closed(reason=CloseReason.WITHDRAWN)
        case Ruled() as ruled:
            return await _carried_out(desk, ruled)


async def _carried_out(desk: Desk, ruled: Ruled) -> Ending | ChangeKind:
    match ruled.outcome:
        case Ruling.REFUND:
            await refund(desk, ruled.at)
            return Completed(outcome=Outcome.REFUNDED)
        case Ruling.RETURN:
            return ChangeKind(CaseKind.RETURN, agreed_at=ruled.at)
        case Ruling.REPLACEMENT:
            return ChangeKind(CaseKind.RESHIP, agreed_at=ruled.at)
        case Ruling.DISMISSAL:
            return Closed(reason=CloseReason.DISMISSED)
