"""Offers, amendments, and refusals that are taken to the platform: each comes to an end, and what is ruled is done."""

from typing import Any

import pytest

from aftersale.vocabulary import CaseKind, Clock, CloseReason, MessageEvent, Outcome, State
from tests.support.cases import (
    BUYER,
    MERCHANT,
    PLATFORM,
    at,
    ended,
    entries,
    entry,
    item,
    opened,
    refusal,
    rejected,
    request,
    ship_back,
    stamp,
    told,
    yuan,
)
from tests.support.platform_fixtures import StandIn
from trial.environment import Live, Workplace

JUNE = "2024-06-03 10:00:00"
ESCALATION = {"reason_code": "unfair"}


async def offered(place: Workplace, **offer: Any) -> Live:
    """A return whose merchant offers something else in the second it was opened."""
    live = await opened(place, JUNE)
    await live.act("offer", *MERCHANT, occurred_at=stamp(JUNE), **offer)
    return live


async def escalated(place: Workplace) -> Live:
    """A return that was refused, and taken to the platform, in the second it was opened."""
    live = await rejected(place, JUNE)
    await live.act("escalate", *BUYER, occurred_at=stamp(JUNE), **ESCALATION)
    return live


async def ruled(place: Workplace, outcome: str, **given: Any) -> Live:
    """A return on which an officer ruled."""
    live = await escalated(place)
    await live.act("rule", *PLATFORM, outcome=outcome, liability="merchant", **given)
    return live


# Offers


async def test_an_accepted_offer_of_less_money_without_the_goods_is_paid_at_once(place: Workplace) -> None:
    live = await offered(place, kind="refund", amount=yuan(5000))
    status = await live.status()
    assert (status.state, status.next.party) == (State.AWAITING_BUYER_CONFIRMATION, "buyer")
    assert status.next.respond_by == at("2024-06-05 10:00:00")
    await live.act("accept_offer", *BUYER)
    final = await ended(live)
    assert (final.kind, final.outcome, final.refund.amount_minor) == (CaseKind.REFUND, Outcome.REFUNDED, 5000)


async def test_an_accepted_offer_of_another_kind_goes_on_without_another_review(place: Workplace) -> None:
    live = await offered(place, kind="exchange")
    status = await live.act("accept_offer", *BUYER)
    assert (status.kind, status.state) == (CaseKind.EXCHANGE, State.AWAITING_BUYER_RETURN)
    set_ = [each.clock for each in entries(await live.status(), "DeadlineSet")]
    assert set_.count(Clock.MERCHANT_REVIEW) == 1


async def test_a_declined_offer_is_a_refusal_that_may_be_disputed(place: Workplace) -> None:
    live = await offered(place, amount=yuan(5000))
    status = await live.act("decline_offer", *BUYER)
    assert status.state is State.MERCHANT_REJECTED
    assert {"amend", "escalate", "withdraw"} <= set(status.next.commands)
    assert status.refund.amount_minor == 12900, "what was asked for stands"


async def test_an_offer_that_is_not_answered_lapses_into_a_refusal(place: Workplace) -> None:
    live = await offered(place, amount=yuan(5000))
    await live.until(at("2024-06-05 10:00:02"))
    status = await live.when_settled()
    assert (status.state, entry(status, "Lapsed").clock) == (State.MERCHANT_REJECTED, Clock.OFFER_RESPONSE)
    assert status.escalation and status.escalation.reason_code == "offer_lapsed"


@pytest.mark.parametrize(
    ("offer", "said"),
    [
        ({}, "offers nothing; give kind, or amount or lines, or both"),
        (
            {"amount": yuan(1), "lines": [{"order_line_id": "L1", "amount_minor": 1}]},
            "gives amount and lines; give one",
        ),
        ({"lines": [{"order_line_id": "L2", "amount_minor": 1}]}, "lines.0.order_line_id: must be one of L1"),
        (
            {"lines": [{"order_line_id": "L1", "amount_minor": 12901}]},
            "lines.0.amount_minor: must be from 1 to the 12900",
        ),
        ({"amount": yuan(12901)}, "amount.amount_minor: must be from 1 to the 12900 that were asked for"),
        ({"amount": yuan(0)}, "amount.amount_minor: must be from 1 to the 12900 that were asked for"),
        ({"amount": yuan(100, "USD")}, "amount.currency: must be CNY, as paid"),
        ({"kind": "claim"}, "kind: cannot become a claim"),
    ],
)
async def test_an_offer_that_cannot_be_kept_is_refused(place: Workplace, offer: dict[str, Any], said: str) -> None:
    live = await opened(place, JUNE)
    assert said in str(await refusal(live.act("offer", *MERCHANT, **offer)))


# Amendments


async def test_an_amended_request_is_reviewed_anew_and_is_one_attempt_more(place: Workplace) -> None:
    live = await rejected(place, JUNE)
    await live.until(at("2024-06-04 09:00:00"))
    status = await live.act("amend", *BUYER, kind="refund", items=[item(quantity=1, requested=yuan(6450))])
    assert (status.kind, status.state, status.attempts) == (CaseKind.REFUND, State.AWAITING_MERCHANT_REVIEW, 2)
    assert (status.deadlines[0].started_at, status.refund.amount_minor) == (at("2024-06-04 09:00:00"), 6450)
    assert status.escalation is None
    await live.act("approve", *MERCHANT)
    assert (await ended(live)).refund.amount_minor == 6450


async def test_the_request_that_opened_a_case_still_finds_it_after_an_amendment(place: Workplace) -> None:
    wanted = request()
    live = await place.open(CaseKind.RETURN, wanted, at(JUNE))
    await live.act("reject", *MERCHANT, reason_code="used")
    await live.act("amend", *BUYER, reason_code="again")
    status = await live.update("open", {"kind": "return", "request": wanted})
    assert (status.attempts, status.state) == (2, State.AWAITING_MERCHANT_REVIEW)


async def test_the_fifth_attempt_is_the_last_amendments_included(place: Workplace, stand_in: StandIn) -> None:
    live = await rejected(place, JUNE)
    for attempt in range(2, 6):
        status = await live.act("amend", *BUYER, reason_code=f"again-{attempt}")
        assert status.attempts == attempt
        await live.act("reject", *MERCHANT, reason_code="used")
    status = await live.act("amend", *BUYER, reason_code="once-more")
    assert (status.state, status.attempts) == (State.MERCHANT_REJECTED, 5)
    assert "5 is the most" in entry(status, "AmendmentRefused").says
    assert await told(stand_in, live, "buyer", MessageEvent.MOVE_AWAITED)
    await live.act("escalate", *BUYER, **ESCALATION)


async def test_an_amendment_may_not_ask_for_more_than_was_paid(place: Workplace) -> None:
    live = await rejected(place, JUNE)
    status = await live.act("amend", *BUYER, items=[item(requested=yuan(99900))])
    assert status.state is State.MERCHANT_REJECTED
    assert "is more than the 12900 that was paid" in entry(status, "AmendmentRefused").says


async def test_what_was_dispatched_meanwhile_is_a_fact_of_the_amended_request(place: Workplace) -> None:
    unsent = request(order={"dispatched_at": None, "signed_for_at": None})
    live = await place.open(CaseKind.REFUND, unsent, at("2024-02-10 09:30:00"))
    assert (await live.status()).deadlines[0].rules == ("S22", "S23")
    await live.until(at("2024-02-10 11:00:00"))
    await live.act("reject", *MERCHANT, reason_code="left_already", occurred_at="2024-02-10T10:00:00")
    status = await live.act(
        "amend", *BUYER, kind="return", dispatched_at="2024-02-10T09:45:00", occurred_at="2024-02-10T11:00:00"
    )
    assert (status.deadlines[0].rules, status.deadlines[0].due_at) == (("S22", "S24"), at("2024-02-15 11:00:00"))


# The platform


async def test_a_refusal_is_taken_to_the_platform_and_both_sides_bring_evidence(place: Workplace) -> None:
    live = await escalated(place)
    status = await live.status()
    assert (status.state, status.next.party) == (State.IN_ARBITRATION, "platform")
    assert (status.deadlines[0].clock, status.deadlines[0].due_at) == (
        Clock.ARBITRATION_EVIDENCE,
        at("2024-06-06 10:00:00"),
    )
    for party in (BUYER, MERCHANT):
        await live.act("add_evidence", *party, evidence=[{"uri": "oss://a"}])
    await live.until(at("2024-06-06 10:00:02"))
    status = await live.when_settled()
    assert (status.deadlines[0].clock, status.deadlines[0].due_at) == (
        Clock.ARBITRATION_RULING,
        at("2024-06-11 10:00:01"),
    )


async def test_no_silence_rules_the_platform_is_alerted_and_may_rule_late(place: Workplace, stand_in: StandIn) -> None:
    live = await escalated(place)
    await live.until(at("2024-06-11 10:00:03"))
    assert await told(stand_in, live, "platform", MessageEvent.ALERT)
    status = await live.status()
    assert (status.state, status.deadlines) == (State.IN_ARBITRATION, ())
    await live.act("rule", *PLATFORM, outcome="dismissal", liability="buyer")
    final = await ended(live)
    assert final.close_reason is CloseReason.DISMISSED
    assert len(entries(final, "Lapsed")) == 2


@pytest.mark.parametrize(("amount", "paid"), [(None, 12900), (yuan(3000), 3000)])
async def test_a_ruled_refund_is_paid(place: Workplace, amount: dict[str, Any] | None, paid: int) -> None:
    live = await ruled(place, "refund", **({"amount": amount} if amount else {}))
    final = await ended(live)
    assert (final.outcome, final.refund.amount_minor) == (Outcome.REFUNDED, paid)
    assert "liability merchant" in entry(final, "Ruled").says


async def test_a_ruled_return_starts_the_buyer_s_clock_and_is_refunded_in_the_end(place: Workplace) -> None:
    live = await ruled(place, "return")
    assert (await live.status()).state is State.AWAITING_BUYER_RETURN
    await ship_back(live, JUNE)
    await live.act("confirm_receipt", *MERCHANT)
    assert (await ended(live)).outcome is Outcome.REFUNDED


async def test_a_ruled_replacement_is_sent_or_breached(place: Workplace) -> None:
    live = await ruled(place, "replacement")
    status = await live.status()
    assert (status.state, status.deadlines[0].clock) == (State.AWAITING_MERCHANT_DISPATCH, Clock.RESHIP_DISPATCH)
    await live.act("dispatch", *MERCHANT, carrier="sf", tracking_no="OUT1")
    await live.act("confirm_delivery", *BUYER)
    assert (await ended(live)).outcome is Outcome.RESHIPPED


async def test_the_platform_rules_once(place: Workplace) -> None:
    live = await ruled(place, "return")
    await ship_back(live, JUNE)
    await live.act("refuse_receipt", *MERCHANT, reason_code="empty_box")
    said = str(await refusal(live.act("escalate", *BUYER, **ESCALATION)))
    assert "the platform rules once, and has ruled" in said
    assert "escalate" not in (await live.status()).next.commands


@pytest.mark.parametrize("when", ["2024-06-10 10:00:00", "2024-06-10 10:00:01"])
async def test_a_refusal_can_be_escalated_to_the_last_second_of_its_week(place: Workplace, when: str) -> None:
    live = await rejected(place, JUNE)
    await live.until(at(when))
    if when.endswith("00"):
        await live.act("escalate", *BUYER, occurred_at=stamp(when), **ESCALATION)
        assert (await live.status()).state is State.IN_ARBITRATION
    else:
        assert (await ended(live)).close_reason is CloseReason.NOT_ESCALATED
