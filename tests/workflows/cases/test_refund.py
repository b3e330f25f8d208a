"""The money goes back: once, as asked, whatever the payment service answers."""

import asyncio
from typing import Any

import pytest

from aftersale.vocabulary import Command, Outcome, Party, RefundState, State
from tests.support.cases import (
    BUYER,
    MERCHANT,
    PLATFORM,
    at,
    ended,
    entries,
    entry,
    refusal,
    seen,
    sent_back,
    told,
)
from tests.support.platform_fixtures import StandIn
from trial.environment import Live, Workplace

JUNE = "2024-06-03 10:00:00"


async def declined(place: Workplace, stand_in: StandIn) -> Live:
    """A return whose refund the payment service declined."""
    live = await sent_back(place, JUNE)
    await stand_in.arm("decline", key=live.handle.id, reason="card closed")
    await live.act("confirm_receipt", *MERCHANT, occurred_at="2024-06-03T10:00:00")
    await seen(live, lambda status: status.state is State.REFUND_FAILED)
    return live


async def test_a_declined_refund_waits_for_an_operator(place: Workplace, stand_in: StandIn) -> None:
    live = await declined(place, stand_in)
    status = await live.status()
    assert (status.next.party, status.next.commands) == (
        Party.PLATFORM,
        (Command.RETRY_REFUND, Command.ADD_EVIDENCE),
    )
    assert (status.refund.status, status.refund.instructions[0].reason) == (RefundState.FAILED, "card closed")
    assert entry(status, "RefundDeclined").says == f"refund {live.handle.id}/refund/1 declined: card closed"
    assert "retry_refund" in (await told(stand_in, live, "platform", "move_awaited"))["commands"]


async def test_a_retry_pays_to_another_tender_under_a_new_key(place: Workplace, stand_in: StandIn) -> None:
    live = await declined(place, stand_in)
    await live.act("retry_refund", *PLATFORM, tender="wallet")
    status = await ended(live)
    assert status.outcome is Outcome.REFUNDED
    first, second = status.refund.instructions
    assert (first.key, first.status, first.tender) == (f"{live.handle.id}/refund/1", RefundState.FAILED, None)
    assert (second.key, second.status, second.tender) == (
        f"{live.handle.id}/refund/2",
        RefundState.SUCCEEDED,
        "wallet",
    )
    paid = await stand_in.payments()
    assert (paid[first.key], paid[second.key]) == (("declined", 0), ("succeeded", 1))


async def test_a_refund_may_be_declined_again_and_again(place: Workplace, stand_in: StandIn) -> None:
    live = await declined(place, stand_in)
    await stand_in.arm("decline", key=live.handle.id, reason="wallet closed")
    await live.act("retry_refund", *PLATFORM, tender="wallet")
    status = await seen(live, lambda status: len(entries(status, "RefundDeclined")) == 2)
    assert status.state is State.REFUND_FAILED
    await live.act("retry_refund", *PLATFORM)
    assert [each.status for each in (await ended(live)).refund.instructions] == ["failed", "failed", "succeeded"]


@pytest.mark.parametrize("fault", ["lose_answer", "reset"])
async def test_a_lost_answer_is_looked_up_and_paid_once(place: Workplace, stand_in: StandIn, fault: str) -> None:
    live = await sent_back(place, JUNE)
    await stand_in.arm(fault, key=live.handle.id)
    await live.act("confirm_receipt", *MERCHANT)
    status = await ended(live)
    assert len(status.refund.instructions) == 1
    assert (await stand_in.payments())[f"{live.handle.id}/refund/1"] == ("succeeded", 1)


async def test_evidence_may_still_be_added_while_the_refund_runs(place: Workplace, stand_in: StandIn) -> None:
    live = await sent_back(place, JUNE)
    await stand_in.arm("hold", key=live.handle.id)
    await live.act("confirm_receipt", *MERCHANT)
    status = await live.act("add_evidence", *BUYER, evidence=[{"uri": "oss://late"}])
    assert (status.state, status.refund.status) == (State.REFUNDING, RefundState.PROCESSING)
    await stand_in.http.post("/faults/release")
    assert len(entries(await ended(live), "EvidenceAdded")) == 1


async def test_a_refund_unpaid_after_a_day_is_the_platform_s_to_look_at(place: Workplace, stand_in: StandIn) -> None:
    live = await declined(place, stand_in)
    status = await live.status()
    assert [(view.clock, view.due_at) for view in status.deadlines] == [("payout", at("2024-06-04 10:00:00"))]
    await live.until(at("2024-06-04 10:00:02"))
    status = await live.when_settled()
    alert = entry(status, "Alert")
    assert (alert.at, alert.clock, alert.due_at) == (at("2024-06-04 10:00:01"), "payout", at("2024-06-04 10:00:00"))
    assert (status.state, status.deadlines) == (State.REFUND_FAILED, ()), "an alert ends nothing"
    assert "payout" in (await told(stand_in, live, "platform", "alert"))["message"]
    await live.act("retry_refund", *PLATFORM)
    assert (await ended(live)).outcome is Outcome.REFUNDED


async def test_the_refund_cannot_be_retried_before_it_failed(place: Workplace) -> None:
    live = await sent_back(place, JUNE)
    refused = await refusal(live.act("retry_refund", *PLATFORM))
    assert refused.code == "illegal_move"
    assert "legal now: confirm_receipt, refuse_receipt, withdraw" in str(refused), (
        "with 7 days left nothing is extended"
    )


async def test_two_retries_at_once_pay_once(place: Workplace, stand_in: StandIn) -> None:
    live = await declined(place, stand_in)
    answers = await asyncio.gather(
        *(live.act("retry_refund", *PLATFORM, tender="wallet") for _ in range(2)), return_exceptions=True
    )
    status = await ended(live)
    assert sum(isinstance(answer, BaseException) for answer in answers) == 1
    assert len(status.refund.instructions) == 2


# Who may give which command


@pytest.mark.parametrize("command", ["hold", "resume", "retry_refund"])
@pytest.mark.parametrize("who", [BUYER, MERCHANT])
async def test_the_platform_s_commands_are_refused_to_the_parties(
    place: Workplace, command: str, who: tuple[str, str]
) -> None:
    live = await sent_back(place, JUNE)
    refused = await refusal(live.act(command, *who))
    assert refused.code == "wrong_party"
    assert f"actor.party: {command} is given by platform, not by {who[0]}" in str(refused)


@pytest.mark.parametrize(
    ("command", "who", "words"),
    [
        ("confirm_receipt", ("merchant", "M-8"), "actor.id: is not this case's merchant; send the merchant's own"),
        ("withdraw", ("buyer", "B-6"), "actor.id: is not this case's buyer; send the buyer's own reference"),
        ("confirm_receipt", BUYER, "actor.party: confirm_receipt is given by merchant, not by buyer"),
        ("withdraw", MERCHANT, "actor.party: withdraw is given by buyer, not by merchant"),
        ("withdraw", PLATFORM, "actor.party: withdraw is given by buyer, not by platform"),
        ("confirm_receipt", ("carrier", "sf"), "actor.party: confirm_receipt is given by merchant, not by carrier"),
        ("add_evidence", ("insurer", "I-1"), "add_evidence is given by buyer or merchant or platform, not by insurer"),
    ],
)
async def test_a_command_from_somebody_else_is_refused(
    place: Workplace, command: str, who: tuple[str, str], words: str
) -> None:
    live = await sent_back(place, JUNE)
    given: dict[str, Any] = {"evidence": [{"uri": "oss://a"}]} if command == "add_evidence" else {}
    refused = await refusal(live.act(command, *who, **given))
    assert refused.code == "wrong_party"
    assert words in str(refused)
    assert (await live.status()).state is State.AWAITING_MERCHANT_RECEIPT
