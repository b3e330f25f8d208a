"""Messages of a dispatch watch: the merchant hears of violations, and of those that turn out to be none. Pure."""

from aftersale.contract.message import Message
from aftersale.schema import Schema
from aftersale.times import local
from aftersale.vocabulary import MessageEvent, Party
from aftersale.watch.status import Violation


class Finding(Schema):
    """A violation for the records, as it stands now, with the messages that it owes."""

    violation: Violation
    messages: tuple[Message, ...]


def finding_of(violation: Violation) -> Finding:
    """Return the finding of a violation that was just noted, or just cleared."""
    if violation.cleared_at is None:
        return Finding(violation=violation, messages=(_message(violation, Party.MERCHANT, MessageEvent.VIOLATION),))
    # The platform too: a claim may stand on it, and only a person can take that back.
    parties = (Party.MERCHANT, Party.PLATFORM)
    cleared = tuple(_message(violation, party, MessageEvent.VIOLATION_CLEARED) for party in parties)
    return Finding(violation=violation, messages=cleared)


def _message(violation: Violation, to: Party, event: MessageEvent) -> Message:
    return Message(
        message_id=f"watch/{violation.violation_id}/{event}/{to}",
        shipment_id=violation.shipment_id,
        order_id=violation.order_id,
        to=to,
        recipient=violation.merchant_id if to is Party.MERCHANT else None,
        event=event,
        says=_says(violation),
    )


def _says(violation: Violation) -> str:
    by = f" by {' '.join(violation.rules)}" if violation.rules else ""
    counts = "counts" if violation.counts_for_score else "does not count"
    said = f"{violation.check.words} was due by {local(violation.respond_by)}{by}"
    if violation.cleared_by is not None:
        return f"{said}; {violation.cleared_by}, and counts no more"
    claim = f"; claim {violation.claim_case_id} was opened" if violation.claim_case_id else ""
    return f"{said}; it {counts} for the experience score{claim}"
