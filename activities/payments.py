"""The payment service, called out to: an instruction goes there, a definitive settlement comes back.

The ledger knows of it before and after: what was instructed, each attempt, how it was settled. It is asked in moments
of its own, so nothing is locked while the service is called.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import TypeVar

import httpx
from temporalio import activity

from activities import present
from activities.heartbeat import send_heartbeats
from activities.signed_http import ServiceLabels, SignedService
from aftersale.ledger.reservation import Instructed
from aftersale.money import RefundInstruction, Settlement
from aftersale.policy.book import Book
from aftersale.records import Ledger, LedgerFault
from aftersale.schema import Instant, Schema
from aftersale.vocabulary import Service as GuaranteeService

_T = TypeVar("_T")

_Keep = Callable[[RefundInstruction, datetime], Instructed]
"""How the ledger takes an instruction in."""


class PaymentRequest(Schema):
    """An instruction to carry out; with `closes`, nothing else is claimed by the case once it is paid.

    It always is: kept, since histories hold it, and a worker of an earlier release requires it.
    """

    instruction: RefundInstruction
    closes: bool


class AdvanceRequest(Schema):
    """An instruction to pay ahead; `paid_at` is when the order was paid, whose day says what bounds hold (R14)."""

    instruction: RefundInstruction
    paid_at: Instant


class Payment(RefundInstruction, Settlement):
    """What the payment service holds under a key: what it was told to do, and how that was settled."""

    def settles(self, instruction: RefundInstruction) -> bool:
        """Tell whether this is about the very instruction, and not another one that bears its key."""
        held = RefundInstruction(**self.model_dump(include=set(RefundInstruction.model_fields)))
        return _unordered(held) == _unordered(instruction)

    def settlement(self) -> Settlement:
        """Return the settlement alone."""
        return Settlement(**self.model_dump(include=set(Settlement.model_fields)))


class Payments:
    """Refunds and clawbacks through a payment service that takes signed instructions and acts on each key at most once.

    What is asked of the service: `POST /refunds` with an `Idempotency-Key` answers 200 and a `Settlement`; the same key
    gets the same answer without a second payment, and 409 with another body. `GET /refunds/<key>`, signed as well,
    answers 200 and a `Payment`, or 404 when nothing is held under the key. `/clawbacks` likewise, where the money comes
    back from the buyer.
    """

    labels = ServiceLabels("payments", "payment service", "is looked up, then sent again if need be")

    def __init__(self, http: httpx.AsyncClient, base_url: str, secret: str, ledger: Ledger, book: Book) -> None:
        """Call `base_url` through `http`, signing with `secret`, and keep the ledger; advances are bounded by `book`.

        Raises BadInput as `SignedService`.
        """
        self._service = SignedService(http, self.labels, base_url, secret)
        self._ledger, self._book = ledger, book

    @activity.defn(name="refund")
    async def refund(self, order: PaymentRequest) -> Settlement:
        """Have an instruction settled once, and answer how.

        A decline is an answer, not an error, and the same one whether it was received or looked up. Everything that
        leaves the settlement unknown is raised as a retryable ApplicationError, 4xx answers included: those mean a
        wrong address or secret, which an operator puts right while the case waits, and giving up would leave a buyer
        unpaid. What the ledger knows already is looked up before anything is sent. What it refuses, because the order
        is frozen, if only since the last attempt, or the case has no such money left, or it keeps another instruction
        under the key, is a decline that never reached the service.

        A 409 is never answered by sending again, but by a look-up. If the service holds this very instruction, its
        settlement stands. If it holds another one under the key, this one has moved no money and never will, which
        is a definitive decline; its reason tells the operator to ask what the key paid before ordering a new attempt.
        """
        return await self._carry_out("refunds", order.instruction, self._ledger.instruct, closes=order.closes)

    @activity.defn(name="advance")
    async def advance(self, advanced: AdvanceRequest) -> Settlement:
        """Have an instant refund settled likewise; beyond the bounds of the order's day it is a decline (S1)."""
        edition = self._book.services.at(GuaranteeService.INSTANT_REFUND, advanced.paid_at, present.now())
        bounds = edition.settings.advance if edition else None
        keep = partial(self._ledger.advance, bounds)
        return await self._carry_out("refunds", advanced.instruction, keep, closes=False)

    @activity.defn(name="claw_back")
    async def claw_back(self, instruction: RefundInstruction) -> Settlement:
        """Have an advance taken back, settled likewise."""
        return await self._carry_out("clawbacks", instruction, self._ledger.clawback, closes=False)

    async def _carry_out(self, path: str, given: RefundInstruction, keep: _Keep, *, closes: bool) -> Settlement:
        attempt = activity.info().attempt
        async with send_heartbeats():
            instructed = await _instructed(given, keep)
            if instructed.settlement is not None:
                return instructed.settlement
            instruction = given.model_copy(update={"allocations": instructed.allocations})
            settlement = await self._look_up(path, instruction) if instructed.known or attempt > 1 else None
            if settlement is None:
                refused = await _asked(lambda: self._ledger.note_attempt(instruction.key, attempt, present.now()))
                if refused is not None:
                    return refused
                settlement = await self._send(path, instruction)
            await _asked(lambda: self._ledger.settle(settlement, attempt, closes, present.now()))
            return settlement

    async def _send(self, path: str, instruction: RefundInstruction) -> Settlement:
        key = instruction.key
        # Absent rather than null: a field added by a later release must not change the body of a key already sent.
        body = instruction.model_dump_json(exclude_defaults=True)
        answer = await self._service.post(path, key, body)
        if answer.status_code == httpx.codes.OK:
            return self._service.read(Settlement, answer, key)
        if answer.status_code == httpx.codes.CONFLICT:
            known = await self._look_up(path, instruction)
            if known is not None:
                return known
        raise self._service.refusal(answer, key)

    async def _look_up(self, path: str, instruction: RefundInstruction) -> Settlement | None:
        key = instruction.key
        answer = await self._service.get(path, key)
        if answer.status_code == httpx.codes.NOT_FOUND:
            return None
        if answer.status_code != httpx.codes.OK:
            raise self._service.refusal(answer, key)
        payment = self._service.read(Payment, answer, key)
        return payment.settlement() if payment.settles(instruction) else _taken(key)


async def _instructed(instruction: RefundInstruction, keep: _Keep) -> Instructed:
    """Give the instruction as the ledger keeps it; another one under its key is declined, and leaves that one alone."""
    try:
        return await _asked(lambda: keep(instruction, present.now()))
    except LedgerFault as fault:
        look = f"see by `aftersale ledger show {instruction.order_id}` what that one paid before retrying"
        declined = Settlement(key=instruction.key, status="declined", reason=f"{fault}; {look}")
        return Instructed(allocations=(), settlement=declined)


def _unordered(instruction: RefundInstruction) -> RefundInstruction:
    """Return an instruction whose parts stand in one order, whichever they were told in."""
    lines = sorted(instruction.lines, key=lambda part: part.order_line_id)
    spread = sorted(instruction.allocations, key=lambda part: (part.order_line_id, part.tender))
    return instruction.model_copy(update={"lines": tuple(lines), "allocations": tuple(spread)})


async def _asked(ask: Callable[[], _T]) -> _T:
    """Return the ledger's answer, given on a thread since databases block."""
    return await asyncio.to_thread(ask)


def _taken(key: str) -> Settlement:
    reason = f"another instruction holds the key {key}: ask the payment service what it paid before retrying the refund"
    return Settlement(key=key, status="declined", reason=reason)
