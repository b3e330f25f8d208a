"""Call a claim out to the approvals service while its reviewers have time: an answer counts as their decision."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from temporalio import workflow

from aftersale.case.case import Case
from aftersale.case.validator import Handling, validate
from aftersale.contract.commands import Actor, DecideClaim
from aftersale.errors import CommandRefused
from aftersale.guarantees.claims import Approval, ClaimReview
from aftersale.money import total
from aftersale.vocabulary import Command, MessageEvent, Party, Tier
from workflows import outside
from workflows.calls import take_failure
from workflows.cases.apply import apply_command
from workflows.cases.desk import Desk


@contextmanager
def asking_for_approval(desk: Desk, tier: Tier) -> Iterator[None]:
    """Have the service asked for as long as the block runs; whoever decides first has decided."""
    asking = asyncio.create_task(_ask(desk, tier))
    try:
        yield
    finally:
        take_failure(asking)
        asking.cancel()


async def _ask(desk: Desk, tier: Tier) -> None:
    answer = await outside.approve(_review(desk.case, tier))
    said = f"approvals service: {answer.decision}{f', {answer.note}' if answer.note else ''}"
    if answer.decision == "pending":
        desk.case.note("ApprovalPending", f"{said}; a person decides", Party.SYSTEM, desk.now, desk.now)
        desk.wake()
        return
    desk.case.note("ApprovalAnswered", said, Party.SYSTEM, desk.now, desk.now)
    desk.wake()
    await _decide(desk, _decision(desk, tier, answer))


async def _decide(desk: Desk, act: DecideClaim) -> None:
    """Take the answer as a command of the tier's, after a hold; one that the case cannot take is left to a person."""
    while True:
        await workflow.wait_condition(desk.next_settled())
        if desk.case.held_since is not None:
            continue
        stamped = act.model_copy(update={"occurred_at": desk.now})
        try:
            handling = validate(desk.case, Command.DECIDE_CLAIM, stamped, desk.now, desk.now, settling=False)
        except CommandRefused as refusal:
            says = f"the approvals service's answer cannot be taken: {refusal.problem}; a person must decide"
            desk.case.note("Alert", says, Party.SYSTEM, desk.now, desk.now)
            desk.case.messages.add(Party.PLATFORM, MessageEvent.ALERT, says)
            desk.wake()
            return
        if handling is Handling.TAKE:
            apply_command(desk, Command.DECIDE_CLAIM, stamped)
            return


def _decision(desk: Desk, tier: Tier, answer: Approval) -> DecideClaim:
    of_merchant = Actor(party=Party.MERCHANT, id=desk.case.request.merchant_id)
    return DecideClaim(
        actor=of_merchant if tier is Tier.MERCHANT else Actor(party=Party.PLATFORM, id="approvals"),
        decision="approve" if answer.decision == "approve" else "decline",
        amount=answer.amount,
        lines=answer.lines,
        grade=answer.grade,
        remedy=answer.remedy,
        note=answer.note,
    )


def _review(case: Case, tier: Tier) -> ClaimReview:
    """Return what the approvals service is asked of a claim in that tier."""
    assert case.terms is not None
    request, owed, clock = case.request, case.refunds.refundable(), case.stage_clock
    return ClaimReview(
        key=f"case/{request.case_id}/claim/{tier}",
        case_id=request.case_id,
        claim_type=request.claim_type,
        tier=tier,
        order_id=request.order_id,
        merchant_id=request.merchant_id,
        buyer_ref=request.buyer_ref,
        reason_code=request.reason_code,
        note=request.note,
        items=request.items,
        evidence=request.evidence,
        terms=case.terms,
        most_minor=total(owed),
        currency=request.items[0].requested.currency,
        respond_by=clock.respond_by if clock else None,
    )
