"""The money of a case: what is owed for what came back, and the instructions that pay it."""

from collections.abc import Sequence
from datetime import datetime

from aftersale.case import Instruction, RefundView
from aftersale.commands import CaseRequest, ReceivedItem
from aftersale.kinds import RefundState
from aftersale.money import RefundInstruction, Settlement, share


class Payout:
    """The refund instructions of one case, in the order in which they were given."""

    def __init__(self, request: CaseRequest) -> None:
        """Nothing is instructed yet."""
        self.request = request
        self.instructions: list[Instruction] = []

    def refundable(self, received: Sequence[ReceivedItem] | None) -> int:
        """What is owed for what was received: the asked amount of each line, by the part of it that arrived."""
        if received is None:
            return sum(item.requested.amount_minor for item in self.request.items)
        arrived = {item.order_line_id: item.quantity for item in received}
        return sum(
            share(item.requested.amount_minor, min(arrived.get(item.order_line_id, 0), item.quantity), item.quantity)
            for item in self.request.items
        )

    def instruct(self, amount_minor: int, tender: str | None, now: datetime) -> RefundInstruction:
        """Number and keep a new refund instruction; its key is its own for ever."""
        request = self.request
        instruction = RefundInstruction(
            key=f"case/{request.case_id}/refund/{len(self.instructions) + 1}",
            case_id=request.case_id,
            order_id=request.order_id,
            merchant_id=request.merchant_id,
            buyer_ref=request.buyer_ref,
            amount_minor=amount_minor,
            currency=request.items[0].requested.currency,
            tender=tender,
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

    def settle(self, settlement: Settlement) -> None:
        """Keep the payment service's answer to the latest instruction."""
        status = RefundState.SUCCEEDED if settlement.status == "succeeded" else RefundState.FAILED
        self.instructions[-1] = self.instructions[-1].model_copy(
            update={"status": status, "provider_ref": settlement.provider_ref, "reason": settlement.reason}
        )

    def view(self) -> RefundView:
        """The refund as callers see it."""
        latest = self.instructions[-1] if self.instructions else None
        return RefundView(
            status=latest.status if latest else RefundState.NONE,
            amount_minor=latest.amount_minor if latest else self.refundable(None),
            currency=self.request.items[0].requested.currency,
            instructions=tuple(self.instructions),
        )
