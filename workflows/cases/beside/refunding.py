"""Money on its way: every instruction is on the timeline, goes out once, and its answer is kept.

A refund is waited for by its stage. An advance (极速退款) runs beside the stages, which go on meanwhile.
"""

import asyncio
from collections.abc import Sequence

from temporalio import workflow

from aftersale.case import instant_refund
from aftersale.errors import CommandRefused
from aftersale.money import LineAmount, PaymentAnswer, RefundInstruction, Settlement
from aftersale.vocabulary import MessageEvent, Party
from workflows import outside
from workflows.cases.desk import Desk


async def require_unfrozen(desk: Desk) -> None:
    """Refuse to try a refund again while a chargeback freezes its order: a number would be given away for nothing."""
    if desk.case.refunds.awaits_retry:
        for problem in await outside.refund_bars(desk.case.request.order_id):
            raise CommandRefused(problem)


async def pay(desk: Desk, lines: Sequence[LineAmount], tender: str | None) -> None:
    """Instruct a refund and wait for the definitive answer; clocks beside go on meanwhile."""
    instruction = desk.case.refunds.instruct(lines, tender, desk.now)
    _note(desk, "RefundInstructed", f"refund of {_sum(instruction)} instructed as {instruction.key}")
    declined = desk.case.refunds.declined_before(instruction)
    _settle(desk, await desk.meanwhile(outside.refund(instruction, declined)), "Refund")


async def take_back(desk: Desk, lines: Sequence[LineAmount], tender: str | None) -> None:
    """Instruct that an advance is taken back, and wait likewise."""
    instruction = desk.case.refunds.claw_back(lines, tender, desk.now)
    says = f"clawback of {_sum(instruction)} instructed as {instruction.key}: it was advanced, and is not owed"
    _note(desk, "ClawbackInstructed", says)
    declined = desk.case.refunds.declined_before(instruction)
    answer = await desk.meanwhile(outside.claw_back(instruction, declined))
    _settle(desk, answer, "Clawback")
    if answer.status == "succeeded" or answer.earlier:
        desk.case.messages.add(Party.BUYER, MessageEvent.CLAWED_BACK, says)


def advance_when_due(desk: Desk) -> None:
    """Have the platform pay as soon as that is due, where the order has the service, whatever the case waits for."""
    if instant_refund.is_promised(desk.case):
        desk.advancing = asyncio.create_task(_advance(desk))


async def all_answered(desk: Desk) -> None:
    """Wait until no advance is on its way any more."""
    await desk.meanwhile(workflow.wait_condition(lambda: not desk.case.refunds.on_its_way))


async def _advance(desk: Desk) -> None:
    await workflow.wait_condition(lambda: instant_refund.is_due(desk.case))
    instruction = desk.case.refunds.advance(desk.now)
    _note(desk, "AdvanceInstructed", f"instant refund of {_sum(instruction)} instructed as {instruction.key}")
    desk.wake()
    settlement = await outside.advance(instruction, desk.case.request.order.paid_at)
    _settle(desk, settlement, "Advance")
    if settlement.status == "succeeded":
        says = f"{_sum(instruction)} was paid ahead; what turns out not to be owed is taken back"
        desk.case.messages.add(Party.BUYER, MessageEvent.REFUND_ADVANCED, says)
    desk.wake()


def _settle(desk: Desk, settlement: PaymentAnswer, what: str) -> None:
    for each in settlement.earlier:
        _settle_after_all(desk, each)
    desk.case.refunds.settle(settlement)
    named = f"{what.lower()} {settlement.key}"
    if settlement.status == "succeeded":
        done = "collected" if what == "Clawback" else "paid"
        _note(desk, f"{what}Succeeded", f"{named} {done}, provider reference {settlement.provider_ref}")
    else:
        _note(desk, f"{what}Declined", f"{named} declined: {settlement.reason}")


def _settle_after_all(desk: Desk, paid: Settlement) -> None:
    """Count a key as paid that had counted as declined; loudly, since books and payment service had disagreed."""
    desk.case.refunds.settle(paid)
    says = f"{paid.key} counted as declined, and was paid all the same: provider reference {paid.provider_ref}"
    _note(desk, "FoundPaid", says)
    desk.case.messages.add(Party.PLATFORM, MessageEvent.FOUND_PAID, says)


def _note(desk: Desk, event: str, says: str) -> None:
    desk.case.note(event, says, Party.SYSTEM, desk.now, desk.now)


def _sum(instruction: RefundInstruction) -> str:
    return f"{instruction.amount_minor} {instruction.currency} minor"
