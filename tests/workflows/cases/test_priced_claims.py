"""A claim that the policy prices is granted by silence; what it takes to file one is answered by rule."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from aftersale.policy.book import Book
from aftersale.policy.service_terms import Compensation
from aftersale.vocabulary import CaseKind, ClaimType, Clock, Outcome, State
from tests.support.books import BOOK
from tests.support.cases import BUYER, MERCHANT, at, ended, entry, refusal, refused, sign_off, working, yuan
from tests.support.claims import FRESH, RASH, filed
from trial.environment import Workplace
from trial.pricing import priced

LAST, LATE = "2024-06-03 18:00:00", "2024-06-03 18:00:01"


def rotten(**terms: Any) -> Book:
    """The book, but for what spoiled fresh goods are worth."""
    return priced(BOOK, {ClaimType.FRESH_DAMAGE: Compensation(payer="merchant_deposit", **terms)})


@pytest.fixture
async def graded(idle: Workplace) -> AsyncIterator[Workplace]:
    """A workplace whose book pays half of what was paid, by two grades, from 10 to 60 yuan."""
    grades = {"all": 100, "some": 30}
    book = rotten(base="paid", rate=5_000, grades=grades, floor={"CNY": 1_000}, cap={"CNY": 6_000})
    async with working(idle, book):
        yield idle


async def test_silence_grants_what_the_policy_prices(idle: Workplace) -> None:
    async with working(idle, rotten(rate=2_500)):
        live = await filed(idle, LAST)
        await live.until(at("2024-06-05 18:00:02"))
        final = await ended(live)
    assert (final.outcome, final.refund.amount_minor) == (Outcome.COMPENSATED, 3225)
    assert entry(final, "Lapsed").at == at("2024-06-05 18:00:01")
    assert "3225 CNY minor, borne by merchant_deposit" in entry(final, "Granted").says


@pytest.mark.parametrize(("grade", "paid"), [("all", 6_000), ("some", 1_935)])
async def test_the_grade_of_the_damage_says_how_much(graded: Workplace, grade: str, paid: int) -> None:
    live = await filed(graded, LAST)
    await live.act("decide_claim", *MERCHANT, decision="approve", grade=grade)
    assert (await ended(live)).refund.amount_minor == paid


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "amount: must be given, from 1000 to 6000 minor: the policy pays by the grade of the damage (all, some)"),
        ({"grade": "little"}, "grade: 'little' is no grade of this claim; name one of all, some"),
        ({"amount": yuan(999)}, "amount: 999 is out of bounds; state from 1000 to 6000"),
        ({"amount": yuan(6001)}, "amount: 6001 is out of bounds; state from 1000 to 6000"),
    ],
)
async def test_what_is_decided_stays_within_the_policy_s_bounds(
    graded: Workplace, given: dict[str, Any], said: str
) -> None:
    live = await filed(graded, LAST)
    assert said in str(await refusal(live.act("decide_claim", *MERCHANT, decision="approve", **given)))


async def test_a_cosmetics_claim_may_wait_for_the_goods(place: Workplace) -> None:
    live = await filed(place, "2024-06-10 10:00:00", RASH)
    status = await live.act("decide_claim", *MERCHANT, decision="approve", amount=yuan(12900), remedy="return")
    assert (status.state, status.deadlines[0].clock) == (State.AWAITING_BUYER_RETURN, Clock.BUYER_RETURN)
    await live.act("ship_back", *BUYER, carrier="sf", tracking_no="SF1")
    await sign_off(live, "2024-06-10 10:00:00")
    await live.act("confirm_receipt", *MERCHANT)
    final = await ended(live)
    assert (final.kind, final.outcome) == (CaseKind.CLAIM, Outcome.COMPENSATED)


# What it takes to file one


async def test_a_claim_on_the_last_second_of_its_window_is_opened(place: Workplace) -> None:
    assert not (await (await filed(place, LAST)).status()).is_final


@pytest.mark.parametrize(
    ("when", "changes", "code", "said"),
    [
        (LATE, {}, "too_late", "ended at 2024-06-03T18:00:00+08:00"),
        (LAST, {"evidence": []}, "evidence", "holds 0 of the 1"),
        (LAST, {"claim_type": None}, "bad_input", "is required of a claim"),
        (LAST, {"order": {**FRESH["order"], "services": []}}, "no_service", "was bought without"),
        (LAST, {"order": {**FRESH["order"], "categories": ["tea"]}}, "category", "is not of the category fresh"),
        (LAST, {"order": {**FRESH["order"], "signed_for_at": None}}, "not_signed_for", "carrier's sign-off"),
    ],
)
async def test_a_claim_that_the_guarantee_does_not_cover_is_refused_before_anybody_is_asked(
    place: Workplace, when: str, changes: dict[str, Any], code: str, said: str
) -> None:
    live = await filed(place, when, **changes)
    (problem,) = (await refused(live)).problems
    assert problem.code == code
    assert said in str(problem)
