"""The arithmetic of a running clock, to the second."""

from datetime import timedelta

import pytest

from aftersale.policy.running import LATE
from aftersale.times import SECOND
from aftersale.vocabulary import Party
from tests.support.cases import at
from tests.support.files import answered, running

JUNE = "2024-06-03 10:00:00"


def test_the_last_instant_in_time_is_the_deadline_itself() -> None:
    clock = running("buyer_return", JUNE)
    assert clock.respond_by == at("2024-06-10 10:00:00")
    assert clock.lapses_at == at("2024-06-10 10:00:01")
    assert clock.in_time(at("2024-06-10 10:00:00"))
    assert not clock.in_time(at("2024-06-10 10:00:01"))


def test_a_right_that_ends_at_midnight_was_there_one_second_before() -> None:
    law = running("statutory_refund", "2024-02-08 15:20:00")
    assert (law.deadline.due_at, law.respond_by) == (at("2024-02-16 00:00:00"), at("2024-02-15 23:59:59"))
    assert law.lapses_at == at("2024-02-16 00:00:00")


def test_a_waived_limit_never_lapses() -> None:
    order = {"services": ["remote_area_logistics"]}
    waived = running(
        "false_tracking_hub", "2024-02-03 12:00:00", dispatch_clicked_at="2024-02-02 00:00:00", order=order
    )
    assert (waived.respond_by, waived.lapses_at) == (None, None)
    assert waived.in_time(at("2099-01-01 00:00:00"))


# Reminders


def test_a_reminder_comes_so_long_before_the_last_instant_in_time() -> None:
    assert running("merchant_review", JUNE).reminds_at == at("2024-06-04 22:00:00")


def test_a_clock_that_begins_within_its_reminder_has_none() -> None:
    late = running("merchant_review", JUNE, agreed_limits={"merchant_review": "PT12H"})
    assert late.respond_by == at("2024-06-03 22:00:00")
    assert late.reminds_at is None, "its party is told of it at this very moment"


def test_a_deadline_that_moves_is_reminded_of_anew_and_one_that_came_near_is_not() -> None:
    clock = running("merchant_review", JUNE)
    told = at("2024-06-04 22:00:00")
    longer = clock.question.model_copy(update={"agreed_limits": {"merchant_review": "P5D"}})
    assert clock.retime(longer, answered(longer), told).reminds_at == at("2024-06-07 22:00:00")
    shorter = clock.question.model_copy(update={"agreed_limits": {"merchant_review": "PT40H"}})
    assert clock.retime(shorter, answered(shorter), at("2024-06-04 15:00:00")).reminds_at is None


def test_grace_moves_the_reminder_with_the_deadline() -> None:
    graced = running("merchant_review", JUNE, learned_at="2024-06-05 08:00:00")
    assert graced.respond_by == at("2024-06-06 08:00:00")
    assert graced.reminds_at == at("2024-06-05 20:00:00")


# R13


@pytest.mark.parametrize(("gap", "graced"), [(LATE, False), (LATE + SECOND, True)])
def test_what_is_learned_more_than_five_minutes_late_leaves_a_grace(gap: timedelta, graced: bool) -> None:
    began = at(JUNE)
    question = running("merchant_inspection", JUNE).question
    clock = running("merchant_inspection", JUNE).start(question, answered(question), began + gap)
    assert (clock.grace_until is not None) is graced


def test_a_grace_shows_only_where_it_ends_later_than_the_limit() -> None:
    assert running("merchant_inspection", JUNE, "2024-06-04 09:00:00").respond_by == at("2024-06-05 10:00:00")
    assert running("merchant_inspection", JUNE, "2024-06-04 11:00:00").respond_by == at("2024-06-05 11:00:00")


def test_the_law_s_clock_has_no_grace() -> None:
    assert running("statutory_refund", JUNE, "2024-07-01 00:00:00").respond_by == at("2024-06-10 23:59:59")


# Extensions


def test_only_the_merchant_has_an_extension_and_only_of_its_receipt() -> None:
    receipt, near = running("merchant_receipt", JUNE), at("2024-06-09 10:00:00")
    assert receipt.extension_refused(Party.MERCHANT, near) is None
    assert receipt.extension_refused(Party.BUYER, near) == "the merchant_receipt clock has no extension for the buyer"
    inspection = running("merchant_inspection", JUNE)
    assert "has no extension for the merchant" in str(inspection.extension_refused(Party.MERCHANT, near))


def test_an_extension_is_to_be_had_when_two_days_or_less_remain() -> None:
    receipt = running("merchant_receipt", JUNE)
    assert "when P2D or less remain" in str(receipt.extension_refused(Party.MERCHANT, at("2024-06-08 09:59:59")))
    assert receipt.extension_refused(Party.MERCHANT, at("2024-06-08 10:00:00")) is None


def test_an_extension_adds_its_week_once() -> None:
    receipt = running("merchant_receipt", JUNE)
    question = receipt.extension_question()
    longer = receipt.retime(question, answered(question), at("2024-06-09 10:00:00"))
    assert longer.respond_by == at("2024-06-17 10:00:00")
    said = longer.extension_refused(Party.MERCHANT, at("2024-06-17 10:00:00"))
    assert said == "the merchant_receipt clock was extended 1 time(s) already, and may not be again"


# Holds (R16)


def test_a_hold_is_asked_of_the_book_as_its_length() -> None:
    question = running("buyer_return", JUNE).hold_question(at("2024-06-04 10:00:00"), at("2024-06-05 12:30:00"))
    assert question.held == "P1DT2H30M"
    assert answered(question).due_at == at("2024-06-11 12:30:00")


def test_the_length_of_a_second_hold_is_added_to_the_first() -> None:
    clock = running("buyer_return", JUNE, held="PT10H")
    assert clock.hold_question(at("2024-06-04 10:00:00"), at("2024-06-04 12:00:00")).held == "PT12H"


def test_a_clock_is_held_from_its_own_start_at_the_earliest() -> None:
    clock = running("merchant_inspection", JUNE)
    assert clock.hold_question(at("2024-06-01 10:00:00"), at("2024-06-03 11:00:00")).held == "PT1H"


def test_a_hold_that_is_over_before_the_clock_starts_adds_nothing() -> None:
    clock = running("buyer_return", JUNE)
    assert clock.hold_question(at("2024-06-03 09:59:58"), at("2024-06-03 09:59:59")).held == "PT0S"
    assert clock.hold_question(at("2024-06-03 09:59:58"), at("2024-06-03 10:00:01")).held == "PT1S"


def test_a_clock_already_past_is_not_held() -> None:
    clock = running("merchant_inspection", JUNE)
    assert clock.hold_question(at("2024-06-05 10:00:01"), at("2024-06-07 10:00:00")).held is None
    assert clock.hold_question(at("2024-06-05 10:00:00"), at("2024-06-07 10:00:00")).held == "P2D"


def test_the_law_s_clock_is_not_held() -> None:
    law = running("statutory_refund", JUNE)
    assert law.hold_question(at("2024-06-04 10:00:00"), at("2024-06-05 10:00:00")) == law.question


def test_a_hold_lengthens_a_grace_that_still_runs() -> None:
    clock = running("merchant_inspection", JUNE, "2024-06-08 10:00:00")
    assert clock.grace_until == at("2024-06-09 10:00:00")
    spared = clock.after_hold(at("2024-06-09 10:00:00"), at("2024-06-10 10:00:00"))
    assert spared.respond_by == at("2024-06-10 10:00:00")
    assert clock.after_hold(at("2024-06-09 10:00:01"), at("2024-06-10 10:00:00")) == clock


def test_a_hold_adds_nothing_to_a_grace_that_was_given_after_it_began() -> None:
    clock = running("merchant_inspection", JUNE, "2024-06-08 10:00:00")
    assert clock.after_hold(at("2024-06-07 10:00:00"), at("2024-06-08 10:00:00")) == clock
    again = clock.after_hold(at("2024-06-07 10:00:00"), at("2024-06-08 16:00:00"))
    assert again.grace_until == at("2024-06-09 16:00:00")
    assert again.after_hold(at("2024-06-08 18:00:00"), at("2024-06-08 19:00:00")).grace_until == at(
        "2024-06-09 17:00:00"
    )


# Re-timing (R9)


def test_a_deadline_moved_into_the_past_leaves_a_day() -> None:
    clock, now = running("buyer_return", JUNE), at("2024-06-08 10:00:00")
    question = clock.question.model_copy(update={"agreed_limits": {"buyer_return": "P2D"}})
    moved = clock.retime(question, answered(question), now)
    assert (moved.deadline.due_at, moved.respond_by) == (at("2024-06-05 10:00:00"), now + timedelta(days=1))


def test_a_deadline_moved_to_the_present_second_needs_no_grace() -> None:
    clock = running("buyer_return", JUNE)
    question = clock.question.model_copy(update={"agreed_limits": {"buyer_return": "P2D"}})
    moved = clock.retime(question, answered(question), at("2024-06-05 10:00:00"))
    assert moved.grace_until is None


def test_a_clock_asked_again_in_vain_keeps_its_lapse() -> None:
    clock = running("buyer_return", JUNE)
    assert clock.retime(clock.question, clock.deadline, at("2024-06-20 10:00:00")) == clock
