"""The merchant sends goods out (商家发货): the replacement, the missing goods, the repaired item."""

from dataclasses import dataclass
from datetime import datetime

from aftersale.contract.commands import Amend, Dispatch, ReportIrreparable, Withdraw
from aftersale.vocabulary import Clock, State
from workflows.cases.answers import Withdrawn
from workflows.cases.beside.breach import breach
from workflows.cases.desk import Desk, Lapse


@dataclass(frozen=True)
class Dispatched:
    """The goods are on their way to the buyer under this tracking number."""

    at: datetime
    tracking_no: str
    replaced: bool = False


@dataclass(frozen=True)
class Irreparable:
    """The merchant cannot repair the goods, and offers the money."""

    at: datetime


@dataclass(frozen=True)
class MoneyInstead:
    """The goods were not sent in time, and the buyer takes the money."""

    at: datetime


async def merchant_dispatch(
    desk: Desk, clock: Clock, since: datetime, overdue: Lapse | None = None
) -> Dispatched | Irreparable | MoneyInstead | Withdrawn:
    """Wait for the goods to leave (S27, S28). No silence can ship: it is a breach, and the buyer may take the money.

    The clock may have begun, or even run out (`overdue`), while the goods were being taken in.
    """
    if overdue is None:
        await desk.go_on(State.AWAITING_MERCHANT_DISPATCH, since, clock)
        heard = await desk.answer(Dispatch, ReportIrreparable, Withdraw)
        if not isinstance(heard, Lapse):
            return _answered(desk, heard)
        overdue = heard
    await breach(desk, overdue)
    late = await desk.hear_out(Dispatch, ReportIrreparable, Amend, Withdraw)
    if isinstance(late, Amend):
        return MoneyInstead(desk.at(late))
    return _answered(desk, late)


def _answered(desk: Desk, heard: Dispatch | ReportIrreparable | Withdraw) -> Dispatched | Irreparable | Withdrawn:
    match heard:
        case Dispatch(tracking_no=tracking_no, replaced=replaced):
            return Dispatched(desk.at(heard), tracking_no, replaced)
        case ReportIrreparable():
            return Irreparable(desk.at(heard))
        case Withdraw():
            return Withdrawn()
