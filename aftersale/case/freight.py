"""The turn that the end of a freight claim adds to the record of its case. Pure."""

from datetime import datetime

from aftersale.case.turn import Turn
from aftersale.contract.message import Message
from aftersale.contract.status import Entry
from aftersale.guarantees.freight_insurance import FreightClaimInput, InsurerAnswer
from aftersale.vocabulary import MessageEvent, Party


def freight_turn(claim: FreightClaimInput, answer: InsurerAnswer, last: Turn, now: datetime, run_id: str) -> Turn:
    """Return the turn that the end of a freight claim adds to the record of its case, with a message to the buyer."""
    entry = Entry(at=now, recorded_at=now, by=Party.INSURER, event="FreightInsured", says=answer.words)
    message = Message(
        message_id=f"{claim.case_id}/insurance",
        case_id=claim.case_id,
        order_id=claim.order_id,
        to=Party.BUYER,
        recipient=last.subject.buyer_ref if last.subject else None,
        event=MessageEvent.INSURANCE_SETTLED,
        kind=last.status.kind,
        state=last.status.state,
        says=answer.words,
    )
    return last.with_entry(entry, message, now, run_id)
