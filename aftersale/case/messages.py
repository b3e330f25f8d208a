"""What a case has to tell the parties: noted as it happens, made into messages when the turn is over."""

from dataclasses import dataclass

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
    """The letters of one case, numbered in the order in which they are written."""

    def __init__(self, request: CaseRequest) -> None:
        self.request = request
        self._owed: list[PendingMessage] = []
        self._written = 0

    def add(self, to: Party, event: MessageEvent, says: str = "") -> None:
        """Owe a party a message; the turn that ends next sends it."""
        news = PendingMessage(to, event, says)
        if news not in self._owed:
            self._owed.append(news)

    def drain(self, standing: Status) -> list[Message]:
        """Return the messages that the turn owes, now that it is known how the case stands after it.

        A stage that began and ended within the turn has left nobody to wait for: its party is not asked, nor reminded.
        """
        owed, self._owed = self._owed, []
        awaited = standing.next.party
        return [self._message(news, standing) for news in owed if news.event not in _ASKING or news.to is awaited]

    def _message(self, news: PendingMessage, standing: Status) -> Message:
        self._written += 1
        request, following = self.request, standing.next
        asked = news.to is following.party
        return Message(
            message_id=f"{request.case_id}/{self._written}",
            case_id=request.case_id,
            order_id=request.order_id,
            to=news.to,
            recipient={Party.BUYER: request.buyer_ref, Party.MERCHANT: request.merchant_id}.get(news.to),
            event=news.event,
            kind=standing.kind,
            state=standing.state,
            says=news.says,
            commands=following.commands if asked else (),
            respond_by=following.respond_by if asked else None,
            on_timeout=following.on_timeout if asked else None,
        )
