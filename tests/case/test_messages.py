"""Messages to parties: numbered, once, and about where the case stands when the turn is over."""

from aftersale.case.case import Case
from aftersale.case.messages import PendingMessages
from aftersale.case.projection import status
from aftersale.contract.message import Message
from aftersale.contract.request import CaseRequest
from aftersale.contract.status import Closed
from aftersale.vocabulary import CaseKind, CloseReason, Command, MessageEvent, OnTimeout, Party, State
from tests.support.cases import at, request
from tests.support.files import a_case

NOW = at("2024-06-04 10:00:00")
MOVE = MessageEvent.MOVE_AWAITED


def written(case: Case) -> list[Message]:
    return case.messages.drain(status(case, NOW))


def test_messages_are_numbered_over_all_turns_for_their_receivers() -> None:
    case = a_case(case_id="C-numbers")
    case.messages.add(Party.BUYER, MessageEvent.ALERT, "a")
    case.messages.add(Party.MERCHANT, MessageEvent.ALERT, "b")
    assert [message.message_id for message in written(case)] == ["C-numbers/1", "C-numbers/2"]
    case.messages.add(Party.BUYER, MessageEvent.ALERT, "c")
    assert [message.message_id for message in written(case)] == ["C-numbers/3"]
    assert written(case) == []


def test_who_is_awaited_is_told_what_may_be_done_until_when_and_what_silence_means() -> None:
    case = a_case()
    case.messages.add(Party.MERCHANT, MOVE)
    (message,) = written(case)
    assert message == Message(
        message_id=f"{case.request.case_id}/1",
        case_id=case.request.case_id,
        order_id=case.request.order_id,
        to=Party.MERCHANT,
        recipient="M-7",
        event=MOVE,
        kind=CaseKind.RETURN,
        state=State.AWAITING_MERCHANT_REVIEW,
        commands=message.commands,
        respond_by=at("2024-06-05 10:00:00"),
        on_timeout=OnTimeout.AUTO_APPROVE,
    )
    assert Command.APPROVE in message.commands and Command.WITHDRAW not in message.commands


def test_who_need_not_act_is_given_no_deadline() -> None:
    case = a_case()
    case.messages.add(Party.BUYER, MessageEvent.DEADLINE_CHANGED, "longer")
    case.messages.add(Party.PLATFORM, MessageEvent.ALERT, "look")
    buyer, platform = written(case)
    assert (buyer.recipient, buyer.respond_by, buyer.commands, buyer.on_timeout) == ("B-5", None, (), None)
    assert (platform.recipient, platform.says) == (None, "look")


def test_a_stage_that_ended_within_the_turn_asks_nobody_to_act() -> None:
    case = a_case()
    case.messages.add(Party.MERCHANT, MOVE)
    case.enter(State.MERCHANT_REJECTED, NOW, None)
    case.messages.add(Party.BUYER, MOVE)
    assert [(message.to, message.state) for message in written(case)] == [(Party.BUYER, State.MERCHANT_REJECTED)]


def test_the_same_message_twice_in_a_turn_is_told_once() -> None:
    pending = PendingMessages(CaseRequest.model_validate(request()))
    pending.add(Party.MERCHANT, MOVE)
    pending.add(Party.MERCHANT, MOVE)
    assert len(pending.drain(status(a_case(), NOW))) == 1


def test_both_sides_hear_how_the_case_ended() -> None:
    case = a_case()
    case.finish(Closed(reason=CloseReason.WITHDRAWN), NOW)
    assert [(message.to, message.event, message.says) for message in written(case)] == [
        (Party.BUYER, MessageEvent.CASE_CLOSED, "withdrawn 买家撤销"),
        (Party.MERCHANT, MessageEvent.CASE_CLOSED, "withdrawn 买家撤销"),
    ]
