"""The phase in which goods go out to the buyer: a replacement, what was missing, what was repaired."""

from datetime import datetime

from aftersale.contract.status import Closed, Completed, Ending
from aftersale.vocabulary import Clock, CloseReason, Outcome
from workflows.cases.answers import ChangeKind, Refused, Withdrawn
from workflows.cases.desk import Desk, Lapse
from workflows.cases.phases.dispute import dispute
from workflows.cases.stages.buyer_receipt import Delivered, buyer_receipt
from workflows.cases.stages.merchant_dispatch import Dispatched, Irreparable, MoneyInstead, merchant_dispatch
from workflows.cases.stages.offer_response import Accepted, offer_response
from workflows.cases.stages.refund import refund


async def goods_out(
    desk: Desk, clock: Clock, since: datetime, outcome: Outcome, overdue: Lapse | None = None
) -> Ending | ChangeKind:
    """Have the merchant send goods, within the clock that is named.

    1. The merchant sends the goods.     Silence is a breach: the buyer may take the money instead.
       It may find that they are beyond repair: it offers the money.
    2. The buyer receives them.          Silence after the sign-off is a receipt.
    """
    match await merchant_dispatch(desk, clock, since, overdue):
        case Withdrawn():
            return Closed(reason=CloseReason.WITHDRAWN)
        case Irreparable(at=reported_at):
            return await _money_offered(desk, reported_at)
        case MoneyInstead(at=chosen_at):
            return await _money_instead(desk, chosen_at)
        case Dispatched(at=sent_at, tracking_no=tracking_no, replaced=replaced):
            pass

    match await buyer_receipt(desk, sent_at, tracking_no):
        case Withdrawn():
            return Closed(reason=CloseReason.WITHDRAWN)
        case Delivered():
            return Completed(outcome=Outcome.REPLACED if replaced else outcome)


async def _money_offered(desk: Desk, offered_at: datetime) -> Ending | ChangeKind:
    match await offer_response(desk, offered_at):
        case Withdrawn():
            return Closed(reason=CloseReason.WITHDRAWN)
        case Refused() as refusal:
            return await dispute(desk, refusal)
        case Accepted(at=accepted_at):
            return await _money_instead(desk, accepted_at)


async def _money_instead(desk: Desk, chosen_at: datetime) -> Ending:
    """Make the case a refund from here on; the merchant had agreed, so nobody is asked again."""
    desk.case.become_refund()
    await refund(desk, chosen_at)
    return Completed(outcome=Outcome.REFUNDED)
