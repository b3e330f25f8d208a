"""The money of a case: what is owed for what came back, and the instructions that pay it or take it back."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime

from aftersale.contract.commands import ReceivedItem
from aftersale.contract.request import CaseRequest
from aftersale.contract.status import Instruction, RefundView
from aftersale.ledger.reservation import ADVANCED
from aftersale.money import LineAmount, Money, Purpose, RefundInstruction, Settlement, allocate, share, total
from aftersale.vocabulary import RefundState


class Refunds:
    """What one case owes, and its instructions in the order in which they were given."""

    def __init__(self, request: CaseRequest) -> None:
        self.request = request
        self.asked = {item.order_line_id: item.requested.amount_minor for item in request.items}
        self.received: dict[str, int] | None = None
        self.payer: str | None = None
        self.reserved = False
        self.instructions: list[Instruction] = []
        self._parts: dict[str, tuple[LineAmount, ...]] = {}
        self._advances: set[str] = set()

    def amend(self, request: CaseRequest) -> None:
        """Put an amended request in the place of the one before; what arrived of that counts no more."""
        self.request = request
        self.asked = {item.order_line_id: item.requested.amount_minor for item in request.items}
        self.received = None

    def agree(self, amount: Money | None, lines: Sequence[LineAmount] | None) -> None:
        """Another amount was agreed or ruled, line by line or in all: it takes the place of what was owed till then.

        An amount in all is spread over the lines in proportion to that.
        """
        if lines is not None:
            agreed = {line.order_line_id: line.amount_minor for line in lines}
        elif amount is not None:
            owed = self.refundable()
            spread = allocate(amount.amount_minor, [line.amount_minor for line in owed])
            agreed = {line.order_line_id: part for line, part in zip(owed, spread, strict=True)}
        else:
            return
        self.asked = {line: agreed.get(line, 0) for line in self.asked}
        self.received = None

    def receive(self, items: Sequence[ReceivedItem] | None) -> None:
        """Note how many pieces of each line arrived, those that are missing left out; None: all that were claimed."""
        if items is None:
            self.received = None
            return
        self.received = dict.fromkeys(self.asked, 0)
        for item in items:
            self.received[item.order_line_id] += item.arrived

    def refundable(self) -> tuple[LineAmount, ...]:
        """Return what is owed by order line, in minor units: what was asked, by the part of its pieces that arrived."""
        owed = {
            item.order_line_id: share(
                self.asked[item.order_line_id],
                item.quantity if self.received is None else min(self.received[item.order_line_id], item.quantity),
                item.quantity,
            )
            for item in self.request.items
        }
        return _lines(owed)

    def unpaid(self) -> tuple[LineAmount, ...]:
        """Return what is still to be paid by order line, in minor units: what is owed, less what the buyer has."""
        has = self._with_buyer
        rest = {line.order_line_id: line.amount_minor - has[line.order_line_id] for line in self.refundable()}
        return _lines(rest)

    def excess(self, *, owed: bool) -> tuple[LineAmount, ...]:
        """Return what the buyer has beyond what is owed, by order line; all of it where the ending owes nothing."""
        left = self._with_buyer
        if owed:
            left.subtract({line.order_line_id: line.amount_minor for line in self.refundable()})
        return _lines(left)

    @property
    def on_its_way(self) -> bool:
        """Whether it is not known yet how an instruction ends."""
        return any(each.status is RefundState.PROCESSING for each in self.instructions)

    @property
    def advanced(self) -> bool:
        """Whether the buyer got money before anybody owed it."""
        return any(each.key in self._advances and each.status is RefundState.SUCCEEDED for each in self.instructions)

    def instruct(self, lines: Sequence[LineAmount], tender: str | None, now: datetime) -> RefundInstruction:
        """Number a refund instruction (`case/<id>/refund/<n>`) and keep it; its key is its own for ever."""
        return self._number("refund", lines, tender, self.payer, now)

    def advance(self, now: datetime) -> RefundInstruction:
        """Have the platform pay what is asked, before the case is decided (S1)."""
        instruction = self._number("refund", self.refundable(), None, ADVANCED, now)
        self._advances.add(instruction.key)
        return instruction

    def claw_back(self, lines: Sequence[LineAmount], tender: str | None, now: datetime) -> RefundInstruction:
        """Number an instruction that takes an advance back (`case/<id>/clawback/<n>`) and keep it."""
        return self._number("clawback", lines, tender, ADVANCED, now)

    def declined_before(self, instruction: RefundInstruction) -> tuple[str, ...]:
        """Return the earlier keys of the same purpose that count as declined: each is looked up before a new number."""
        keys = [each.key for each in self.instructions]
        before = self.instructions[: keys.index(instruction.key)]
        purpose = self.instructions[len(before)].purpose
        return tuple(each.key for each in before if (each.purpose, each.status) == (purpose, RefundState.FAILED))

    @property
    def awaits_retry(self) -> bool:
        """Whether what failed last is a refund, which a frozen order bars from another try; a clawback it does not."""
        return bool(self.instructions) and self.instructions[-1].purpose == "refund"

    def settle(self, settlement: Settlement) -> None:
        """Keep the definitive answer to an instruction; a refund that was paid, and not ahead, is the case's last."""
        status = RefundState.SUCCEEDED if settlement.status == "succeeded" else RefundState.FAILED
        answer = {"status": status, "provider_ref": settlement.provider_ref, "reason": settlement.reason}
        self.instructions = [
            each.model_copy(update=answer) if each.key == settlement.key else each for each in self.instructions
        ]
        last = {each.key for each in self.instructions if each.purpose == "refund"} - self._advances
        if settlement.key in last and status is RefundState.SUCCEEDED:
            self.reserved = False

    def release(self) -> bool:
        """Reserve nothing any more; whether something was reserved."""
        held, self.reserved = self.reserved, False
        return held

    def view(self) -> RefundView:
        """Return the refund as callers see it, in minor units of the request's currency."""
        status, amount_minor = self._standing()
        return RefundView(
            status=status,
            amount_minor=amount_minor,
            currency=self.request.items[0].requested.currency,
            instructions=tuple(self.instructions),
        )

    def _standing(self) -> tuple[RefundState, int]:
        """Say where the money is, and how much: an advance that was declined leaves the case as it was."""
        has = self._with_buyer.total()
        refunds = [each for each in self.instructions if each.purpose == "refund" and not self._came_to_nothing(each)]
        if refunds and refunds[-1].status is not RefundState.SUCCEEDED:
            return refunds[-1].status, has + refunds[-1].amount_minor
        if refunds:
            return (RefundState.SUCCEEDED if has else RefundState.CLAWED_BACK), has
        return (RefundState.RESERVED if self.reserved else RefundState.NONE), total(self.refundable())

    def _came_to_nothing(self, instruction: Instruction) -> bool:
        """Tell whether a decline left nothing open: of an advance, or where an earlier key turned out to be paid."""
        failed = instruction.status is RefundState.FAILED
        return failed and (instruction.key in self._advances or not self.unpaid())

    @property
    def _with_buyer(self) -> Counter[str]:
        """What the buyer was paid and still has, by order line."""
        has: Counter[str] = Counter()
        for each in self.instructions:
            if each.status is RefundState.SUCCEEDED:
                moved = {line.order_line_id: line.amount_minor for line in self._parts[each.key]}
                has.update(moved) if each.purpose == "refund" else has.subtract(moved)
        return has

    def _number(
        self, purpose: Purpose, lines: Sequence[LineAmount], tender: str | None, payer: str | None, now: datetime
    ) -> RefundInstruction:
        request = self.request
        before = sum(each.purpose == purpose for each in self.instructions)
        instruction = RefundInstruction(
            key=f"case/{request.case_id}/{purpose}/{before + 1}",
            case_id=request.case_id,
            order_id=request.order_id,
            merchant_id=request.merchant_id,
            buyer_ref=request.buyer_ref,
            amount_minor=total(lines),
            currency=request.items[0].requested.currency,
            tender=tender,
            lines=tuple(lines),
            payer=payer,
        )
        self._parts[instruction.key] = instruction.lines
        self.instructions.append(
            Instruction(
                key=instruction.key,
                purpose=purpose,
                amount_minor=instruction.amount_minor,
                currency=instruction.currency,
                tender=tender,
                payer=payer,
                status=RefundState.PROCESSING,
                instructed_at=now,
                provider_ref=None,
                reason=None,
            )
        )
        return instruction


def _lines(amounts: Mapping[str, int]) -> tuple[LineAmount, ...]:
    """Return the lines for which there is something."""
    return tuple(LineAmount(order_line_id=line, amount_minor=amount) for line, amount in amounts.items() if amount > 0)
