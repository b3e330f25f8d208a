"""Every call to the outside, with its time limits and retries, on one page.

Local activities are for the house's own sub-second work; whatever leaves the house is a normal activity, so that an
operator sees it in the case's history.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, MutableMapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError, ApplicationError, TimeoutError, WorkflowAlreadyStartedError

from activities.approvals import Approvals
from activities.carriers import Carriers
from activities.insurance import Insurance
from activities.intake import Intake
from activities.messaging.messenger import Messenger
from activities.openings import Openings
from activities.payments import Advanced, Order, Payments
from activities.quotes import Quotation, Quotes
from activities.records import Recording
from activities.rollouts import Rollouts
from aftersale.claims import Approval, ClaimReview, ClaimTerms, Filed
from aftersale.corrections import LateFact, Taken
from aftersale.errors import Problem
from aftersale.facts import Question
from aftersale.insurance import FREIGHT_CLAIM, FreightClaim, FreightEnd, InsurerAnswer
from aftersale.intake import Application
from aftersale.money import RefundInstruction, Settlement
from aftersale.pickups import Pickup, PickupOrder
from aftersale.policy.deadline import Deadline
from aftersale.request import CaseRequest
from aftersale.rollout import Batch, Readiness, Told
from aftersale.turns import Turn
from aftersale.watch.letters import Finding

A = TypeVar("A")
R = TypeVar("R")

_SOON = RetryPolicy(initial_interval=timedelta(milliseconds=50), maximum_attempts=2)
_PATIENT = RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(minutes=1))

_WATCHFUL = RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(seconds=10))

_UNANSWERED = (ActivityError, ApplicationError, TimeoutError)
"""How a local activity fails: its error arrives bare, not within an ActivityError as that of a normal one does."""

_LIFE = timedelta(seconds=5)
"""Patient with those who are asked, impatient with a dead worker: whoever waits for an answer gives signs of life."""

_IN_TURN: MutableMapping[object, asyncio.Lock] = WeakKeyDictionary()
"""The lock of each workflow before its local activities."""

_ROUNDS = 10
"""How many times conditions are looked at: more than there are steps from what arrives to the commands it leads to."""

_BUSY_LIFE = timedelta(seconds=15)
"""More patient: who tells cases shares a worker with those cases as they wake."""


async def quote(questions: Sequence[Question], revision: int, wanted: Callable[[], bool]) -> list[Deadline] | None:
    """Ask the policy book. Where the worker at hand has no answer, ask on, visibly, until one has.

    None once the answer is wanted no more: the revision was announced by mistake.
    """
    try:
        return await _at_once(Quotes.quote, Quotation(questions=tuple(questions), revision=revision))
    except _UNANSWERED:
        return await quote_from_newer_book(questions, revision, wanted)


async def quote_from_newer_book(
    questions: Sequence[Question], revision: int, wanted: Callable[[], bool]
) -> list[Deadline] | None:
    """Ask the policy book of whichever worker has reached the revision; None once the answer is wanted no more."""
    quotation = Quotation(questions=tuple(questions), revision=revision)
    answer: Coroutine[Any, Any, list[Deadline]] = _visibly(Quotes.quote, quotation, _book(revision))
    asking = asyncio.create_task(answer)
    try:
        await workflow.wait_condition(lambda: asking.done() or not wanted())
        return asking.result() if asking.done() else None
    finally:
        asking.add_done_callback(lambda asked: asked.cancelled() or asked.exception())
        asking.cancel()


async def admit(application: Application) -> list[Problem]:
    """Ask what speaks against a request, and have its money reserved where nothing `bars` it."""
    return await _visibly(Intake.admit, application, f"intake of order {application.request.order_id}")


async def terms(filed: Filed) -> ClaimTerms:
    """Ask the policy book what a claim is worth once it is granted."""
    return await _in_house(Quotes.terms, filed, f"terms of a {filed.request.claim_type} claim")


async def approve(claim: ClaimReview) -> Approval:
    """Have the approvals service asked about a claim, until it answers."""
    return await _called_out(Approvals.review, claim, f"{claim.key}: {claim.claim_type}")


async def release(case_id: str) -> None:
    """Have the ledger give back what the case did not spend."""
    await _visibly(Intake.release, case_id, "release what was reserved")


async def refund(instruction: RefundInstruction, *, closes: bool) -> Settlement:
    """Have the payment service carry out one instruction; asked until it gives a definitive answer."""
    summary = f"{instruction.key}: {instruction.amount_minor} {instruction.currency} minor"
    return await _called_out(Payments.refund, Order(instruction=instruction, closes=closes), summary)


async def advance(instruction: RefundInstruction, paid_at: datetime) -> Settlement:
    """Have the payment service pay ahead, if the bounds for an order of that day allow it (R14)."""
    return await _called_out(Payments.advance, Advanced(instruction=instruction, paid_at=paid_at), instruction.key)


async def claw_back(instruction: RefundInstruction) -> Settlement:
    """Have the payment service take money back; asked until it gives a definitive answer."""
    return await _called_out(Payments.claw_back, instruction, instruction.key)


async def record(turns: Sequence[Turn]) -> int:
    """Have the records hold a case's turns; the number of the last one that they hold then.

    That is an earlier one than was given where they have lost some: then give them those again.
    """
    return await _in_house(Recording.record, list(turns), f"turns {turns[0].seq} to {turns[-1].seq}")


async def correct(fact: LateFact) -> Taken:
    """Have the records of a case that is over take a late fact, with a message to the platform."""
    return await _visibly(Recording.correct, fact, f"late {fact.fact} of case {fact.case_id}")


async def book_pickup(order: PickupOrder) -> Pickup:
    """Have the carrier book a pickup, until it answers."""
    return await _called_out(Carriers.book, order, order.key)


async def cancel_pickup(key: str) -> None:
    """Have the carrier cancel a pickup, until it answers."""
    await _called_out(Carriers.cancel, key, f"cancel {key}")


async def unanswerable(question: Question) -> list[Problem]:
    """Ask the policy book whether it has an answer to a question; why not, if it has none."""
    return await _in_house(Quotes.unanswerable, question, f"whether the book knows {question.clock}")


async def hubs(texts: list[str]) -> list[bool]:
    """Ask the policy book which of the carriers' words are of a hub."""
    return await _in_house(Quotes.hubs, texts, "words of carriers")


async def priced(filed: Filed) -> CaseRequest | None:
    """Ask the policy book for a claim that opens by itself; None where it sets no amount for it."""
    return await _in_house(Quotes.priced, filed, f"price of a {filed.request.claim_type} claim")


async def open_claim(request: CaseRequest) -> None:
    """Open a claim that outlives its opener; one that was opened already stays the only one."""
    _ = await _visibly(Openings.open_claim, request, f"case/{request.case_id}: {request.claim_type}")


async def keep_violation(finding: Finding) -> None:
    """Have the records hold a violation as it stands now, with the messages that it owes."""
    await _visibly(Recording.violated, finding, f"violation {finding.violation.violation_id}")


async def claim_freight(claim: FreightClaim) -> None:
    """Open a freight claim that outlives its case; one that is open already stays the only one."""
    with suppress(WorkflowAlreadyStartedError):
        _ = await workflow.start_child_workflow(
            FREIGHT_CLAIM,
            claim,
            id=claim.key,
            parent_close_policy=workflow.ParentClosePolicy.ABANDON,
            static_summary=f"freight of case {claim.case_id}",
        )


async def insure(claim: FreightClaim) -> InsurerAnswer:
    """Have the insurer asked until it decides."""
    return await _called_out(Insurance.insure, claim, claim.key)


async def note_insurance(claim: FreightClaim, answer: InsurerAnswer) -> None:
    """Have the record of a case show how its freight claim ended."""
    await _visibly(Recording.insured, FreightEnd(claim=claim, answer=answer), f"end of {claim.key}")


async def deliver() -> None:
    """Have one messenger carry messages to the parties, until its worker stops or its hour is over."""
    await workflow.execute_activity_method(
        Messenger.deliver,
        start_to_close_timeout=timedelta(hours=1),
        heartbeat_timeout=timedelta(seconds=30),
        retry_policy=_PATIENT,
        summary="carries messages to the parties",
    )


async def survey_workers(revision: int) -> Readiness:
    """Have the server asked which workers there are, visibly, until none has an older policy book."""
    return await workflow.execute_activity_method(
        Rollouts.survey_workers,
        revision,
        start_to_close_timeout=timedelta(seconds=30),
        retry_policy=_WATCHFUL,
        summary=f"every worker has {_book(revision)}",
    )


async def supersede_rollouts(revision: int) -> None:
    """Have rollouts of earlier revisions told that they are superseded."""
    await workflow.execute_activity_method(
        Rollouts.supersede_rollouts,
        revision,
        start_to_close_timeout=timedelta(seconds=30),
        retry_policy=_PATIENT,
        summary=f"rollouts before revision {revision}",
    )


async def tell_cases(batch: Batch) -> Told:
    """Have a batch of cases told of a published book; one whose worker died is soon repeated, from its beginning."""
    return await workflow.execute_activity_method(
        Rollouts.tell_cases,
        batch,
        start_to_close_timeout=timedelta(hours=1),
        heartbeat_timeout=_BUSY_LIFE,
        retry_policy=_PATIENT,
        summary=f"{batch.step}: up to {batch.size} cases" + (f" after {batch.after}" if batch.after else ""),
    )


async def _called_out(ask: Callable[[Any, A], Awaitable[R]], given: A, summary: str) -> R:
    """Ask somebody outside the house until there is a definitive answer, giving signs of life meanwhile."""
    return await workflow.execute_activity_method(
        ask,
        given,
        start_to_close_timeout=timedelta(minutes=1),
        heartbeat_timeout=_LIFE,
        retry_policy=_PATIENT,
        summary=summary,
    )


async def _in_house(ask: Callable[[Any, A], Awaitable[R]] | Callable[[Any, A], R], given: A, summary: str) -> R:
    """Ask the house at once; where it has no answer, as a normal activity that operators see, until it has."""
    try:
        return await _at_once(ask, given)
    except _UNANSWERED:
        return await _visibly(ask, given, summary)


async def _at_once(ask: Callable[[Any, A], Awaitable[R]] | Callable[[Any, A], R], given: A) -> R:
    """Ask by a local activity, one at a time in each workflow; what else is to be done goes before the answer.

    A replay brings the answers of all that were asked together in one activation, whichever came first when they were
    given, and together with what came meanwhile where the workflow task was renewed (a heartbeat) before the answer.
    What follows from an answer would then come in another order than history has it.
    """
    async with _IN_TURN.setdefault(workflow.instance(), asyncio.Lock()):
        try:
            answer: R = await workflow.execute_local_activity_method(
                ask,
                given,
                start_to_close_timeout=timedelta(seconds=2),
                schedule_to_close_timeout=timedelta(seconds=3),
                retry_policy=_SOON,
            )
        except _UNANSWERED:
            await _all_else()
            raise
        await _all_else()
        return answer


async def _all_else() -> None:
    """Let everything else go first that can go on in this activation, with what follows from it."""
    for _ in range(_ROUNDS):
        await workflow.wait_condition(lambda: True)


async def _visibly(ask: Callable[[Any, A], Awaitable[R]] | Callable[[Any, A], R], given: A, summary: str) -> R:
    return await workflow.execute_activity_method(
        ask,
        given,
        start_to_close_timeout=timedelta(seconds=10),
        retry_policy=_PATIENT,
        summary=summary,
    )


def _book(revision: int) -> str:
    return f"policy book, revision {revision} or newer"
