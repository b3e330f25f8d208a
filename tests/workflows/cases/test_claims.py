"""Guarantee claims: decided by the merchant, then the platform, by people or by the approvals service, and paid."""

from typing import Any

import pytest

from aftersale.times import SECOND
from aftersale.vocabulary import Clock, CloseReason, MessageEvent, Outcome, State
from tests.support.cases import BUYER, MERCHANT, PLATFORM, at, ended, entries, entry, refusal, seen, stamp, told, yuan
from tests.support.claims import JUNE, asked, decide, filed
from tests.support.platform_fixtures import StandIn
from trial.environment import Workplace

# Decided by people


async def test_a_claim_that_the_merchant_grants_is_paid(place: Workplace) -> None:
    live = await filed(place)
    status = await seen(live, lambda status: bool(entries(status, "ApprovalPending")))
    (deadline,) = status.deadlines
    assert (status.state, status.next.party) == (State.AWAITING_CLAIM_REVIEW, "merchant")
    assert (deadline.clock, deadline.due_at) == (Clock.CLAIM_REVIEW, at("2024-06-05 10:00:00"))
    await live.act("decide_claim", *MERCHANT, decision="approve", amount=yuan(8000))
    final = await ended(live)
    assert (final.outcome, final.refund.amount_minor) == (Outcome.COMPENSATED, 8000)


async def test_what_the_merchant_declines_the_platform_decides(place: Workplace) -> None:
    live = await filed(place)
    assert "it is for the merchant to decide" in str(
        await refusal(live.act("decide_claim", *PLATFORM, decision="decline"))
    )
    status = await live.act("decide_claim", *MERCHANT, decision="decline", occurred_at=stamp(JUNE))
    (deadline,) = status.deadlines
    assert (status.state, status.next.party, deadline.due_at) == (
        State.AWAITING_CLAIM_REVIEW,
        "platform",
        at("2024-06-06 10:00:00"),
    )
    said = str(await refusal(live.act("decide_claim", *MERCHANT, decision="approve", amount=yuan(1))))
    assert "it is for the platform to decide" in said
    await live.act("decide_claim", *PLATFORM, decision="approve", lines=[{"order_line_id": "L1", "amount_minor": 500}])
    final = await ended(live)
    assert (final.outcome, final.refund.amount_minor) == (Outcome.COMPENSATED, 500)


async def test_what_both_decline_is_closed_and_nothing_is_paid(place: Workplace, stand_in: StandIn) -> None:
    live = await filed(place)
    await live.act("decide_claim", *MERCHANT, decision="decline")
    await live.act("decide_claim", *PLATFORM, decision="decline")
    final = await ended(live)
    assert final.close_reason is CloseReason.CLAIM_DECLINED
    assert not [paid for paid in await stand_in.payments() if paid.startswith(live.handle.id)]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            {"decision": "approve"},
            "amount: must be given, from 1 to 12900 minor: the policy sets no rate for this claim",
        ),
        ({"decision": "approve", "grade": "half"}, "grade: 'half' is no grade of this claim"),
        ({"decision": "approve", "remedy": "return"}, "remedy: is not what this guarantee brings; write refund"),
        ({"decision": "approve", "amount": yuan(12901)}, "amount.amount_minor: must be from 1 to the 12900"),
        ({"decision": "decline", "amount": yuan(1)}, "says how to pay though nothing is approved"),
        ({"decision": "perhaps"}, "decision"),
    ],
)
async def test_a_decision_that_cannot_be_carried_out_is_refused(
    place: Workplace, given: dict[str, Any], said: str
) -> None:
    live = await filed(place)
    assert said in str(await refusal(live.act("decide_claim", *MERCHANT, **given)))
    assert (await live.status()).state is State.AWAITING_CLAIM_REVIEW


async def test_no_silence_grants_what_nobody_has_priced_and_the_platform_s_calls_an_officer(
    place: Workplace, stand_in: StandIn
) -> None:
    live = await filed(place)
    await live.until(at("2024-06-05 10:00:02"))
    status = await live.when_settled()
    assert entry(status, "Lapsed").at == at("2024-06-05 10:00:00") + SECOND
    assert (status.next.party, status.deadlines[0].due_at) == ("platform", at("2024-06-08 10:00:01"))
    await live.until(at("2024-06-08 10:00:03"))
    assert await told(stand_in, live, "platform", MessageEvent.ALERT)
    await live.act("decide_claim", *PLATFORM, decision="approve", amount=yuan(100))
    assert (await ended(live)).outcome is Outcome.COMPENSATED


async def test_a_claim_may_be_withdrawn(place: Workplace) -> None:
    live = await filed(place)
    await live.act("withdraw", *BUYER)
    assert (await ended(live)).close_reason is CloseReason.WITHDRAWN


# Decided by the approvals service


async def test_a_claim_that_is_approved_at_once_is_paid_without_anybody(place: Workplace, stand_in: StandIn) -> None:
    await decide(stand_in, "case/C-fresh-now/claim", "approve", amount=yuan(12900), note="photo matches")
    live = await filed(place, case_id="C-fresh-now")
    final = await ended(live)
    assert (final.outcome, final.refund.amount_minor) == (Outcome.COMPENSATED, 12900)
    assert "photo matches" in entry(final, "ApprovalAnswered").says
    assert await asked(stand_in, live) == {"merchant": 1}


async def test_each_tier_is_asked_and_the_last_decides(place: Workplace, stand_in: StandIn) -> None:
    await decide(stand_in, "case/C-fresh-no/claim", "decline")
    live = await filed(place, case_id="C-fresh-no")
    assert (await ended(live)).close_reason is CloseReason.CLAIM_DECLINED
    assert await asked(stand_in, live) == {"merchant": 1, "platform": 1}


async def test_an_answer_beyond_the_ceiling_is_left_to_a_person(place: Workplace, stand_in: StandIn) -> None:
    await decide(stand_in, "case/C-too-much/claim", "approve", amount=yuan(99999))
    live = await filed(place, case_id="C-too-much")
    status = await seen(live, lambda status: bool(entries(status, "Alert")))
    assert "cannot be taken: amount.amount_minor: must be from 1 to the 12900" in entry(status, "Alert").says
    assert await told(stand_in, live, "platform", MessageEvent.ALERT)
    await live.act("decide_claim", *MERCHANT, decision="approve", amount=yuan(12900))
    assert (await ended(live)).outcome is Outcome.COMPENSATED


@pytest.mark.parametrize("fault", ["status", "reset", "lose_answer"])
async def test_a_service_that_fails_is_asked_again_under_the_same_key(
    place: Workplace, stand_in: StandIn, fault: str
) -> None:
    await decide(stand_in, f"case/C-frail-{fault}/claim", "approve", amount=yuan(100))
    await stand_in.arm(fault, path="/claims", key=f"C-frail-{fault}")
    live = await filed(place, case_id=f"C-frail-{fault}")
    assert (await ended(live)).refund.amount_minor == 100
    assert await asked(stand_in, live) == {"merchant": 2 if fault == "lose_answer" else 1}


async def test_a_person_who_decides_while_the_service_is_silent_has_decided(
    place: Workplace, stand_in: StandIn
) -> None:
    await decide(stand_in, "case/C-slow/claim", "decline")
    await stand_in.arm("hold", path="/claims", key="C-slow")
    live = await filed(place, case_id="C-slow")
    await live.act("decide_claim", *MERCHANT, decision="approve", amount=yuan(700))
    await stand_in.http.post("/faults/release")
    final = await ended(live)
    assert (final.outcome, final.refund.amount_minor) == (Outcome.COMPENSATED, 700)
    assert entries(final, "ApprovalAnswered") == []
