"""After a refusal the buyer may ask for something else, or take it to the platform (修改申请、申请平台介入)."""

from dataclasses import dataclass
from datetime import datetime

from aftersale.contract.commands import Amend, Escalate, Withdraw
from aftersale.vocabulary import CaseKind, Clock, State
from workflows.cases.answers import Refused, Withdrawn
from workflows.cases.beside.amendment import amend
from workflows.cases.desk import Desk, Lapse


@dataclass(frozen=True)
class Amended:
    """The request is another one now, of this kind, and is reviewed anew."""

    kind: CaseKind


@dataclass(frozen=True)
class Escalated:
    """The buyer took the refusal to the platform."""

    at: datetime


async def escalation(desk: Desk, refused: Refused) -> Amended | Escalated | Lapse | Withdrawn:
    """Wait while the refusal can be answered. Silence accepts it; an amendment that may not be made changes nothing."""
    await desk.enter(State.MERCHANT_REJECTED, refused.at, Clock.ESCALATION)
    desk.case.refuse(refused.at, refused.reason_code)
    while True:
        heard = await desk.answer(Amend, Escalate, Withdraw)
        match heard:
            case Amend():
                if await amend(desk, heard):
                    return Amended(desk.case.kind)
            case Escalate():
                return Escalated(desk.at(heard))
            case Lapse():
                return heard
            case Withdraw():
                return Withdrawn()
