"""A case's file: how facts change it, where no server is needed to see it."""

import pytest

from aftersale.case.case import Case
from aftersale.case.projection import status
from aftersale.case.questions import starting_question
from aftersale.case.validator import take_scan
from aftersale.case.wakes import next_wake, reminder_due
from aftersale.contract.commands import AgreeLimit, ParcelEvent
from aftersale.contract.message import Message
from aftersale.contract.request import CaseRequest
from aftersale.contract.status import NOBODY
from aftersale.policy.running import RunningClock
from aftersale.vocabulary import CaseKind, Clock, MessageEvent, Party, State
from tests.support.books import BOOK
from tests.support.cases import BUYER, MERCHANT, PLATFORM, at, request
from tests.support.files import a_case, running

NOW = at("2024-06-04 10:00:00")


def owed(case: Case) -> list[Message]:
    """What the turn that ends now owes."""
    return case.messages.drain(status(case, NOW))


def agreed(case: Case, who: tuple[str, str], limit: str) -> bool:
    actor = {"party": who[0], "id": who[1]}
    return case.agreements.agree(AgreeLimit.model_validate({"actor": actor, "clock": "buyer_return", "limit": limit}))


def test_an_agreement_takes_the_same_word_from_both_or_the_platform_s() -> None:
    case = a_case()
    assert not agreed(case, BUYER, "P10D")
    assert not agreed(case, MERCHANT, "P9D")
    assert agreed(case, MERCHANT, "PT240H"), "ten days in other words"
    assert agreed(a_case(), PLATFORM, "P10D")


def test_a_refund_that_the_payment_service_does_not_answer_is_alerted_after_a_day() -> None:
    """On a server no calendar moves while the payment is in hand, so this is shown on the file."""
    case = a_case(State.REFUNDING)
    payout = running("payout", "2024-06-03 10:00:00")
    case.beside[Clock.PAYOUT] = payout
    case.refunds.instruct(case.refunds.refundable(), None, at("2024-06-03 10:00:00"))
    assert payout.lapses_at == at("2024-06-04 10:00:01")
    assert next_wake(case) == (payout.lapses_at, payout), "the case is woken for it"
    case.alert(payout, at("2024-06-04 10:00:05"))
    alert = case.timeline[-1]
    assert (alert.event, alert.at, alert.clock) == ("Alert", at("2024-06-04 10:00:01"), "payout")
    assert [(message.to, message.event) for message in owed(case)] == [(Party.PLATFORM, MessageEvent.ALERT)]
    assert (case.state, case.beside) == (State.REFUNDING, {})


def test_a_clock_that_is_gone_is_not_retimed() -> None:
    case = a_case()
    review = case.stage_clock
    assert review is not None
    case.lapse(review, NOW)
    question = starting_question(case, Clock.BUYER_RETURN, NOW, NOW)
    case.enter(State.AWAITING_BUYER_RETURN, NOW, RunningClock.start(question, BOOK.ask(question), NOW))
    before = (case.stage_clock, list(case.timeline))
    longer = review.question.model_copy(update={"agreed_limits": {"merchant_review": "P30D"}})
    case.retime(review, longer, BOOK.ask(longer), "a notice", NOW)
    assert (case.stage_clock, case.timeline) == before


@pytest.mark.parametrize(("reason", "law"), [("no_reason", True), ("no_longer_wanted", True), ("quality", False)])
def test_the_law_s_clock_runs_for_returns_without_a_reason_and_once(reason: str, law: bool) -> None:
    case = a_case(reason_code=reason)
    assert case.law_clocks(NOW) == ({Clock.STATUTORY_REFUND: NOW} if law else {})
    case.note_clock("DeadlineSet", running("statutory_refund", "2024-06-03 10:00:00"), "set", NOW)
    assert case.law_clocks(NOW) == {}


# Reminders, and what wakes the case


def test_the_awaited_party_is_reminded_once_so_long_before_the_end_as_the_policy_says() -> None:
    case = a_case()  # 48 h from 2024-06-03 10:00:00
    review = case.stage_clock
    assert review is not None
    assert next_wake(case) == (at("2024-06-04 22:00:00"), review)
    assert not reminder_due(case, at("2024-06-04 21:59:59"))
    assert reminder_due(case, at("2024-06-04 22:00:00"))
    case.remind(at("2024-06-04 22:00:00"))
    assert not reminder_due(case, at("2024-06-04 22:00:00")), "told once, not again"
    assert next_wake(case) == (at("2024-06-05 10:00:01"), case.stage_clock)
    line = case.timeline[-1]
    assert (line.event, line.by, line.clock) == ("Reminded", Party.SYSTEM, Clock.MERCHANT_REVIEW)
    assert line.due_at == at("2024-06-05 10:00:00")
    (message,) = owed(case)
    assert (message.to, message.event, message.respond_by) == (Party.MERCHANT, MessageEvent.REMINDER, line.due_at)


def test_a_silence_that_has_taken_effect_is_not_reminded_of() -> None:
    case = a_case()
    assert reminder_due(case, at("2024-06-05 10:00:00"))
    assert not reminder_due(case, at("2024-06-05 10:00:01"))


def test_under_a_hold_nobody_is_reminded_and_the_stage_s_clock_wakes_nobody() -> None:
    case = a_case()
    case.held_since = NOW
    assert not reminder_due(case, at("2024-06-04 23:00:00"))
    assert next_wake(case) is None
    case.beside[Clock.PAYOUT] = running("payout", "2024-06-03 10:00:00")
    assert next_wake(case) == (at("2024-06-04 10:00:01"), case.beside[Clock.PAYOUT])


def test_the_case_is_woken_for_whatever_comes_first() -> None:
    case = a_case()
    case.beside[Clock.PAYOUT] = running("payout", "2024-06-03 10:00:00")
    assert next_wake(case) == (at("2024-06-04 10:00:01"), case.beside[Clock.PAYOUT])
    case.alert(case.beside[Clock.PAYOUT], at("2024-06-04 10:00:01"))
    assert next_wake(case) == (at("2024-06-04 22:00:00"), case.stage_clock)


@pytest.mark.parametrize(("gap", "late"), [(300, False), (301, True)])
def test_a_line_is_marked_late_from_the_second_after_five_minutes(gap: int, late: bool) -> None:
    case = a_case()
    happened = NOW.fromtimestamp(NOW.timestamp() - gap, NOW.tzinfo)
    case.note("Approved", "approve", Party.MERCHANT, happened, NOW)
    assert case.timeline[-1].late_report is late


def test_a_scan_is_taken_from_the_payment_to_five_seconds_from_now() -> None:
    case = a_case()

    def taken(event_id: str, occurred_at: str) -> str:
        given = {
            "event_id": event_id,
            "leg": "return",
            "tracking_no": "SF1",
            "event": "hub",
            "occurred_at": occurred_at,
        }
        take_scan(case, ParcelEvent.model_validate(given), NOW)
        return case.timeline[-1].event

    assert taken("a", "2024-01-20T09:00:00") == "ParcelScanned"
    assert taken("b", "2024-01-20T08:59:59") == "SignalRefused"
    assert taken("c", "2024-06-04T10:00:05") == "ParcelScanned"
    assert taken("d", "2024-06-04T10:00:06") == "SignalRefused"


def test_a_case_that_is_not_admitted_yet_awaits_nobody_in_no_state_of_its_own() -> None:
    case = Case(CaseKind.RETURN, CaseRequest.model_validate(request()), NOW)
    early = status(case, NOW)
    assert (early.state, early.is_final, early.next, early.deadlines) == (State.OPENING, False, NOBODY, ())
    case.open((), NOW)
    assert status(case, NOW).state is State.AWAITING_MERCHANT_REVIEW
