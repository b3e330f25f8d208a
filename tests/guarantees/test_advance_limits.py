"""Bounds of what the platform advances, what an insurer is asked for, how often a pickup is booked again."""

import pytest

from aftersale.guarantees.advance_limits import advance_refused
from aftersale.guarantees.freight_insurance import insured_amount
from aftersale.guarantees.home_pickup import may_reschedule
from aftersale.money import Money
from aftersale.policy.service_terms import Advance
from aftersale.vocabulary import Service
from tests.support.books import BOOK
from tests.support.cases import at

LIMITS = Advance(per_order={"CNY": 10_000}, per_buyer={"CNY": 15_000})


def _yuan(amount_minor: int, currency: str = "CNY") -> Money:
    return Money(amount_minor=amount_minor, currency=currency)


def test_without_a_bound_a_person_decides() -> None:
    refused = advance_refused(None, _yuan(1))
    assert refused is not None and refused.startswith("the policy sets no bound for advances, so a person must decide")


def test_the_book_says_that_the_clause_promises_without_a_bound() -> None:
    edition = BOOK.services.at(Service.INSTANT_REFUND, at("2024-06-01 09:00:00"))
    assert edition is not None
    assert edition.settings.advance is not None and edition.settings.advance.uncapped
    assert advance_refused(edition.settings.advance, _yuan(10**12)) is None


@pytest.mark.parametrize(
    ("amount", "on_order", "to_buyer", "whom"),
    [
        (10_000, 0, 0, None),
        (10_001, 0, 0, "one order"),
        (1, 9_999, 9_999, None),
        (1, 10_000, 10_000, "one order"),
        (5_000, 0, 10_000, None),
        (5_001, 0, 10_000, "one buyer"),
    ],
)
def test_an_advance_keeps_to_its_bounds_to_the_last_fen(
    amount: int, on_order: int, to_buyer: int, whom: str | None
) -> None:
    refused = advance_refused(LIMITS, _yuan(amount), on_order_minor=on_order, to_buyer_minor=to_buyer)
    assert (refused is None) == (whom is None)
    assert whom is None or (refused and f"that {whom} may be advanced; a person must decide" in refused)


def test_a_currency_without_a_bound_is_not_advanced() -> None:
    refused = advance_refused(LIMITS, _yuan(1, "USD"))
    assert refused == "advances to one order are bounded in CNY alone, not in USD; a person must decide"


@pytest.mark.parametrize(("cost", "claimed"), [(999, 999), (1_000, 1_000), (1_001, 1_000)])
def test_the_insurer_is_asked_for_the_cost_up_to_the_cover(cost: int, claimed: int) -> None:
    assert insured_amount({"CNY": 1_000}, _yuan(cost)) == _yuan(claimed)


def test_without_a_cover_the_insurer_is_asked_for_the_cost_and_none_is_made_up_for_another_currency() -> None:
    assert insured_amount({}, _yuan(5_000)) == _yuan(5_000)
    assert insured_amount({"CNY": 1_000}, _yuan(5_000, "USD")) == _yuan(0, "USD")


@pytest.mark.parametrize(("limit", "failed", "again"), [(None, 9, True), (0, 1, False), (2, 2, True), (2, 3, False)])
def test_a_pickup_is_booked_again_as_often_as_the_service_says(limit: int | None, failed: int, again: bool) -> None:
    assert may_reschedule(limit, failed) is again
