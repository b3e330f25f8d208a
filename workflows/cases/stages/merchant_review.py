"""The merchant answers the request (商家处理)."""

from dataclasses import dataclass
from datetime import datetime

from aftersale.contract.commands import Approve, Offer, Reject, Withdraw
from aftersale.vocabulary import Clock, State
from workflows.cases.answers import Refused, Withdrawn
from workflows.cases.desk import Desk, Lapse


@dataclass(frozen=True)
class Approved:
    """The merchant agreed, or was silent for too long."""

    at: datetime


@dataclass(frozen=True)
class Offered:
    """The merchant offers something else."""

    at: datetime
    offer: Offer


async def merchant_review(desk: Desk) -> Approved | Offered | Refused | Withdrawn:
    """Wait for the merchant's answer (S24). Silence is a yes."""
    await desk.enter(State.AWAITING_MERCHANT_REVIEW, desk.case.applied_at, Clock.MERCHANT_REVIEW)
    heard = await desk.answer(Approve, Offer, Reject, Withdraw)
    match heard:
        case Approve() | Lapse():
            return Approved(desk.at(heard))
        case Offer():
            return Offered(desk.at(heard), heard)
        case Reject(reason_code=reason_code):
            return Refused(desk.at(heard), reason_code)
        case Withdraw():
            return Withdrawn()
