"""The buyer receives what the merchant sent (买家收货)."""

from dataclasses import dataclass
from datetime import datetime

from aftersale.contract.commands import ConfirmDelivery, ParcelEvent, Withdraw
from aftersale.vocabulary import Clock, State
from workflows.cases.answers import Withdrawn
from workflows.cases.desk import Desk, Lapse


@dataclass(frozen=True)
class Delivered:
    """The buyer has the goods, or was silent for long enough after their sign-off."""

    at: datetime


async def buyer_receipt(desk: Desk, sent_at: datetime, tracking_no: str) -> Delivered | Withdrawn:
    """Wait for the parcel. From the carrier's sign-off on, silence is a receipt; without one the platform must look."""
    await desk.enter(State.AWAITING_BUYER_RECEIPT, sent_at, Clock.STALLED)
    desk.expect_parcel("outbound", tracking_no)
    heard: ConfirmDelivery | Withdraw | ParcelEvent | Lapse
    heard = await desk.hear_out(ConfirmDelivery, Withdraw, ParcelEvent)
    if isinstance(heard, ParcelEvent):
        await desk.replace(Clock.BUYER_RECEIPT, heard.occurred_at)
        heard = await desk.answer(ConfirmDelivery, Withdraw)
    match heard:
        case ConfirmDelivery() | Lapse():
            return Delivered(desk.at(heard))
        case Withdraw():
            return Withdrawn()
