"""The merchant sends goods out (商家发货): the replacement, the missing goods, the repaired item."""

from dataclasses import dataclass
from datetime import datetime

from aftersale.commands import Amend, Dispatch, Withdraw
from aftersale.kinds import Clock, State
from workflows.answers import Withdrawn
from workflows.desk import Desk, Lapse


@dataclass(frozen=True)
class Dispatched:
    """The goods are on their way to the buyer under this tracking number."""

    at: datetime
    tracking_no: str


@dataclass(frozen=True)
class MoneyInstead:
    """The goods were not sent in time, and the buyer takes the money."""

    at: datetime


async def merchant_dispatch(
    desk: Desk, clock: Clock, since: datetime, overdue: Lapse | None = None
) -> Dispatched | MoneyInstead | Withdrawn:
    """Wait for the goods to leave (S27, S28). No silence can ship: it is a breach, and the buyer may take the money.

    The clock may have begun, or even run out (`overdue`), while the goods were being taken in.
    """
    if overdue is not None:
        return await _overdue(desk, overdue)
    await desk.go_on(State.AWAITING_MERCHANT_DISPATCH, since, clock)
    heard = await desk.answer(Dispatch, Withdraw)
    if isinstance(heard, Lapse):
        return await _overdue(desk, heard)
    return _sent(desk, heard)


async def _overdue(desk: Desk, lapse: Lapse) -> Dispatched | MoneyInstead | Withdrawn:
    desk.breach(State.AWAITING_MERCHANT_DISPATCH, lapse)
    heard = await desk.hear_only(Dispatch, Amend, Withdraw)
    if isinstance(heard, Amend):
        return MoneyInstead(desk.at(heard))
    return _sent(desk, heard)


def _sent(desk: Desk, heard: Dispatch | Withdraw) -> Dispatched | Withdrawn:
    match heard:
        case Dispatch(tracking_no=tracking_no):
            return Dispatched(desk.at(heard), tracking_no)
        case Withdraw():
            return Withdrawn()
