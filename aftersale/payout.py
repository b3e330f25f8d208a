"""The money of a case: what is owed for what came back, and the instructions that pay it."""

from collections.abc import Sequence
from datetime import datetime

from aftersale.case import Instruction, RefundView
from aftersale.commands import ReceivedItem
from aftersale.kinds import RefundState
from aftersale.money import LineAmount, Money, RefundInstruction, Settlement, allocate, share, total
from aftersale.request import CaseRequest


class Payout:
    """The refund instructions of one case, in the order in which they were given."""

    def __init__(self, request: CaseRequest) -> None:
        """Nothing is reserved, and nothing instructed, yet."""
        self.request = request
        self.asked = {item.order_line_id: item.requested.amount_minor for item in request.items}
        self.received: dict[str, int] | None = None
        self.payer: str | None = None
        self.reserved = False
        self.instructions: list[Instruction] = []

    def amend(self, request: CaseRequest) -> None:
        """Another request takes the place of the one before."""
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
        """So many pieces of each line arrived, whatever their condition; None: all that were claimed."""
        if items is None:
            self.received = None
            return
        self.received = dict.fromkeys(self.asked, 0)
        for item in items:
            self.received[item.order_line_id] += item.arrived

    def refundable(self) -> tuple[LineAmount, ...]:
        """What is owed: the asked amount of each line, by the part of it that arrived where goods came back."""
        owed = {
            item.order_line_id: share(
                self.asked[item.order_line_id],
                item.quantity if self.received is None else min(self.received[item.order_line_id], item.quantity),
                item.quantity,
            )
            for item in self.request.items
        }
        return tuple(LineAmount(order_line_id=line, amount_minor=amount) for line, amount in owed.items() if amount)

    def instruct(self, lines: Sequence[LineAmount], tender: str | None, now: datetime) -> RefundInstruction:
        """Number and keep a new refund instruction; its key is its own for ever."""
        request, amount_minor = self.request, total(lines)
        instruction = RefundInstruction(
            key=f"case/{request.case_id}/refund/{len(self.instructions) + 1}",
            case_id=request.case_id,
            order_id=request.order_id,
            merchant_id=request.merchant_id,
            buyer_ref=request.buyer_ref,
            amount_minor=amount_minor,
            currency=request.items[0].requested.currency,
            tender=tender,
            lines=tuple(lines),
            payer=self.payer,
        )
        self.instructions.append(
            Instruction(
                key=instruction.key,
                amount_minor=amount_minor,
                currency=instruction.currency,
                tender=tender,
                status=RefundState.PROCESSING,
                instructed_at=now,
                provider_ref=None,
                reason=None,
            )
        )
        return instruction

    def settle(self, settlement: Settlement, *, closes: bool) -> None:
        """Keep the definitive answer to the latest instruction; one that was paid may be the last of the case."""
        status = RefundState.SUCCEEDED if settlement.status == "succeeded" else RefundState.FAILED
        self.instructions[-1] = self.instructions[-1].model_copy(
            update={"status": status, "provider_ref": settlement.provider_ref, "reason": settlement.reason}
        )
        if closes and status is RefundState.SUCCEEDED:
            self.reserved = False

    def view(self) -> RefundView:
        """The refund as callers see it."""
        latest = self.instructions[-1] if self.instructions else None
        before = RefundState.RESERVED if self.reserved else RefundState.NONE
        return RefundView(
            status=latest.status if latest else before,
            amount_minor=latest.amount_minor if latest else total(self.refundable()),
            currency=self.request.items[0].requested.currency,
            instructions=tuple(self.instructions),
        )
