"""The agreement phase: the merchant answers the request, whatever the kind of the case."""

from dataclasses import dataclass
from datetime import datetime

from aftersale.contract.status import Closed, Ending
from aftersale.vocabulary import CloseReason
from workflows.cases.answers import ChangeKind, Refused, Withdrawn
from workflows.cases.desk import Desk
from workflows.cases.phases.dispute import dispute
from workflows.cases.stages.merchant_review import Approved, Offered, merchant_review
from workflows.cases.stages.offer_response import Accepted, offer_response


@dataclass(frozen=True)
class Agreed:
    """What the case is about is agreed, by the merchant, by its silence, by an accepted offer or by a ruling."""

    at: datetime


async def agreement(desk: Desk) -> Agreed | Ending | ChangeKind:
    """Have the merchant and the buyer agree, or the platform rule.

    1. The merchant answers the request.   Silence is a yes.
    2. The buyer answers what is offered.  Silence declines it.
    3. A refusal may be disputed.
    """
    if desk.case.agreed_at is not None:
        return Agreed(desk.case.agreed_at)
    match await merchant_review(desk):
        case Withdrawn():
            return Closed(reason=CloseReason.WITHDRAWN)
        case Refused() as refusal:
            return await dispute(desk, refusal)
        case Approved(at=agreed_at):
            return Agreed(agreed_at)
        case Offered() as offered:
            pass

    match await offer_response(desk, offered.at):
        case Withdrawn():
            return Closed(reason=CloseReason.WITHDRAWN)
        case Refused() as refusal:
            return await dispute(desk, refusal)
        case Accepted(at=accepted_at):
            offer = offered.offer
            desk.case.refunds.agree(offer.amount, offer.lines)
            return ChangeKind(offer.kind or desk.case.kind, agreed_at=accepted_at)
