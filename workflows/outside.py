"""Every call to the outside, with its time limits and retries, on one page.

Local activities are for the house's own sub-second work; whatever leaves the house is a normal activity, so that an
operator sees it in the case's history.
"""

import asyncio
from collections.abc import Coroutine, Iterator, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, TypeVar

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import WorkflowAlreadyStartedError

from activities.approvals import Approvals
from activities.carriers import Carriers
from activities.claims import Openings
from activities.insurance import Insurance
from activities.intake import Intake
from activities.messaging.deliver import Messenger
from activities.payments import AdvanceRequest, ClawbackRequest, PaymentRequest, Payments
from activities.quotes import Quotation, Quotes
from activities.reconciliation import Reconciling
from activities.records import Recording
from activities.rollouts import RolloutActivities
from aftersale.bounds import QUESTIONS, TEXTS, TURNS_BYTES
from aftersale.case.corrections import CorrectionTaken, LateFact
from aftersale.case.intake import Application
from aftersale.case.turn import Turn, within
from aftersale.contract.request import CaseRequest
from aftersale.errors import Problem
from aftersale.guarantees.claims import Approval, ClaimReview, ClaimTerms, Filed
from aftersale.guarantees.freight_insurance import FREIGHT_CLAIM, FreightClaimInput, FreightEnd, InsurerAnswer
from aftersale.guarantees.home_pickup import Pickup, PickupOrder
from aftersale.money import PaymentAnswer, RefundInstruction
from aftersale.policy.deadline import Deadline
from aftersale.policy.facts import Question
from aftersale.policy.revisions import Revisions
from aftersale.policy.rollout import Batch, Readiness, Told
from aftersale.reconciliation.discrepancies import Reconciled, ReconciliationPart
from aftersale.watch.messages import Finding
from workflows.calls import PATIENT, UNANSWERED, at_once, call_out, in_house, take_failure, visibly

A = TypeVar("A")
R = TypeVar("R")
S = TypeVar("S", PaymentRequest, ClawbackRequest)

_WATCHFUL = RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(seconds=10))

_FOR_HALF_AN_HOUR = RetryPolicy(
    initial_interval=timedelta(seconds=1), maximum_interval=timedelta(minutes=1), maximum_attempts=35
)

_BUSY_LIFE = timedelta(seconds=15)
"""More patient: who tells cases shares a worker with those cases as they wake."""


async def quote(questions: Sequence[Question], revision: int, revisions: Revisions) -> list[Deadline] | None:
    """Ask the policy book. Where the worker at hand has no answer, ask on, visibly, until one has.

    None once the revision is withdrawn: it was announced by mistake.
    """
    deadlines: list[Deadline] = []
    for part in _parts(questions, QUESTIONS):
        try:
            deadlines += await at_once(Quotes.quote, Quotation(questions=part, revision=revision))
        except UNANSWERED:
            answer = await quote_from_newer_book(part, revision, revisions)
            if answer is None:
                return None
            deadlines += answer
    return deadlines


async def quote_from_newer_book(
    questions: Sequence[Question], revision: int, revisions: Revisions
) -> list[Deadline] | None:
    """Ask the policy book of whichever worker has reached the revision; None once that is withdrawn."""
    deadlines: list[Deadline] = []
    for part in _parts(questions, QUESTIONS):
        answer = await _from_newer_book(Quotation(questions=part, revision=revision), revisions)
        if answer is None:
            return None
        deadlines += answer
    return deadlines


async def _from_newer_book(quotation: Quotation, revisions: Revisions) -> list[Deadline] | None:
    revision = quotation.revision
    answer: Coroutine[Any, Any, list[Deadline]] = visibly(Quotes.quote, quotation, _book(revision))
    asking = asyncio.create_task(answer)
    try:
        await workflow.wait_condition(lambda: asking.done() or not revisions.still_wants(revision))
        return asking.result() if asking.done() else None
    finally:
        take_failure(asking)
        asking.cancel()


async def admit(application: Application) -> list[Problem]:
    """Ask what speaks against a request, and have its money reserved where nothing `bars` it."""
    return await visibly(Intake.admit, application, f"intake of order {application.request.order_id}")


async def terms(filed: Filed) -> ClaimTerms:
    """Ask the policy book what a claim is worth once it is granted."""
    return await in_house(Quotes.terms, filed, f"terms of a {filed.request.claim_type} claim")


async def approve(claim: ClaimReview) -> Approval:
    """Have the approvals service asked about a claim, until it answers."""
    return await call_out(Approvals.review, claim, f"{claim.key}: {claim.claim_type}")


async def release(case_id: str) -> None:
    """Have the ledger give back what the case did not spend."""
    await visibly(Intake.release, case_id, "release what was reserved")


async def refund(instruction: RefundInstruction, declined: Sequence[str]) -> PaymentAnswer:
    """Have the payment service pay what is owed, the last of a case; asked until it gives a definitive answer.

    `declined` are the case's earlier keys that count as such: they are looked up first.
    """
    summary = f"{instruction.key}: {instruction.amount_minor} {instruction.currency} minor"
    request = PaymentRequest(instruction=instruction, closes=True)
    return await call_out(Payments.refund, _looking_up(request, declined), summary)


async def advance(instruction: RefundInstruction, paid_at: datetime) -> PaymentAnswer:
    """Have the payment service pay ahead, if the bounds for an order of that day allow it (R14)."""
    return await call_out(Payments.advance, AdvanceRequest(instruction=instruction, paid_at=paid_at), instruction.key)


async def claw_back(instruction: RefundInstruction, declined: Sequence[str]) -> PaymentAnswer:
    """Have the payment service take money back likewise."""
    request = ClawbackRequest.model_validate(instruction.model_dump(exclude_unset=True))
    return await call_out(Payments.claw_back, _looking_up(request, declined), instruction.key)


async def refund_bars(order_id: str) -> list[Problem]:
    """Ask the ledger what speaks against refunding anything of an order just now."""
    return await in_house(Payments.refund_bars, order_id, f"whether order {order_id} is frozen")


async def record(turns: Sequence[Turn]) -> int:
    """Have the records hold a case's turns; the number of the last one that they hold then.

    That is an earlier one than was given where they have lost some: then give them those again; and where there are
    so many that they are written in parts: then give them the rest.
    """
    turns = list(within(turns, TURNS_BYTES))
    return await in_house(Recording.record, turns, f"turns {turns[0].seq} to {turns[-1].seq}")


async def correct(fact: LateFact) -> CorrectionTaken:
    """Have the records of a case that is over take a late fact, with a message to the platform."""
    return await visibly(Recording.correct, fact, f"late {fact.fact} of case {fact.case_id}")


async def book_pickup(order: PickupOrder) -> Pickup:
    """Have the carrier book a pickup, until it answers."""
    return await call_out(Carriers.book, order, order.key)


async def cancel_pickup(key: str) -> None:
    """Have the carrier cancel a pickup, until it answers."""
    await call_out(Carriers.cancel, key, f"cancel {key}")


async def unanswerable(question: Question) -> list[Problem]:
    """Ask the policy book whether it has an answer to a question; why not, if it has none."""
    return await in_house(Quotes.unanswerable, question, f"whether the book knows {question.clock}")


async def hubs(texts: list[str]) -> list[bool]:
    """Ask the policy book which of the carriers' words are of a hub."""
    found: list[bool] = []
    for part in _parts(texts, TEXTS):
        said: list[bool] = await in_house(Quotes.hubs, list(part), "words of carriers")
        found += said
    return found


async def price_claim(filed: Filed) -> CaseRequest | None:
    """Ask the policy book for a claim that opens by itself; None where it sets no amount for it."""
    return await in_house(Quotes.price_claim, filed, f"price of a {filed.request.claim_type} claim")


async def open_claim(request: CaseRequest) -> None:
    """Open a claim that outlives its opener; one that was opened already stays the only one."""
    _ = await visibly(Openings.open_claim, request, f"case/{request.case_id}: {request.claim_type}")


async def keep_violation(finding: Finding) -> None:
    """Have the records hold a violation as it stands now, with the messages that it owes."""
    await visibly(Recording.keep_violation, finding, f"violation {finding.violation.violation_id}")


async def claim_freight(claim: FreightClaimInput) -> None:
    """Open a freight claim that outlives its case; one that is open already stays the only one."""
    with suppress(WorkflowAlreadyStartedError):
        _ = await workflow.start_child_workflow(
            FREIGHT_CLAIM,
            claim,
            id=claim.key,
            parent_close_policy=workflow.ParentClosePolicy.ABANDON,
            static_summary=f"freight of case {claim.case_id}",
        )


async def insure(claim: FreightClaimInput) -> InsurerAnswer:
    """Have the insurer asked until it decides."""
    return await call_out(Insurance.insure, claim, claim.key)


async def note_insurance(claim: FreightClaimInput, answer: InsurerAnswer) -> None:
    """Have the record of a case show how its freight claim ended."""
    await visibly(Recording.note_insurance, FreightEnd(claim=claim, answer=answer), f"end of {claim.key}")


async def deliver() -> None:
    """Have one messenger carry messages to the parties, until its worker stops or its hour is over."""
    await workflow.execute_activity_method(
        Messenger.deliver,
        start_to_close_timeout=timedelta(hours=1),
        heartbeat_timeout=timedelta(seconds=30),
        retry_policy=PATIENT,
        summary="carries messages to the parties",
    )


async def survey_workers(revision: int, version: str | None) -> Readiness:
    """Have the server asked which workers there are, visibly, until none has an older policy book, or another one."""
    return await workflow.execute_activity_method(
        RolloutActivities.survey_workers,
        args=[revision, version],
        start_to_close_timeout=timedelta(seconds=30),
        retry_policy=_WATCHFUL,
        summary=f"every worker has {_book(revision)}",
    )


async def supersede_rollouts(revision: int) -> None:
    """Have rollouts of earlier revisions told that they are superseded."""
    await workflow.execute_activity_method(
        RolloutActivities.supersede_rollouts,
        revision,
        start_to_close_timeout=timedelta(seconds=30),
        retry_policy=PATIENT,
        summary=f"rollouts before revision {revision}",
    )


async def tell_cases(batch: Batch) -> Told:
    """Have a batch of cases told of a published book; one whose worker died is soon repeated, from its beginning."""
    return await workflow.execute_activity_method(
        RolloutActivities.tell_cases,
        batch,
        start_to_close_timeout=timedelta(hours=1),
        heartbeat_timeout=_BUSY_LIFE,
        retry_policy=PATIENT,
        summary=f"{batch.step}: up to {batch.size} cases" + (f" after {batch.after}" if batch.after else ""),
    )


async def reconcile(part: ReconciliationPart) -> Reconciled:
    """Have a part of what is known held against the others; where that gives no answer for long, it fails.

    Another run comes, and one that waited for ever would keep it away.
    """
    return await workflow.execute_activity_method(
        Reconciling.reconcile,
        part,
        start_to_close_timeout=timedelta(minutes=10),
        heartbeat_timeout=_BUSY_LIFE,
        retry_policy=_FOR_HALF_AN_HOUR,
        summary=f"reconciles {part}",
    )


def _looking_up(request: S, declined: Sequence[str]) -> S:
    """Return a request that names earlier keys; where there are none it is left as earlier releases read it."""
    return request.model_copy(update={"declined": tuple(declined)}) if declined else request


def _parts(whole: Sequence[A], size: int) -> Iterator[tuple[A, ...]]:
    """Give a sequence in parts of a size: an activity's input is a payload, and payloads have one."""
    return (tuple(whole[start : start + size]) for start in range(0, len(whole), size))


def _book(revision: int) -> str:
    return f"policy book, revision {revision} or newer"
