"""Case files in memory, for tests that need no server: a return, at a stage, under the book of the checkout."""

from datetime import datetime
from typing import Any

from aftersale.case.case import Case
from aftersale.case.questions import starting_question
from aftersale.contract.request import CaseRequest
from aftersale.policy.deadline import Deadline
from aftersale.policy.facts import Question
from aftersale.policy.running import RunningClock
from aftersale.vocabulary import CaseKind, Clock, State
from tests.support.books import BOOK
from tests.support.cases import at, request

STAGES = {
    State.AWAITING_MERCHANT_REVIEW: Clock.MERCHANT_REVIEW,
    State.AWAITING_BUYER_RETURN: Clock.BUYER_RETURN,
    State.AWAITING_MERCHANT_RECEIPT: Clock.MERCHANT_RECEIPT,
    State.MERCHANT_REJECTED: Clock.ESCALATION,
}


def running(clock: str, started_at: str, learned_at: str | None = None, **facts: Any) -> RunningClock:
    """A clock that began then, as the book answers."""
    question = Question.model_validate({"clock": clock, "started_at": started_at, **facts})
    return RunningClock.start(question, BOOK.ask(question), at(learned_at or started_at))


def answered(question: Question) -> Deadline:
    """The book's answer."""
    return BOOK.ask(question)


def a_case(state: State = State.AWAITING_MERCHANT_REVIEW, since: str = "2024-06-03 10:00:00", **changes: Any) -> Case:
    """The file of a return that entered its stage then."""
    case = Case(CaseKind.RETURN, CaseRequest.model_validate(request(**changes)), at(since))
    case.admitted = True
    began: datetime = at(since)
    clock = STAGES.get(state)
    if clock is None:
        case.enter(state, began, None)
    else:
        question = starting_question(case, clock, began, began)
        case.enter(state, began, RunningClock.start(question, BOOK.ask(question), began))
    return case
