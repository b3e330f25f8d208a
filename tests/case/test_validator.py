"""Judging a command: by when it happened, against the stage it belongs to."""

from datetime import timedelta
from typing import Any

import pytest

from aftersale.case.case import Case, LapsedStage
from aftersale.case.validator import Handling, instant_of, validate
from aftersale.contract.commands import Act, parse
from aftersale.errors import CommandRefused
from aftersale.times import SECOND
from aftersale.vocabulary import Command, State
from tests.support.cases import BUYER, MERCHANT, PLATFORM, at
from tests.support.files import a_case

NOW = at("2024-06-04 10:00:00")
DUE = at("2024-06-05 10:00:00")


def act(command: str, who: tuple[str, str], **given: Any) -> tuple[Command, Act]:
    party, reference = who
    named = Command[command.upper()]
    return named, parse(named, {"actor": {"party": party, "id": reference}, **given})


def handling(
    case: Case,
    command: str,
    who: tuple[str, str],
    when: Any = NOW,
    now: Any = None,
    settling: bool = False,
    **given: Any,
) -> Handling:
    return validate(case, *act(command, who, **given), when, now or max(when, NOW), settling=settling)


def refused(*args: Any, **given: Any) -> CommandRefused:
    with pytest.raises(CommandRefused) as caught:
        handling(*args, **given)
    return caught.value


def test_a_legal_command_in_time_is_taken() -> None:
    assert handling(a_case(), "approve", MERCHANT) is Handling.TAKE
    assert handling(a_case(), "approve", MERCHANT, DUE) is Handling.TAKE


def test_what_happened_after_the_deadline_waits_for_the_lapse() -> None:
    assert handling(a_case(), "approve", MERCHANT, DUE + SECOND) is Handling.WAIT


def test_what_is_legal_after_the_lapse_waits_for_it_too() -> None:
    given: dict[str, Any] = {"carrier": "sf", "tracking_no": "SF1"}
    assert handling(a_case(), "ship_back", BUYER, DUE + SECOND, **given) is Handling.WAIT
    assert refused(a_case(), "ship_back", BUYER, DUE, **given).problem.code == "illegal_move"


def test_nothing_is_judged_while_the_case_is_moving() -> None:
    assert handling(a_case(), "approve", MERCHANT, settling=True) is Handling.WAIT
    assert handling(a_case(), "confirm_receipt", MERCHANT, settling=True) is Handling.WAIT


def test_who_may_never_give_a_command_is_refused_even_while_the_case_is_moving() -> None:
    assert refused(a_case(), "approve", BUYER, settling=True).problem.field == "actor.party"
    assert refused(a_case(), "approve", ("merchant", "M-8"), settling=True).problem.field == "actor.id"


@pytest.mark.parametrize(("ahead", "taken"), [(5, True), (6, False)])
def test_a_clock_may_run_five_seconds_ahead(ahead: int, taken: bool) -> None:
    when = NOW + timedelta(seconds=ahead)
    if taken:
        assert handling(a_case(), "approve", MERCHANT, when, NOW) is Handling.TAKE
    else:
        problem = refused(a_case(), "approve", MERCHANT, when, NOW).problem
        assert (problem.code, problem.field) == ("bad_input", "occurred_at")
        assert "which is at 2024-06-04T10:00:00+08:00; send the instant of the act" in problem.message


def test_a_stage_takes_acts_from_its_first_second_on() -> None:
    case = a_case()
    assert handling(case, "approve", MERCHANT, case.since) is Handling.TAKE
    problem = refused(case, "approve", MERCHANT, case.since - SECOND).problem
    assert (problem.code, problem.field) == ("bad_input", "occurred_at")


def lapsed() -> Case:
    """A return whose review lapsed."""
    case = a_case(State.AWAITING_BUYER_RETURN, "2024-06-05 10:00:01")
    case.lapsed.append(LapsedStage(State.AWAITING_MERCHANT_REVIEW, at("2024-06-03 10:00:00"), DUE))
    return case


@pytest.mark.parametrize("when", [at("2024-06-03 10:00:00"), DUE])
def test_an_act_from_a_stage_that_lapsed_is_a_correction(when: Any) -> None:
    assert handling(lapsed(), "approve", MERCHANT, when, NOW + timedelta(days=3)) is Handling.CORRECT
    assert handling(lapsed(), "withdraw", BUYER, when, NOW + timedelta(days=3)) is Handling.CORRECT


@pytest.mark.parametrize("when", [at("2024-06-03 09:59:59"), DUE + SECOND])
def test_an_act_from_outside_the_stage_that_lapsed_is_refused(when: Any) -> None:
    problem = refused(lapsed(), "approve", MERCHANT, when, NOW + timedelta(days=3)).problem
    assert (problem.code, "legal now: ship_back, withdraw" in problem.message) == ("illegal_move", True)


def test_a_command_that_the_lapsed_stage_did_not_know_is_no_correction() -> None:
    given = {"reason_code": "empty"}
    assert refused(lapsed(), "refuse_receipt", MERCHANT, DUE, NOW + timedelta(days=3), **given).problem.code == (
        "illegal_move"
    )


def test_while_held_a_deadline_is_no_reason_to_wait() -> None:
    case = a_case()
    case.held_since = NOW
    late = DUE + timedelta(days=9)
    assert handling(case, "withdraw", BUYER, late) is Handling.TAKE
    assert handling(case, "resume", PLATFORM, late) is Handling.TAKE
    assert "on hold" in refused(case, "approve", MERCHANT, late).problem.message


def test_a_resumption_from_before_the_hold_is_refused() -> None:
    case = a_case()
    case.held_since = NOW
    assert "before this hold began" in refused(case, "resume", PLATFORM, NOW - SECOND).problem.message


def test_an_absent_instant_is_the_present_second() -> None:
    _, given = act("approve", MERCHANT)
    assert instant_of(given, NOW + timedelta(milliseconds=999)) == NOW
    _, stamped = act("approve", MERCHANT, occurred_at="2024-06-04T09:00:00.999")
    assert instant_of(stamped, NOW) == at("2024-06-04 09:00:00")
