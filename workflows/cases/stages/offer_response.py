"""The buyer answers the merchant's offer (用户确认方案)."""

from dataclasses import dataclass
from datetime import datetime

from aftersale.contract.commands import AcceptOffer, DeclineOffer, Withdraw
from aftersale.vocabulary import Clock, State
from workflows.cases.answers import Refused, Withdrawn
from workflows.cases.desk import Desk, Lapse


@dataclass(frozen=True)
class Accepted:
    """The buyer takes the offer."""

    at: datetime


async def offer_response(desk: Desk, offered_at: datetime) -> Accepted | Refused | Withdrawn:
    """Wait for the buyer. Silence lets the offer go, and what remains is the refusal of what was asked."""
    await desk.enter(State.AWAITING_BUYER_CONFIRMATION, offered_at, Clock.OFFER_RESPONSE)
    heard = await desk.answer(AcceptOffer, DeclineOffer, Withdraw)
    match heard:
        case AcceptOffer():
            return Accepted(desk.at(heard))
        case DeclineOffer():
            return Refused(desk.at(heard), "offer_declined")
        case Lapse():
            return Refused(desk.at(heard), "offer_lapsed")
        case Withdraw():
            return Withdrawn()
