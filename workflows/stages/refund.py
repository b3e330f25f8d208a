"""The money goes back (退款)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from aftersale.commands import RetryRefund
from aftersale.kinds import Clock, State
from aftersale.money import LineAmount
from workflows.desk import Desk


@dataclass(frozen=True)
class Refunded:
    """The payment service confirmed it."""


async def refund(desk: Desk, owed_since: datetime, lines: Sequence[LineAmount]) -> Refunded:
    """Instruct the refund until it is paid. A decline waits for an operator; nothing is ever paid twice.

    Where nothing is owed, because only what cost nothing came back, nobody is asked to pay it.
    """
    if not lines:
        return Refunded()
    tender = None
    while True:
        beside = {Clock.PAYOUT: desk.now, **desk.case.law_clocks(owed_since)}
        await desk.enter(State.REFUNDING, owed_since, beside=beside)
        settlement = await desk.pay(lines, tender)
        if settlement.status == "succeeded":
            return Refunded()
        await desk.enter(State.REFUND_FAILED, desk.now)
        retry = await desk.hear_only(RetryRefund)
        owed_since, tender = desk.at(retry), retry.tender
