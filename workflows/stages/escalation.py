"""After a refusal the buyer may take the case to the platform (申请平台介入)."""

from aftersale.commands import Withdraw
from aftersale.kinds import Clock, State
from workflows.answers import Refused, Withdrawn
from workflows.desk import Desk, Lapse


async def escalation(desk: Desk, refused: Refused) -> Lapse | Withdrawn:
    """Wait while the refusal can be escalated. Silence accepts it."""
    await desk.enter(State.MERCHANT_REJECTED, refused.at, Clock.ESCALATION)
    desk.case.refuse(refused.at, refused.reason_code)
    heard = await desk.answer(Withdraw)
    match heard:
        case Lapse():
            return heard
        case Withdraw():
            return Withdrawn()
