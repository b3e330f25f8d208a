"""A guarantee claim is opened by window, category, service and evidence, each with its own answer."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from aftersale.case.intake import Application, admit
from aftersale.contract.request import CaseRequest
from aftersale.errors import PolicyGap
from aftersale.policy.book import Book
from aftersale.vocabulary import CaseKind
from tests.support.books import BOOK
from tests.support.cases import at, item, line
from tests.support.offers import PHOTO, claim, claim_problems, codes, cosmetics, service, version, with_service

JUNE = "2024-06-03 12:00:00"


@pytest.mark.parametrize(
    ("filed", "last"),
    [(claim, "2024-06-04 10:00:00"), (cosmetics, "2024-08-02 10:00:00")],
    ids=["fresh goods: 24 h from the sign-off", "allergy: 60 days of 24 h from the sign-off"],
)
def test_a_claim_is_in_time_up_to_the_last_second_and_too_late_one_second_later(
    filed: Callable[..., CaseRequest], last: str
) -> None:
    assert claim_problems(BOOK, filed(), at(last)) == []
    late = at(last.replace("10:00:00", "10:00:01"))
    (problem,) = claim_problems(BOOK, filed(), late)
    assert (problem.code, problem.field) == ("too_late", "requested_at")
    ended = f"ended at {last.replace(' ', 'T')}+08:00, counted from 2024-06-03T10:00:00+08:00"
    assert ended in problem.message and problem.message.endswith("open a case of another kind")


def test_the_fresh_claim_of_the_worked_example() -> None:
    bought = {"paid_at": "2021-08-11T09:00:00", "dispatched_at": None, "signed_for_at": "2021-08-12T18:05:30"}
    assert claim_problems(BOOK, claim(order=bought), at("2021-08-13 18:05:30")) == []
    assert codes(claim_problems(BOOK, claim(order=bought), at("2021-08-13 18:05:31"))) == ["too_late"]


def test_a_claim_says_which_it_is() -> None:
    (problem,) = claim_problems(BOOK, claim(None), at(JUNE))
    assert problem.field == "claim_type"
    assert problem.message.startswith("is required of a claim; write fresh_damage or cosmetic_allergy or")


@pytest.mark.parametrize("signed_for_at", [None, "2024-06-03T12:00:01"])
def test_a_window_that_counts_from_the_sign_off_needs_one(signed_for_at: str | None) -> None:
    (problem,) = claim_problems(BOOK, claim(order={"signed_for_at": signed_for_at}), at(JUNE))
    assert (problem.code, problem.field) == ("not_signed_for", "order.signed_for_at")
    assert "add the carrier's sign-off, or claim once the goods are there" in problem.message


def test_the_service_must_have_been_bought_with_the_order() -> None:
    (problem,) = claim_problems(BOOK, claim(order={"services": ["authenticity"]}), at(JUNE))
    assert (problem.code, problem.field) == ("no_service", "items.0.order_line_id")
    assert problem.message.startswith("was bought without fresh damage 生鲜坏单包赔; claim only for lines")


def test_the_service_may_stand_on_the_line_alone_and_then_covers_that_line_alone() -> None:
    lines = [line(category="fresh", services=["fresh_damage"]), line("L2", category="fresh")]
    bought = {"services": [], "lines": lines}
    assert claim_problems(BOOK, claim(order=bought), at(JUNE)) == []
    (problem,) = claim_problems(BOOK, claim(order=bought, items=[item(), item("L2")]), at(JUNE))
    assert (problem.code, problem.field) == ("no_service", "items.1.order_line_id")


@pytest.mark.parametrize(
    ("order", "covered"),
    [
        ({"categories": ["fresh"], "lines": [line()]}, True),
        ({"categories": ["gifts"], "lines": [line(category="fresh")]}, True),
        ({"lines": [line(category="apparel")]}, False),
        ({"lines": [line()]}, False),
    ],
)
def test_the_goods_must_be_of_the_services_category(order: dict[str, Any], covered: bool) -> None:
    problems = claim_problems(BOOK, claim(order=order), at(JUNE))
    assert codes(problems) == ([] if covered else ["category"])
    assert all("is not of the category fresh; claim only" in problem.message for problem in problems)


def test_a_claim_comes_with_what_shows_the_damage() -> None:
    (problem,) = claim_problems(BOOK, claim(evidence=[]), at(JUNE))
    assert (problem.code, problem.field) == ("evidence", "evidence")
    assert problem.message.startswith("holds 0 of the 1 that a fresh_damage claim needs at least; add")


def test_a_guarantee_that_was_not_in_force_at_the_payment_is_no_ground_for_a_claim() -> None:
    bought = {"paid_at": "2021-08-09T23:59:59", "dispatched_at": None, "signed_for_at": "2021-08-12T18:05:30"}
    (problem,) = claim_problems(BOOK, claim(order=bought), at("2021-08-13 18:05:30"))
    assert (problem.code, problem.field) == ("not_in_force", "claim_type")
    assert "was not in force at the payment, 2021-08-09T23:59:59+08:00; the book knows launch for orders" in str(
        problem
    )


def test_a_book_without_services_knows_no_claim() -> None:
    (problem,) = claim_problems(Book(BOOK.files), claim(), at(JUNE))
    assert problem.message.endswith("the book knows no version of it")


def test_a_claim_is_judged_by_the_version_of_its_purchase() -> None:
    strict = {"type": "fresh_damage", "says": "…", "evidence": 3, "compensation": {"payer": "merchant"}}
    lenient = {**strict, "evidence": 0}
    book = with_service(
        service(
            version(claim=[strict], effective_until=date(2024, 6, 1), status="repealed"),
            version(id="second", claim=[lenient], effective_from=date(2024, 6, 1)),
        )
    )
    before, since = {"paid_at": "2024-05-31T23:59:59"}, {"paid_at": "2024-06-01T00:00:00"}
    assert codes(claim_problems(book, claim(order=before, evidence=[PHOTO] * 2), at(JUNE))) == ["evidence"]
    assert claim_problems(book, claim(order=before, evidence=[PHOTO] * 3), at(JUNE)) == []
    assert claim_problems(book, claim(order=since, evidence=[]), at(JUNE)) == []


def test_a_later_version_may_count_from_the_confirmation() -> None:
    shipped = next(file for file in BOOK.services.files if file.service == "cosmetic_allergy")
    rule = next(each for each in shipped.version if each.id == "confirmation-2022")
    assert rule.status == "draft"
    published = shipped.model_copy(update={"version": (rule.model_copy(update={"status": "in_force"}),)})
    book = with_service(published)
    confirmed = cosmetics(order={"confirmed_at": "2024-06-10T15:00:00"})
    assert claim_problems(book, confirmed, at("2024-08-09 23:59:59")) == []
    assert codes(claim_problems(book, confirmed, at("2024-08-10 00:00:00"))) == ["too_late"]
    assert claim_problems(book, cosmetics(), at("2024-12-01 00:00:00")) == []


def test_an_order_is_late_one_second_after_its_latest_dispatch() -> None:
    unsent: dict[str, Any] = {"dispatched_at": None, "signed_for_at": None, "services": []}
    (problem,) = claim_problems(BOOK, claim("late_dispatch", order=unsent), at("2024-06-03 09:00:00"))
    assert (problem.code, problem.field) == ("not_late", "order.dispatched_at")
    until = "is not late: the order may be dispatched until 2024-06-03T09:00:00+08:00; claim once it is"
    assert problem.message == until
    assert claim_problems(BOOK, claim("late_dispatch", order=unsent), at("2024-06-03 09:00:01")) == []


@pytest.mark.parametrize(("second", "late"), [("00", False), ("01", True)])
def test_an_order_dispatched_late_stays_late(second: str, late: bool) -> None:
    sent = {"dispatched_at": f"2024-06-03T09:00:{second}", "signed_for_at": None}
    problems = claim_problems(BOOK, claim("late_dispatch", order=sent), at("2024-06-05 00:00:00"))
    assert codes(problems) == ([] if late else ["not_late"])


def test_dispatch_within_a_day_was_promised_where_it_was_bought() -> None:
    quick = {"dispatched_at": None, "signed_for_at": None, "services": ["dispatch_in_24h"]}
    assert claim_problems(BOOK, claim("late_dispatch", order=quick), at("2024-06-02 09:00:01")) == []


def test_a_festival_moves_the_latest_dispatch() -> None:
    festive = {"paid_at": "2024-02-02T00:00:00", "dispatched_at": None, "signed_for_at": None}
    assert codes(claim_problems(BOOK, claim("late_dispatch", order=festive), at("2024-02-22 23:59:59"))) == ["not_late"]
    assert claim_problems(BOOK, claim("late_dispatch", order=festive), at("2024-02-23 00:00:00")) == []


@pytest.mark.parametrize("claim_type", ["authenticity", "non_performance"])
def test_a_guarantee_without_a_window_has_none(claim_type: str) -> None:
    bought = {"services": ["authenticity"], "signed_for_at": None}
    assert claim_problems(BOOK, claim(claim_type, order=bought), at("2025-06-03 12:00:00")) == []


def test_everything_that_speaks_against_a_claim_is_said_at_once() -> None:
    hopeless = claim(evidence=[], order={"services": [], "lines": [line()]})
    problems = claim_problems(BOOK, hopeless, at("2024-06-05 00:00:00"))
    assert codes(problems) == ["no_service", "category", "too_late", "evidence"]


def test_where_the_book_has_no_window_it_says_so() -> None:
    rights = (file for file in BOOK.files if file.id != "rights-limits")
    with pytest.raises(PolicyGap, match="no limit for fresh_damage_window is in force"):
        claim_problems(Book(rights, BOOK.services.files), claim(), at(JUNE))


def _admitted(request: CaseRequest, applied_at: str, kind: CaseKind = CaseKind.CLAIM) -> list[str]:
    moment = at(applied_at)
    application = Application(kind=kind, request=request, applied_at=moment, now=moment, owner="C-1/run")
    return codes(admit(BOOK, application))


def test_the_intake_opens_a_claim_only_where_every_rule_lets_it() -> None:
    assert _admitted(claim(), "2024-06-04 10:00:00") == []
    assert _admitted(claim(), "2024-06-04 10:00:01") == ["too_late"]
    assert _admitted(claim(None), "2024-06-04 10:00:00") == ["bad_input"]
    assert _admitted(claim(None), "2024-06-04 10:00:00", CaseKind.RETURN) == []


def test_the_intake_refuses_a_claim_that_the_book_cannot_judge() -> None:
    same_day = {"services": ["same_day_dispatch"], "dispatched_at": None, "signed_for_at": None}
    assert _admitted(claim("late_dispatch", order=same_day), "2024-06-04 10:00:00") == ["policy_gap"]
