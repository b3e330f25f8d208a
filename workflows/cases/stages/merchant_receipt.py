"""The merchant takes the returned goods in (商家收货)."""

from dataclasses import dataclass
from datetime import datetime

from aftersale.contract.commands import ConfirmReceipt, ParcelEvent, ReceivedItem, RefuseReceipt, Withdraw
from aftersale.vocabulary import Clock, State
from workflows.cases.answers import Refused, Withdrawn
from workflows.cases.desk import Desk, Lapse


@dataclass(frozen=True)
class Received:
    """The merchant has the goods, or counts as having them; no items means all that was claimed.

    `overdue` is the lapse of the clock that had begun with the sign-off.
    """

    at: datetime
    items: tuple[ReceivedItem, ...] | None = None
    overdue: Lapse | None = None


async def merchant_receipt(
    desk: Desk, sent_at: datetime, tracking_no: str, inspection: Clock
) -> Received | Refused | Withdrawn:
    """Wait for the goods. The carrier's sign-off puts the `inspection` clock in the place of the receipt clock (R11).

    Silence is a receipt (S25, S26). Where the law counts from the receipt, its clock runs beside.
    """
    await desk.enter(State.AWAITING_MERCHANT_RECEIPT, sent_at, Clock.MERCHANT_RECEIPT)
    desk.expect_parcel("return", tracking_no)
    heard = await desk.answer(ConfirmReceipt, RefuseReceipt, Withdraw, ParcelEvent)
    if isinstance(heard, ParcelEvent):
        return await _inspection(desk, inspection, heard.occurred_at)
    return _taken_in(desk, heard)


async def _inspection(desk: Desk, clock: Clock, signed_off_at: datetime) -> Received | Refused | Withdrawn:
    await desk.replace(clock, signed_off_at, beside=desk.case.law_clocks(signed_off_at))
    heard = await desk.answer(ConfirmReceipt, RefuseReceipt, Withdraw)
    if isinstance(heard, Lapse):
        return Received(desk.at(heard), overdue=heard)
    return _taken_in(desk, heard)


def _taken_in(desk: Desk, heard: ConfirmReceipt | RefuseReceipt | Withdraw | Lapse) -> Received | Refused | Withdrawn:
    match heard:
        case ConfirmReceipt(items=items):
            return Received(desk.at(heard), items)
        case Lapse():
            return Received(desk.at(heard))
        case RefuseReceipt(reason_code=reason_code):
            return Refused(desk.at(heard), reason_code)
        case Withdraw():
            return Withdrawn()
