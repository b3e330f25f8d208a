"""Agreements of the parties: it takes two, or the platform's word (R17, S15)."""

from typing import Any

import pytest

from aftersale.vocabulary import State
from tests.support.cases import (
    BUYER,
    MERCHANT,
    PLATFORM,
    TAGGED,
    approved,
    at,
    ended,
    entries,
    entry,
    opened,
    refusal,
    sent_back,
    ship_back,
    sign_off,
)
from trial.environment import Live, Workplace

JUNE = "2024-06-03 10:00:00"


async def named(live: Live, who: tuple[str, str], limit: str, clock: str = "buyer_return") -> None:
    """A party puts its name to a limit."""
    await live.act("agree_limit", *who, clock=clock, limit=limit)


@pytest.mark.parametrize("who", [BUYER, MERCHANT])
async def test_one_party_s_word_is_nothing(place: Workplace, who: tuple[str, str]) -> None:
    live = await approved(place, JUNE)
    await named(live, who, "P10D")
    await named(live, who, "P10D")
    status = await live.status()
    assert (status.next.respond_by, status.deadlines[0].rules) == (at("2024-06-10 10:00:00"), ())
    assert len(entries(status, "LimitProposed")) == 2
    assert not entries(status, "DeadlineChanged")


async def test_two_different_limits_are_nothing(place: Workplace) -> None:
    live = await approved(place, JUNE)
    await named(live, BUYER, "P10D")
    await named(live, MERCHANT, "P9D")
    assert (await live.status()).next.respond_by == at("2024-06-10 10:00:00")
    await named(live, MERCHANT, "P10D")
    assert (await live.status()).next.respond_by == at("2024-06-13 10:00:00")


async def test_the_same_limit_from_both_counts_and_says_so(place: Workplace) -> None:
    live = await approved(place, "2024-02-05 12:00:00", order={**TAGGED, "paid_at": "2024-02-01T09:00:00"})
    assert (await live.status()).deadlines[0].rules == ("S11", "S14")
    await named(live, BUYER, "P10D")
    await named(live, MERCHANT, "P10D")
    status = await live.status()
    assert (status.next.respond_by, status.deadlines[0].rules) == (at("2024-02-15 12:00:00"), ("S15",))
    changed = entry(status, "DeadlineChanged")
    assert (changed.previous_due_at, changed.due_at) == (at("2024-03-04 12:00:00"), at("2024-02-15 12:00:00"))
    assert "a limit of P10D was agreed" in changed.says
    await live.until(at("2024-02-15 12:00:02"))
    assert entry(await ended(live), "Lapsed").at == at("2024-02-15 12:00:01")


async def test_one_party_alone_does_not_overturn_what_counts(place: Workplace) -> None:
    live = await approved(place, JUNE)
    await named(live, BUYER, "P10D")
    await named(live, MERCHANT, "P10D")
    await named(live, PLATFORM, "P12D")
    await named(live, BUYER, "P10D")
    assert (await live.status()).next.respond_by == at("2024-06-15 10:00:00"), "the merchant's old word is used up"
    await named(live, MERCHANT, "P10D")
    assert (await live.status()).next.respond_by == at("2024-06-13 10:00:00")


async def test_the_platform_attests_an_agreement_alone(place: Workplace) -> None:
    live = await approved(place, JUNE)
    await named(live, PLATFORM, "P12D")
    assert (await live.status()).next.respond_by == at("2024-06-15 10:00:00")


async def test_a_second_thought_of_one_party_changes_nothing(place: Workplace) -> None:
    live = await approved(place, JUNE)
    await named(live, BUYER, "P10D")
    await named(live, MERCHANT, "P10D")
    await named(live, BUYER, "P20D")
    assert (await live.status()).next.respond_by == at("2024-06-13 10:00:00")


async def test_a_limit_may_be_agreed_for_a_clock_that_has_not_started(place: Workplace) -> None:
    live = await opened(place, JUNE)
    await named(live, BUYER, "P3D")
    await named(live, MERCHANT, "P3D")
    assert (await live.status()).next.respond_by == at("2024-06-05 10:00:00"), "the review is another clock"
    status = await live.act("approve", *MERCHANT, occurred_at="2024-06-03T10:00:00")
    assert (status.next.respond_by, status.deadlines[0].rules) == (at("2024-06-06 10:00:00"), ("S15",))


async def test_an_agreement_for_the_inspection_waits_for_the_sign_off(place: Workplace) -> None:
    live = await sent_back(place, JUNE)
    await named(live, PLATFORM, "PT6H", clock="merchant_inspection")
    status = await sign_off(live, JUNE)
    assert status.next.respond_by == at("2024-06-03 16:00:00")


async def test_an_extension_adds_on_top_of_an_agreement(place: Workplace) -> None:
    live = await sent_back(place, JUNE)
    await named(live, PLATFORM, "P1D", clock="merchant_receipt")
    status = await live.act("extend", *MERCHANT)
    assert status.next.respond_by == at("2024-06-11 10:00:00")
    await named(live, PLATFORM, "P2D", clock="merchant_receipt")
    assert (await live.status()).next.respond_by == at("2024-06-12 10:00:00")


async def test_an_agreement_into_the_past_leaves_a_day(place: Workplace) -> None:
    live = await approved(place, JUNE)
    await live.until(at("2024-06-08 10:00:00"))
    status = await live.act("agree_limit", *PLATFORM, clock="buyer_return", limit="P2D")
    agreed_at = entry(status, "LimitProposed").recorded_at
    assert status.deadlines[0].due_at == at("2024-06-05 10:00:00")
    assert status.next.respond_by is not None
    assert (status.next.respond_by - agreed_at).total_seconds() == 24 * 3600
    status = await ship_back(live, "2024-06-08 10:00:00")
    assert status.state is State.AWAITING_MERCHANT_RECEIPT


@pytest.mark.parametrize("limit", ["P1D", "P60D"])
async def test_no_agreement_moves_the_law_s_clock(place: Workplace, limit: str) -> None:
    live = await sent_back(place, "2024-02-08 15:20:00", reason_code="no_reason")
    await sign_off(live, "2024-02-08 15:20:00")
    await named(live, BUYER, limit, clock="statutory_refund")
    await named(live, MERCHANT, limit, clock="statutory_refund")
    await named(live, PLATFORM, limit, clock="statutory_refund")
    law = (await live.status()).deadlines[1]
    if limit == "P60D":
        assert (law.clock, law.due_at) == ("statutory_refund", at("2024-02-16 00:00:00"))
    else:
        assert law.due_at is not None and law.due_at <= at("2024-02-16 00:00:00"), "never lengthened"


async def test_an_agreement_after_the_clock_ran_out_does_not_revive_it(place: Workplace) -> None:
    live = await opened(place, JUNE)
    await live.until(at("2024-06-05 10:00:02"))
    await named(live, PLATFORM, "P30D", clock="merchant_review")
    status = await live.status()
    assert status.state is State.AWAITING_BUYER_RETURN
    assert status.next.respond_by == at("2024-06-12 10:00:01")


async def test_an_agreement_for_centuries_harms_nobody(place: Workplace) -> None:
    live = await opened(place, JUNE)
    await named(live, PLATFORM, "P9999W99999D")
    status = await live.act("approve", *MERCHANT, occurred_at="2024-06-03T10:00:00")
    assert status.next.respond_by is not None and status.next.respond_by.year > 2400
    status = await ship_back(live, JUNE)
    assert status.state is State.AWAITING_MERCHANT_RECEIPT


@pytest.mark.parametrize(
    ("given", "field", "remedy"),
    [
        ({"clock": "buyer_return", "limit": "PT0S"}, "limit", "must be longer than nothing; write P5D or PT48H"),
        ({"clock": "buyer_return", "limit": "P1M"}, "limit", "years, months and fractions have no fixed length"),
        ({"clock": "buyer_return", "limit": "-P1D"}, "limit", "write a duration as P5D, PT48H or P1DT12H"),
        ({"clock": "buyer_return", "limit": 10}, "limit", "write a text, in quotes; given 10"),
        ({"clock": "teatime", "limit": "P1D"}, "clock", "'merchant_review', 'offer_response', 'buyer_return'"),
        ({"limit": "P1D"}, "clock", "is required; add it"),
    ],
)
async def test_a_limit_that_cannot_be_is_refused(
    place: Workplace, given: dict[str, Any], field: str, remedy: str
) -> None:
    live = await approved(place, JUNE)
    refused = await refusal(live.act("agree_limit", *PLATFORM, **given))
    assert refused.code == "bad_input"
    assert f"{field}: " in str(refused)
    assert remedy in str(refused)
