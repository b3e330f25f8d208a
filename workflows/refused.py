"""What follows a refusal, whatever the kind of the case."""

from aftersale.dossier import Closed, Ending
from aftersale.kinds import CloseReason
from workflows.answers import Refused, Withdrawn
from workflows.desk import Desk, Lapse
from workflows.stages.escalation import escalation


async def refused(desk: Desk, refusal: Refused) -> Ending:
    """The buyer may take it to the platform; silence accepts it."""
    match await escalation(desk, refusal):
        case Withdrawn():
            return Closed(reason=CloseReason.WITHDRAWN)
        case Lapse():
            return Closed(reason=CloseReason.NOT_ESCALATED)
