"""Money on its way: every instruction is on the timeline, goes out once, and its answer is kept.

A refund is waited for by its stage. An advance (极速退款) runs beside the stages, which go on meanwhile.
"""

import asyncio
from collections.abc import Sequence

from temporalio import workflow

from aftersale.case import instant_refund
from aftersale.money import LineAmount, RefundInstruction, Settlement
from aftersale.vocabulary import MessageEvent, Party
from workflows import outside
from workflows.cases.desk import Desk


async def pay(desk: Desk, lines: Sequence[LineAmount], tender: str | None) -> Settlement:
    """Instruct a refund and wait for the definitive answer; clocks beside go on meanwhile."""
    instruction = desk.case.refunds.instruct(lines, tender, desk.now)
    _note(desk, "RefundInstructed", f"refund of {_sum(instruction)} instructed as {instruction.key}")
    settlement = await desk.meanwhile(outside.refund(instruction))
    _settle(desk, settlement, "Refund")
    return settlement


async def take_back(desk: Desk, lines: Sequence[LineAmount], tender: str | None) -> Settlement:
    """Instruct that an advance is taken back, and wait likewise."""
    instruction = desk.case.refunds.claw_back(lines, tender, desk.now)
    says = f"clawback of {_sum(instruction)} instructed as {instruction.key}: it was advanced, and is not owed"
    _note(desk, "ClawbackInstructed", says)
    settlement = await desk.meanwhile(outside.claw_back(instruction))
    _settle(desk, settlement, "Clawback")
    if settlement.status == "succeeded":
        desk.case.messages.add(Party.BUYER, MessageEvent.CLAWED_BACK, says)
    return settlement


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


def _settle(desk: Desk, settlement: Settlement, what: str) -> None:
    desk.case.refunds.settle(settlement)
    named = f"{what.lower()} {settlement.key}"
    if settlement.status == "succeeded":
        done = "collected" if what == "Clawback" else "paid"
        _note(desk, f"{what}Succeeded", f"{named} {done}, provider reference {settlement.provider_ref}")
    else:
        _note(desk, f"{what}Declined", f"{named} declined: {settlement.reason}")


def _note(desk: Desk, event: str, says: str) -> None:
    desk.case.note(event, says, Party.SYSTEM, desk.now, desk.now)


def _sum(instruction: RefundInstruction) -> str:
    return f"{instruction.amount_minor} {instruction.currency} minor"
