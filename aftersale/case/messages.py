"""Messages that a case has pending for its parties: added as things happen, drained when the turn is over."""

from dataclasses import dataclass

from aftersale.bounds import SAID, cut
from aftersale.contract.message import Message
from aftersale.contract.request import CaseRequest
from aftersale.contract.status import Status
from aftersale.vocabulary import MessageEvent, Party

_ASKING = (MessageEvent.MOVE_AWAITED, MessageEvent.REMINDER)


@dataclass(frozen=True)
class PendingMessage:
    """Something that a party is to be told."""

    to: Party
    event: MessageEvent
    says: str = ""


class PendingMessages:
    """The pending messages of one case, numbered in the order in which turns drain them."""

    def __init__(self, request: CaseRequest) -> None:
        self.request = request
        self._owed: list[PendingMessage] = []
        self._written = 0

    def add(self, to: Party, event: MessageEvent, says: str = "") -> None:
        """Add a message for a party, unless the same is pending; the turn that ends next carries it."""
        pending = PendingMessage(to, event, cut(says, SAID))
        if pending not in self._owed:
            self._owed.append(pending)

    def drain(self, standing: Status) -> list[Message]:
        """Return the messages that the turn owes, now that it is known how the case stands after it.

        A stage that began and ended within the turn has left nobody to wait for: its party is not asked, nor reminded.
        """
        owed, self._owed = self._owed, []
        awaited = standing.next.party
        return [
            self._message(pending, standing)
            for pending in owed
            if pending.event not in _ASKING or pending.to is awaited
        ]

    def _message(self, pending: PendingMessage, standing: Status) -> Message:
        self._written += 1
        request, following = self.request, standing.next
        asked = pending.to is following.party
        return Message(
            message_id=f"{request.case_id}/{self._written}",
            case_id=request.case_id,
            order_id=request.order_id,
            to=pending.to,
            recipient={Party.BUYER: request.buyer_ref, Party.MERCHANT: request.merchant_id}.get(pending.to),
            event=pending.event,
            kind=standing.kind,
            state=standing.state,
            says=pending.says,
            commands=following.commands if asked else (),
            respond_by=following.respond_by if asked else None,
            on_timeout=following.on_timeout if asked else None,
        )
