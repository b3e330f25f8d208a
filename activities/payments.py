"""The payment service, called out to: an instruction goes there, a definitive settlement comes back.

The ledger knows of it before and after: what was instructed, each attempt, how it was settled. It is asked in moments
of its own, so nothing is locked while the service is called.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import TypeVar

import httpx
from temporalio import activity

from activities import present
from activities.heartbeat import send_heartbeats
from activities.signed_http import ServiceLabels, SignedService
from aftersale.errors import Problem
from aftersale.ledger.reservation import Instructed
from aftersale.money import PaymentAnswer, Purpose, RefundInstruction, Settlement
from aftersale.policy.book import Book
from aftersale.records import Ledger, LedgerFault, WordAwaited
from aftersale.schema import Instant, Schema
from aftersale.vocabulary import Service as GuaranteeService

_T = TypeVar("_T")

_Keep = Callable[[RefundInstruction, datetime], Instructed]
"""How the ledger takes an instruction in."""

_PURPOSES: Mapping[str, Purpose] = {"refunds": "refund", "clawbacks": "clawback"}
"""What an instruction does, by where it is sent."""


class PaymentRequest(Schema):
    """An instruction to carry out; with `closes`, nothing else is claimed by the case once it is paid.

    It always is: kept, since histories hold it, and a worker of an earlier release requires it. `declined` are the
    earlier keys of the case that count as declined: each is looked up before anything is sent under this one (R31).
    """

    instruction: RefundInstruction
    closes: bool
    declined: tuple[str, ...] = ()


class AdvanceRequest(Schema):
    """An instruction to pay ahead; `paid_at` is when the order was paid, whose day says what bounds hold (R14)."""

    instruction: RefundInstruction
    paid_at: Instant


class ClawbackRequest(RefundInstruction):
    """An instruction to take an advance back, with the earlier keys that count as declined, as `PaymentRequest` has."""

    declined: tuple[str, ...] = ()


class Payment(RefundInstruction, Settlement):
    """What the payment service holds under a key: what it was told to do, and how that was settled."""

    def settles(self, instruction: RefundInstruction) -> bool:
        """Tell whether this is about the very instruction, and not another one that bears its key.

        However it was spread: one that the ledger refused has no spread, and one that it took over after a restore
        may have another.
        """
        return _compared(self.instruction()) == _compared(instruction)

    def instruction(self) -> RefundInstruction:
        """Return the instruction alone."""
        return _plain(self)

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
    async def refund(self, order: PaymentRequest) -> PaymentAnswer:
        """Have an instruction settled once, and answer how.

        A decline is an answer, not an error, and the same one whether it was received or looked up. Everything that
        leaves the settlement unknown is raised as a retryable ApplicationError, 4xx answers included: those mean a
        wrong address or secret, which an operator puts right while the case waits, and giving up would leave a buyer
        unpaid. What the ledger knows already is looked up before anything is sent, and so is every earlier key. What it
        refuses, because the order is frozen, or the case has no such money left, or it keeps another instruction under
        the key, is a decline that never reached the service. A key that may have reached it is no longer the ledger's
        to decline: on an order that was frozen meanwhile it is looked up until the service says how it ends (R31).

        A 409 is never answered by sending again, but by a look-up. If the service holds this very instruction, its
        settlement stands. If it holds another one under the key, this one has moved no money and never will, which
        is a definitive decline; its reason tells the operator to ask what the key paid before ordering a new attempt.
        """
        keep = partial(self._ledger.instruct, attempt=activity.info().attempt)
        return await self._carry_out("refunds", order.instruction, keep, closes=order.closes, declined=order.declined)

    @activity.defn(name="advance")
    async def advance(self, advanced: AdvanceRequest) -> PaymentAnswer:
        """Have an instant refund settled likewise; beyond the bounds of the order's day it is a decline (S1)."""
        edition = self._book.services.at(GuaranteeService.INSTANT_REFUND, advanced.paid_at, present.now())
        bounds = edition.settings.advance if edition else None
        keep = partial(self._ledger.advance, bounds, attempt=activity.info().attempt)
        return await self._carry_out("refunds", advanced.instruction, keep, closes=False)

    @activity.defn(name="claw_back")
    async def claw_back(self, given: ClawbackRequest) -> PaymentAnswer:
        """Have an advance taken back, settled likewise."""
        keep = self._ledger.clawback
        return await self._carry_out("clawbacks", _plain(given), keep, closes=False, declined=given.declined)

    @activity.defn(name="refund_bars")
    async def refund_bars(self, order_id: str) -> list[Problem]:
        """Say what speaks against refunding anything of an order, before a number is given to it."""
        reason = await _asked(lambda: self._ledger.bars_refunds(order_id))
        return [] if reason is None else [Problem(code="order_frozen", field="", message=reason)]

    async def _carry_out(
        self, path: str, given: RefundInstruction, keep: _Keep, *, closes: bool, declined: Sequence[str] = ()
    ) -> PaymentAnswer:
        async with send_heartbeats():
            asked = [self._paid_after_all(path, given, key, keep, closes) for key in declined]
            earlier = tuple(each for each in await asyncio.gather(*asked) if each is not None)
            barred = _instead_of(earlier)
            refuse = partial(self._ledger.refuse, _PURPOSES[path], barred) if barred else keep
            instructed = await _instructed(given, refuse)
            settlement = await self._settled(path, given, instructed, barred, closes=closes)
            # Absent rather than empty: a worker of an earlier release reads the answer as it was.
            found = {"earlier": earlier} if earlier else {}
            return PaymentAnswer.model_validate({**settlement.model_dump(exclude_unset=True), **found})

    async def _settled(
        self, path: str, given: RefundInstruction, instructed: Instructed, barred: str | None, *, closes: bool
    ) -> Settlement:
        """Return how an instruction was settled that the ledger keeps: as it has it, or as the service says."""
        attempt = activity.info().attempt
        if instructed.settlement is not None and (instructed.known or attempt == 1):
            return instructed.settlement
        instruction = given.model_copy(update={"allocations": instructed.allocations})
        settlement = await self._look_up(path, instruction) if instructed.known or attempt > 1 else None
        if settlement is None:
            refused = instructed.settlement or await self._leave_to_send(instruction.key, barred)
            if refused is not None:
                return refused
            settlement = await self._send(path, instruction)
        await _asked(lambda: self._ledger.settle(settlement, attempt, closes, present.now()))
        return settlement

    async def _leave_to_send(self, key: str, barred: str | None) -> Settlement | None:
        """Ask the ledger for leave to send; a settlement says that there is none, for good."""
        attempt = activity.info().attempt
        try:
            return await _asked(lambda: self._ledger.note_attempt(key, attempt, present.now(), barred))
        except WordAwaited as awaited:
            raise self._service.failure("awaited", str(awaited), key) from None

    async def _paid_after_all(
        self, path: str, given: RefundInstruction, key: str, keep: _Keep, closes: bool
    ) -> Settlement | None:
        """Look up an earlier key that counts as declined; return how it was paid, if it was, which the ledger then has.

        What the service holds under it and is another instruction says nothing of this case's.
        """
        recalled = await _asked(lambda: self._ledger.recall(key, given))
        if recalled is not None and recalled[1] is not None and recalled[1].status == "succeeded":
            return recalled[1]
        payment = await self._held(path, key)
        if payment is None or payment.status != "succeeded":
            return None
        if recalled is None and (payment.case_id, payment.order_id) == (given.case_id, given.order_id):
            await _instructed(payment.instruction(), keep)  # the ledger has forgotten it
        elif recalled is None or not payment.settles(recalled[0]):
            return None
        settlement, attempt = payment.settlement(), activity.info().attempt
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
        payment = await self._held(path, instruction.key)
        if payment is None:
            return None
        return payment.settlement() if payment.settles(instruction) else _taken(instruction.key)

    async def _held(self, path: str, key: str) -> Payment | None:
        """Return what the service holds under a key; None where it says that there is nothing."""
        answer = await self._service.get(path, key)
        if answer.status_code == httpx.codes.NOT_FOUND:
            return None
        if answer.status_code != httpx.codes.OK:
            raise self._service.refusal(answer, key)
        return self._service.read(Payment, answer, key)


async def _instructed(instruction: RefundInstruction, keep: _Keep) -> Instructed:
    """Give the instruction as the ledger keeps it; another one under its key is declined, and leaves that one alone."""
    try:
        return await _asked(lambda: keep(instruction, present.now()))
    except LedgerFault as fault:
        look = f"see by `aftersale ledger show {instruction.order_id}` what that one paid before retrying"
        declined = Settlement(key=instruction.key, status="declined", reason=f"{fault}; {look}")
        return Instructed(allocations=(), known=True, settlement=declined)


def _plain(given: RefundInstruction) -> RefundInstruction:
    """Return an instruction without what stands beside it."""
    return RefundInstruction(**given.model_dump(include=set(RefundInstruction.model_fields)))


def _instead_of(earlier: Sequence[Settlement]) -> str | None:
    """Say why nothing is sent where earlier keys turned out to be paid; None where none did."""
    if not earlier:
        return None
    paid = ", ".join(f"{each.key} as {each.provider_ref}" for each in earlier)
    return f"{paid}: that counted as declined and was paid all the same, so that nothing is sent in its place"


def _compared(instruction: RefundInstruction) -> RefundInstruction:
    """Return what tells an instruction from others: its lines in one order, and no spread."""
    lines = sorted(instruction.lines, key=lambda part: part.order_line_id)
    return instruction.model_copy(update={"lines": tuple(lines), "allocations": ()})


async def _asked(ask: Callable[[], _T]) -> _T:
    """Return the ledger's answer, given on a thread since databases block."""
    return await asyncio.to_thread(ask)


def _taken(key: str) -> Settlement:
    reason = f"another instruction holds the key {key}: ask the payment service what it paid before retrying the refund"
    return Settlement(key=key, status="declined", reason=reason)
