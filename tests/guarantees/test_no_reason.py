"""Seven days without a reason: when a return is one by right, and of which goods."""

from typing import Any

import pytest

from aftersale.contract.request import CaseRequest
from aftersale.guarantees.eligibility import NO_REASON_CODES
from aftersale.policy.book import Book
from tests.support.books import BOOK
from tests.support.cases import at, item, line, request
from tests.support.offers import codes, no_reason_problems

WAIVED = "no_reason_return_waived"


def _return(reason_code: str = "no_longer_wanted", **changes: Any) -> CaseRequest:
    order = {"paid_at": "2024-06-01T09:00:00", "dispatched_at": None, "signed_for_at": "2024-06-03T10:00:00"}
    order |= changes.pop("order", {})
    return CaseRequest.model_validate(request(reason_code=reason_code, order=order, **changes))


@pytest.mark.parametrize("reason_code", sorted(NO_REASON_CODES))
def test_the_right_ends_at_the_eighth_midnight_after_the_sign_off(reason_code: str) -> None:
    assert no_reason_problems(BOOK, _return(reason_code), at("2024-06-10 23:59:59")) == []
    (problem,) = no_reason_problems(BOOK, _return(reason_code), at("2024-06-11 00:00:00"))
    assert (problem.code, problem.field) == ("too_late", "requested_at")
    assert "七天无理由期限 ended at 2024-06-11T00:00:00+08:00" in problem.message


def test_a_sign_off_on_the_stroke_of_midnight_gains_a_day() -> None:
    for signed_for_at, ends in (("2024-06-02T23:59:59", "2024-06-10"), ("2024-06-03T00:00:00", "2024-06-11")):
        returned = _return(order={"signed_for_at": signed_for_at})
        assert codes(no_reason_problems(BOOK, returned, at(f"{ends} 00:00:00"))) == ["too_late"]
    assert no_reason_problems(BOOK, returned, at("2024-06-10 23:59:59")) == []


def test_a_return_with_a_reason_is_not_asked() -> None:
    assert no_reason_problems(BOOK, _return("quality"), at("2024-07-01 00:00:00")) == []


def test_before_the_sign_off_the_seven_days_have_not_begun() -> None:
    unsigned = _return(order={"signed_for_at": None})
    assert no_reason_problems(BOOK, unsigned, at("2024-07-01 00:00:00")) == []


def test_the_right_is_the_laws_and_needs_no_service() -> None:
    assert no_reason_problems(BOOK, _return(order={"services": []}), at("2024-06-10 23:59:59")) == []
    assert no_reason_problems(Book(BOOK.files), _return(), at("2024-06-10 23:59:59")) == []


@pytest.mark.parametrize(
    "category",
    ["fresh", "perishable", "made_to_order", "digital", "unsealed_media", "press", "unsuitable_for_return"],
)
def test_excluded_goods_are_excluded_where_the_buyer_confirmed_it_at_the_purchase(category: str) -> None:
    sold = {"lines": [line(category=category)]}
    assert no_reason_problems(BOOK, _return(order=sold), at("2024-06-04 10:00:00")) == []
    (problem,) = no_reason_problems(BOOK, _return(order={**sold, "labels": [WAIVED]}), at("2024-06-04 10:00:00"))
    assert (problem.code, problem.field) == ("excluded", "items.0.order_line_id")
    assert problem.message.startswith("cannot be sent back without a reason: ")
    assert problem.message.endswith("give the reason, if there is one")


def test_a_confirmation_excludes_only_its_line_and_only_excluded_goods() -> None:
    lines = [line(category="apparel", labels=[WAIVED]), line("L2", category="fresh", labels=[WAIVED])]
    lines.append(line("L3", category="fresh"))
    returned = _return(order={"lines": lines}, items=[item(), item("L2"), item("L3")])
    problems = no_reason_problems(BOOK, returned, at("2024-06-04 10:00:00"))
    assert [problem.field for problem in problems] == ["items.1.order_line_id"]
