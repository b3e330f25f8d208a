"""Spreading money: to the last minor unit, in proportion, and never more than there is."""

from collections import Counter
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from aftersale.contract.request import OrderLine
from aftersale.errors import problems_of
from aftersale.ledger.allocation import over_lines, over_tenders
from aftersale.money import LineAmount, RefundInstruction, allocate

WEIGHTS = st.lists(st.integers(0, 10**12), min_size=1, max_size=12)
AMOUNTS = st.integers(0, 10**13)


@st.composite
def within(draw: st.DrawFn) -> tuple[int, list[int]]:
    """Weights, and an amount that is not above their sum."""
    weights = draw(WEIGHTS)
    return draw(st.integers(0, sum(weights))), weights


@given(AMOUNTS, WEIGHTS.filter(any))
def test_parts_add_up_to_the_amount_and_are_proportions_to_within_one_unit(amount: int, weights: list[int]) -> None:
    parts, whole = allocate(amount, weights), sum(weights)
    assert sum(parts) == amount
    for part, weight in zip(parts, weights, strict=True):
        assert abs(part * whole - amount * weight) < whole


@given(within())
def test_no_part_is_above_its_weight_where_the_whole_is_not(drawn: tuple[int, list[int]]) -> None:
    amount, weights = drawn
    assert all(0 <= part <= weight for part, weight in zip(allocate(amount, weights), weights, strict=True))


@given(AMOUNTS, WEIGHTS.filter(any), st.randoms())
def test_the_order_of_the_weights_decides_among_equal_ones_only(
    amount: int, weights: list[int], chance: Random
) -> None:
    shuffled = sorted(weights, key=lambda _: chance.random())
    before, after = (Counter(zip(each, allocate(amount, each), strict=True)) for each in (weights, shuffled))
    assert before == after


def test_what_cannot_be_parted_goes_to_the_largest_remainder_then_the_larger_then_the_first() -> None:
    assert allocate(100, [1, 1, 1]) == [34, 33, 33]
    assert allocate(10, [6, 3, 2]) == [5, 3, 2]
    assert allocate(2, [1, 3]) == allocate(2, [3, 1])[::-1] == [0, 2]


@pytest.mark.parametrize(("amount", "weights"), [(1, []), (1, [0, 0]), (-1, [1]), (1, [2, -1])])
def test_what_cannot_be_spread_is_refused(amount: int, weights: list[int]) -> None:
    with pytest.raises(ValueError, match=r"give a weight that is not zero|correct the negative one"):
        allocate(amount, weights)


def test_nothing_is_spread_over_nothing() -> None:
    assert allocate(0, [0, 0]) == [0, 0] and allocate(0, []) == []


@given(st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 10**6), min_size=1), st.data())
def test_refunds_in_sequence_use_up_every_tender_exactly(left: dict[str, int], data: st.DataObject) -> None:
    while owed := sum(left.values()):
        amount = data.draw(st.integers(owed // 3 + 1, owed))
        for part in over_tenders([LineAmount(order_line_id="L1", amount_minor=amount)], {"L1": left}):
            left[part.tender] -= part.amount_minor
        assert min(left.values()) >= 0 and sum(left.values()) == owed - amount


@given(within())
def test_an_amount_over_lines_leaves_none_overdrawn(drawn: tuple[int, list[int]]) -> None:
    amount, weights = drawn
    left = {f"L{at}": weight for at, weight in enumerate(weights)}
    parts = {part.order_line_id: part.amount_minor for part in over_lines(amount, left)}
    assert sum(parts.values()) == amount and all(0 < part <= left[line] for line, part in parts.items())


# What tells how money is spread


@pytest.mark.parametrize(
    ("tenders", "said"),
    [
        ([("cash", 60), ("points", 39)], "tenders add up to 99, but 100 was paid; correct one of them, or leave out"),
        ([("cash", 50), ("cash", 50)], "tenders name cash twice; give each tender once, with all it paid"),
        ([("cash", 101)], "tenders add up to 101, but 100 was paid"),
    ],
)
def test_tenders_of_a_line_are_named_once_and_add_up(tenders: list[tuple[str, int]], said: str) -> None:
    with pytest.raises(ValidationError) as caught:
        order_line(tenders)
    [problem] = problems_of(caught.value)
    assert problem.message.startswith(said)


def test_a_line_without_tenders_was_paid_in_cash() -> None:
    assert [(share.tender, share.amount_minor) for share in order_line([]).paid_with] == [("cash", 100)]


def test_the_lines_of_an_instruction_add_up_and_are_named_once() -> None:
    for lines, said in (
        ([("L1", 99)], "lines add up to 99, not to"),
        ([("L1", 50), ("L1", 50)], "twice; put all of a"),
    ):
        with pytest.raises(ValidationError, match=said):
            RefundInstruction(
                key="case/C-1/refund/1",
                case_id="C-1",
                order_id="O-1",
                merchant_id="M-7",
                buyer_ref="B-5",
                amount_minor=100,
                currency="CNY",
                lines=tuple(LineAmount(order_line_id=line, amount_minor=amount) for line, amount in lines),
            )


def order_line(tenders: list[tuple[str, int]]) -> OrderLine:
    paid = {"amount_minor": 100, "currency": "CNY"}
    shares = [{"tender": name, "amount_minor": amount} for name, amount in tenders]
    return OrderLine.model_validate({"order_line_id": "L1", "quantity": 1, "paid": paid, "tenders": shares})
