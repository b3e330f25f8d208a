"""A granted claim pays the rate of the policy in its bounds, or what a reviewer states."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aftersale.errors import BadInput
from aftersale.guarantees.compensation import Award, Loss, MustBeStated, bounds, compensation, losses
from aftersale.money import total
from aftersale.policy.service_terms import Compensation
from tests.support.cases import item, line, yuan
from tests.support.offers import claim

GRADES = {"light": 10, "half": 50, "total": 100}


def _terms(**given: Any) -> Compensation:
    return Compensation.model_validate({"payer": "merchant", **given})


def _loss(paid: int = 10_000, requested: int = 6_000, most: int | None = None, line_id: str = "L1") -> Loss:
    ceiling = requested if most is None else most
    return Loss(order_line_id=line_id, paid_minor=paid, requested_minor=requested, most_minor=ceiling)


def _paid(terms: Compensation, *lost: Loss, **how: Any) -> int:
    answer = compensation(terms, lost or (_loss(),), "CNY", **how)
    assert isinstance(answer, Award), answer
    return answer.amount_minor


def test_without_a_rate_a_reviewer_states_the_amount() -> None:
    answer = compensation(_terms(), [_loss()], "CNY")
    assert isinstance(answer, MustBeStated)
    assert answer.why == "the policy sets no rate for this claim; a reviewer states it"
    assert (answer.least_minor, answer.most_minor) == (0, 6_000)


@pytest.mark.parametrize(
    ("terms", "amount"),
    [
        ({"rate": 10_000}, 6_000),
        ({"rate": 5_000}, 3_000),
        ({"rate": 5_000, "base": "paid"}, 5_000),
        ({"rate": 10_000, "base": "paid"}, 6_000),
        ({"rate": 30_000}, 6_000),
        ({"rate": 1}, 0),
        ({"rate": 3_333}, 1_999),
        ({"rate": 5_000, "cap": {"CNY": 2_999}}, 2_999),
        ({"rate": 5_000, "cap": {"USD": 1}}, 3_000),
        ({"rate": 1_000, "floor": {"CNY": 601}}, 601),
        ({"rate": 1_000, "floor": {"CNY": 601}, "cap": {"CNY": 601}}, 601),
        ({"rate": 1_000, "floor": {"CNY": 7_000}}, 6_000),
    ],
)
def test_the_rate_is_of_its_base_rounded_down_in_the_bounds(terms: dict[str, Any], amount: int) -> None:
    assert _paid(_terms(**terms)) == amount


@pytest.mark.parametrize(("grade", "amount"), [("light", 600), ("half", 3_000), ("total", 6_000)])
def test_a_grade_is_a_part_of_the_rate(grade: str, amount: int) -> None:
    assert _paid(_terms(rate=10_000, grades=GRADES), grade=grade) == amount


def test_where_grades_are_given_a_reviewer_names_one_or_an_amount() -> None:
    graded = _terms(rate=10_000, grades=GRADES)
    answer = compensation(graded, [_loss()], "CNY")
    assert isinstance(answer, MustBeStated)
    assert "by the grade of the damage (light, half, total)" in answer.why
    assert _paid(graded, stated_minor=1_234) == 1_234


@pytest.mark.parametrize(
    ("terms", "remedy"),
    [
        ({"rate": 10_000, "grades": GRADES}, "name one of light, half, total"),
        ({"rate": 10_000}, "leave it out: the policy has no grades"),
    ],
)
def test_a_grade_that_the_policy_does_not_know_is_refused(terms: dict[str, Any], remedy: str) -> None:
    with pytest.raises(BadInput, match=f"grade: 'rotten' is no grade of this claim; {remedy}"):
        compensation(_terms(**terms), [_loss()], "CNY", grade="rotten")


@pytest.mark.parametrize("stated", [500, 4_000])
def test_what_is_stated_may_touch_the_bounds(stated: int) -> None:
    assert _paid(_terms(floor={"CNY": 500}, cap={"CNY": 4_000}), stated_minor=stated) == stated


@pytest.mark.parametrize("stated", [-1, 499, 4_001])
def test_what_is_stated_out_of_bounds_is_refused_and_not_changed(stated: int) -> None:
    with pytest.raises(BadInput, match=f"amount: {stated} is out of bounds; state from 500 to 4000 in minor units"):
        compensation(_terms(floor={"CNY": 500}, cap={"CNY": 4_000}), [_loss()], "CNY", stated_minor=stated)


def test_where_the_ceiling_lies_below_the_floor_it_wins() -> None:
    answer = compensation(_terms(floor={"CNY": 7_000}), [_loss()], "CNY")
    assert isinstance(answer, MustBeStated)
    assert (answer.least_minor, answer.most_minor) == (6_000, 6_000)
    assert _paid(_terms(floor={"CNY": 7_000}), stated_minor=6_000) == 6_000


def test_the_payer_stands_on_the_award() -> None:
    answer = compensation(_terms(payer="insurer", rate=10_000), [_loss()], "CNY")
    assert isinstance(answer, Award)
    assert answer.payer == "insurer"


def test_a_claim_for_some_of_the_pieces_rests_on_what_was_paid_for_those() -> None:
    (loss,) = losses(claim(items=[item(quantity=1, requested=yuan(5_000))], order={"lines": [line(paid=yuan(12_901))]}))
    assert (loss.paid_minor, loss.requested_minor, loss.most_minor) == (6_450, 5_000, 5_000)


AMOUNTS = st.integers(0, 10**9)


@st.composite
def _drawn(draw: st.DrawFn) -> tuple[Compensation, list[Loss]]:
    low, high = sorted(draw(st.tuples(st.integers(1, 10**9), st.integers(1, 10**9))))
    floor, cap = {"floor": {"CNY": low}}, {"cap": {"CNY": high}}
    bound = draw(st.sampled_from([{}, floor, cap, floor | cap]))
    base = draw(st.sampled_from(["paid", "requested"]))
    terms = _terms(rate=draw(st.integers(1, 100_000)), base=base, grades=GRADES, **bound)
    count = draw(st.integers(1, 6))
    lost = [_loss(draw(AMOUNTS), draw(AMOUNTS), draw(AMOUNTS), f"L{number}") for number in range(count)]
    return terms, lost


@given(_drawn(), st.sampled_from(sorted(GRADES)))
def test_nobody_is_paid_above_cap_or_ceiling_nor_below_the_floor(
    drawn: tuple[Compensation, list[Loss]], grade: str
) -> None:
    terms, lost = drawn
    answer = compensation(terms, lost, "CNY", grade=grade)
    assert isinstance(answer, Award)
    ceiling = sum(loss.most_minor for loss in lost)
    assert answer.amount_minor <= min(ceiling, terms.cap.get("CNY", ceiling))
    assert answer.amount_minor >= min(terms.floor.get("CNY", 0), ceiling)
    assert total(answer.lines) == answer.amount_minor
    for part, loss in zip(answer.lines, lost, strict=True):
        assert (part.order_line_id, part.amount_minor <= loss.most_minor) == (loss.order_line_id, True)


@given(_drawn())
def test_a_heavier_grade_never_pays_less(drawn: tuple[Compensation, list[Loss]]) -> None:
    amounts = [_paid(drawn[0], *drawn[1], grade=grade) for grade in ("light", "half", "total")]
    assert amounts == sorted(amounts)


@given(_drawn(), st.integers(-10, 10**10))
def test_what_is_stated_is_paid_as_stated_or_refused(drawn: tuple[Compensation, list[Loss]], stated: int) -> None:
    terms, lost = drawn
    least, most = bounds(terms, lost, "CNY")
    if least <= stated <= most:
        assert _paid(terms, *lost, stated_minor=stated) == stated
    else:
        with pytest.raises(BadInput):
            compensation(terms, lost, "CNY", stated_minor=stated)
