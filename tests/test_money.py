"""Money in integer minor units: what is owed for what came back, and the instructions that pay it."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from aftersale.case.refunds import Refunds
from aftersale.contract.commands import ReceivedItem
from aftersale.contract.request import CaseRequest
from aftersale.money import LineAmount, Money, Settlement, share
from aftersale.vocabulary import RefundState
from tests.support.cases import at, request

NOW = at("2024-06-03 10:00:00")
AMOUNTS = st.integers(0, 10**15)


@given(AMOUNTS, st.data(), st.integers(1, 10**6))
def test_a_share_is_never_more_than_its_part(amount: int, data: st.DataObject, whole: int) -> None:
    part = data.draw(st.integers(0, whole))
    assert 0 <= share(amount, part, whole) * whole <= amount * part


@given(AMOUNTS, st.integers(1, 10**6))
def test_the_whole_is_all_of_it_and_nothing_is_nothing(amount: int, whole: int) -> None:
    assert (share(amount, whole, whole), share(amount, 0, whole)) == (amount, 0)


@given(AMOUNTS, st.integers(2, 1000), st.data())
def test_shares_never_add_up_to_more_than_was_paid(amount: int, whole: int, data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, whole))
    assert share(amount, cut, whole) + share(amount, whole - cut, whole) <= amount


@pytest.mark.parametrize("wrong", [1.0, 129.5, "129", True, -1, 10**15 + 1, None])
def test_an_amount_is_a_whole_number_of_minor_units(wrong: Any) -> None:
    with pytest.raises(ValidationError):
        Money(amount_minor=wrong, currency="CNY")


@pytest.mark.parametrize("wrong", ["cny", "RMB ", "元", "", "EURO", None, 156])
def test_a_currency_is_its_three_letter_code(wrong: Any) -> None:
    with pytest.raises(ValidationError):
        Money(amount_minor=1, currency=wrong)


def payout(amount_minor: int = 1000, quantity: int = 3) -> Refunds:
    money = {"amount_minor": amount_minor, "currency": "CNY"}
    lines = [{"order_line_id": "L1", "quantity": quantity, "paid": money}]
    items = [{"order_line_id": "L1", "quantity": quantity, "requested": money}]
    return Refunds(CaseRequest.model_validate(request(case_id="C-pay", order={"lines": lines}, items=items)))


def lines(amount_minor: int) -> tuple[LineAmount, ...]:
    """That much for the one line; nothing for nothing."""
    return (LineAmount(order_line_id="L1", amount_minor=amount_minor),) if amount_minor else ()


def test_all_is_owed_where_nobody_counted() -> None:
    assert payout().refundable() == lines(1000)


@pytest.mark.parametrize(("arrived", "owed"), [(0, 0), (1, 333), (2, 666), (3, 1000), (4, 1000)])
def test_what_arrived_is_owed_and_never_more_than_was_asked(arrived: int, owed: int) -> None:
    money = payout()
    money.receive([ReceivedItem(order_line_id="L1", quantity=arrived)])
    assert money.refundable() == lines(owed)


def test_what_arrived_damaged_is_owed_and_what_is_missing_is_not() -> None:
    money = payout()
    counts = {"as_new": 1, "damaged": 1, "missing": 1}
    money.receive([ReceivedItem(order_line_id="L1", quantity=n, condition=name) for name, n in counts.items()])
    assert money.refundable() == lines(666)


def test_an_amount_that_is_ruled_after_the_receipt_is_owed_in_full() -> None:
    money = payout()
    money.receive([ReceivedItem(order_line_id="L1", quantity=1)])
    money.agree(Money(amount_minor=300, currency="CNY"), None)
    assert money.refundable() == lines(300)


def test_every_instruction_has_a_key_of_its_own() -> None:
    money = payout()
    keys = [money.instruct(lines(1000), tender, NOW).key for tender in (None, "wallet")]
    assert keys == ["case/C-pay/refund/1", "case/C-pay/refund/2"]


def test_an_instruction_says_what_the_money_is_for() -> None:
    instruction = payout().instruct(lines(333), None, NOW)
    assert (instruction.amount_minor, instruction.lines) == (333, lines(333))


def test_money_is_reserved_until_it_is_paid_or_given_back() -> None:
    money = payout()
    money.reserved = True
    assert money.view().status is RefundState.RESERVED
    money.instruct(lines(1000), None, NOW)
    money.settle(Settlement(key="case/C-pay/refund/1", status="declined"))
    assert money.reserved, "a decline gives nothing back"
    money.instruct(lines(1000), None, NOW)
    money.settle(Settlement(key="case/C-pay/refund/2", status="succeeded"))
    assert not money.reserved


def test_a_settlement_belongs_to_the_latest_instruction() -> None:
    money = payout()
    assert money.view().status is RefundState.NONE
    money.instruct(lines(1000), None, NOW)
    money.settle(Settlement(key="case/C-pay/refund/1", status="declined", reason="card closed"))
    assert money.view().status is RefundState.FAILED
    money.instruct(lines(1000), "wallet", NOW)
    assert money.view().status is RefundState.PROCESSING
    money.settle(Settlement(key="case/C-pay/refund/2", status="succeeded", provider_ref="t-1"))
    assert [(each.status, each.reason, each.provider_ref) for each in money.view().instructions] == [
        (RefundState.FAILED, "card closed", None),
        (RefundState.SUCCEEDED, None, "t-1"),
    ]
