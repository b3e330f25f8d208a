"""The buyer sends the goods back (买家退货)."""

from dataclasses import dataclass
from datetime import datetime

from aftersale.contract.commands import ParcelEvent, ShipBack, Withdraw
from aftersale.vocabulary import Clock, State
from workflows.cases.answers import Withdrawn
from workflows.cases.beside.pickup import booking_pickup
from workflows.cases.desk import Desk, Lapse


@dataclass(frozen=True)
class SentBack:
    """The goods are on their way under this tracking number."""

    at: datetime
    tracking_no: str


@dataclass(frozen=True)
class NotSentBack:
    """The buyer let the time pass."""


async def buyer_return(desk: Desk, agreed_at: datetime) -> SentBack | NotSentBack | Withdrawn:
    """Wait for a tracking number (S14), or for the goods to be fetched. Silence gives the request up."""
    await desk.enter(State.AWAITING_BUYER_RETURN, agreed_at, Clock.BUYER_RETURN)
    with booking_pickup(desk):
        heard = await desk.answer(ShipBack, Withdraw, ParcelEvent)
    match heard:
        case ParcelEvent(tracking_no=tracking_no):
            return SentBack(heard.occurred_at, tracking_no)
        case ShipBack(tracking_no=tracking_no, freight=freight):
            desk.case.parcels.note_freight(freight)
            return SentBack(desk.at(heard), tracking_no)
        case Lapse():
            return NotSentBack()
        case Withdraw():
            return Withdrawn()
