"""Reading a case's file out: its status, whose move it is, what others are asked about it."""

from datetime import datetime

from aftersale.case.case import Case
from aftersale.case.endings import Closed, Completed
from aftersale.case.moves import legal
from aftersale.case.validator import reason_to_refuse
from aftersale.contract.status import NOBODY, DeadlineView, Next, Status
from aftersale.guarantees.claims import ClaimReview
from aftersale.guarantees.freight_insurance import FreightClaimInput
from aftersale.guarantees.home_pickup import PickupOrder
from aftersale.money import total
from aftersale.vocabulary import Party, Service, Tier


def status(case: Case, now: datetime) -> Status:
    """The case as callers see it."""
    ending = case.ending
    versions = [entry.policy_version for entry in case.timeline if entry.policy_version]
    return Status(
        case_id=case.request.case_id,
        kind=case.kind,
        state=case.state,
        is_final=ending is not None,
        outcome=ending.outcome if isinstance(ending, Completed) else None,
        close_reason=ending.reason if isinstance(ending, Closed) else None,
        refund=case.refunds.view(),
        next=next_move(case, now),
        deadlines=tuple(DeadlineView.of(running) for running in case.running),
        escalation=case.escalation,
        attempts=case.attempts,
        held_since=case.held_since,
        timeline=tuple(case.timeline),
        policy_version=versions[-1] if versions else None,
        problems=(),
    )


def next_move(case: Case, now: datetime) -> Next:
    """Whose move it is, what they may do, until when, and what their silence will mean; nobody's before admission."""
    if not case.admitted:
        return NOBODY
    held = case.held_since is not None
    party = Party.PLATFORM if held else case.awaited
    if party is None:
        return NOBODY
    clock = None if held else case.stage_clock
    # A query knows no later instant than the case's last turn, so what becomes legal before the deadline is offered.
    at = clock.respond_by if clock and clock.respond_by else now
    offered = tuple(
        command
        for command, move in legal(case.state, case.kind, held=held).items()
        if party in move.parties and reason_to_refuse(case, command, party, at) is None
    )
    return Next(
        party=party,
        commands=offered,
        respond_by=clock.respond_by if clock else None,
        on_timeout=clock.deadline.on_timeout if clock else None,
    )


def freight_claim(case: Case) -> FreightClaimInput | None:
    """What the insurer is asked for the way back, where the order was bought with that cover."""
    request, facts = case.request, case.request.facts(case.kind, case.applied_at)
    tracking_no = case.parcels.expected.get("return")
    if tracking_no is None or Service.FREIGHT_INSURANCE not in facts.order.services:
        return None
    return FreightClaimInput(
        case_id=request.case_id,
        order_id=request.order_id,
        merchant_id=request.merchant_id,
        buyer_ref=request.buyer_ref,
        paid_at=request.order.paid_at,
        tracking_no=tracking_no,
        cost=case.parcels.freight,
    )


def pickup_order(case: Case, failed: int) -> PickupOrder | None:
    """The pickup to book after so many that failed, where the order has the service and the request says where."""
    request, facts = case.request, case.request.facts(case.kind, case.applied_at)
    wish = request.pickup
    if wish is None or Service.HOME_PICKUP not in facts.order.services:
        return None
    return PickupOrder(
        key=f"case/{request.case_id}/pickup/{failed + 1}",
        case_id=request.case_id,
        order_id=request.order_id,
        merchant_id=request.merchant_id,
        buyer_ref=request.buyer_ref,
        paid_at=request.order.paid_at,
        failed=failed,
        address_ref=wish.address_ref,
        earliest=wish.earliest,
    )


def claim_review(case: Case, tier: Tier) -> ClaimReview:
    """What the approvals service is asked of a claim in that tier."""
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
