"""Every stage that waits by a clock: how a case comes to it, what it waits for, and what follows, heard or not."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from aftersale.contract.status import Entry, Status
from aftersale.times import SECOND
from aftersale.vocabulary import CaseKind, Clock, CloseReason, Outcome, State
from tests.support.cases import TAGGED, at, request, seen
from tests.support.steps import (
    ACCEPT,
    AMEND,
    APPROVE,
    AWARD,
    BACK,
    CONFIRM,
    DELIVERED,
    DISMISS,
    DISPATCH,
    ESCALATE,
    IRREPARABLE,
    OFFER,
    RECEIVE,
    REFUSE,
    REJECT,
    SHIP,
    WITHDRAW,
    Act,
    SignOff,
    Silence,
    Step,
)
from trial.environment import Live, Workplace

JUNE = "2024-06-03 10:00:00"

Standing = tuple[State | Outcome | CloseReason, Clock | None]
"""Where a case stands: its state, or how it ended, and the clock that it runs by."""


def standing(status: Status) -> Standing:
    """Where that case stands."""
    running = status.deadlines[0].clock if status.deadlines else None
    return status.outcome or status.close_reason or status.state, running


async def stands(live: Live, where: Standing) -> Status:
    """The case as soon as it stands there."""
    return await seen(live, lambda status: standing(status) == where)


TO_REVIEW = (State.AWAITING_MERCHANT_REVIEW, Clock.MERCHANT_REVIEW)
TO_CHOOSE = (State.AWAITING_BUYER_CONFIRMATION, Clock.OFFER_RESPONSE)
TO_SEND = (State.AWAITING_BUYER_RETURN, Clock.BUYER_RETURN)
TO_TAKE_IN = (State.AWAITING_MERCHANT_RECEIPT, Clock.MERCHANT_RECEIPT)
TO_INSPECT = (State.AWAITING_MERCHANT_RECEIPT, Clock.MERCHANT_INSPECTION)
TO_TAKE_IN_AND_REPLACE = (State.AWAITING_MERCHANT_RECEIPT, Clock.REPLACEMENT_DISPATCH)
TO_REPLACE = (State.AWAITING_MERCHANT_DISPATCH, Clock.REPLACEMENT_DISPATCH)
TO_RESHIP = (State.AWAITING_MERCHANT_DISPATCH, Clock.RESHIP_DISPATCH)
TO_REPAIR = (State.AWAITING_MERCHANT_DISPATCH, Clock.REPAIR_DISPATCH)
BREACHED = (State.AWAITING_MERCHANT_DISPATCH, Clock.STALLED)
LOOKED_INTO = (State.AWAITING_MERCHANT_DISPATCH, None)
ON_ITS_WAY = (State.AWAITING_BUYER_RECEIPT, Clock.STALLED)
LOST = (State.AWAITING_BUYER_RECEIPT, None)
TO_RECEIVE = (State.AWAITING_BUYER_RECEIPT, Clock.BUYER_RECEIPT)
REJECTED = (State.MERCHANT_REJECTED, Clock.ESCALATION)
TO_HEAR = (State.IN_ARBITRATION, Clock.ARBITRATION_EVIDENCE)
TO_RULE = (State.IN_ARBITRATION, Clock.ARBITRATION_RULING)
UNRULED = (State.IN_ARBITRATION, None)
PAID = (Outcome.REFUNDED, None)
EXCHANGED, RESHIPPED, REPAIRED = (Outcome.EXCHANGED, None), (Outcome.RESHIPPED, None), (Outcome.REPAIRED, None)
WITHDRAWN, DISMISSED = (CloseReason.WITHDRAWN, None), (CloseReason.DISMISSED, None)
NOT_SENT, NOT_ESCALATED = (CloseReason.NOT_SENT_BACK, None), (CloseReason.NOT_ESCALATED, None)


async def arrived(live: Live, where: Standing) -> Status:
    """The case where it rests, or, if it is to end there, at its end; as it stands if that does not come.

    Of many cases that wake at once some come to their end much later than others.
    """
    if isinstance(where[0], State):
        return await live.status()
    try:
        return await asyncio.wait_for(live.handle.result(), 60)
    except TimeoutError:
        return await live.status()


def met(after: Standing) -> State:
    """The state in which an act is refused that came too late for it."""
    match after[0]:
        case Outcome():
            return State.REFUNDING if after == PAID else State.COMPLETED
        case CloseReason():
            return State.CLOSED
        case state:
            return state


@dataclass(frozen=True)
class Wait:
    """A case brought to a clock by steps that all happen in the second of its opening.

    `late` is where an act leads that happens after the silence; None where it is refused then.
    """

    kind: CaseKind
    steps: tuple[Step, ...]
    opened_at: str
    stands: Standing
    last_second: str
    rules: tuple[str, ...]
    act: Act | SignOff
    leads_to: Standing
    silence: Standing
    late: Standing | None = None
    order: Mapping[str, Any] = field(default_factory=dict)
    asked: Mapping[str, Any] = field(default_factory=dict)

    @property
    def due(self) -> datetime:
        """The last instant in time."""
        return at(self.last_second)

    @property
    def lapse(self) -> datetime:
        """When a silence takes effect."""
        return self.due + SECOND

    async def begun(self, place: Workplace) -> Live:
        """A case whose clock runs."""
        live = await place.open(self.kind, request(**{"order": self.order, **self.asked}), at(self.opened_at))
        for step in self.steps:
            await step.take(live, at(self.opened_at))
        status = await live.status()
        assert (standing(status), status.next.respond_by) == (self.stands, self.due)
        assert status.deadlines[0].rules == self.rules
        return live

    def lapses(self, status: Status) -> list[Entry]:
        """What the timeline says of the silence."""
        return [entry for entry in status.timeline if entry.event == "Lapsed" and entry.at == self.lapse]


REFUND, RETURN, EXCHANGE = CaseKind.REFUND, CaseKind.RETURN, CaseKind.EXCHANGE
RESHIP, REPAIR = CaseKind.RESHIP, CaseKind.REPAIR

UNSENT = {"dispatched_at": None, "signed_for_at": None}
REVIEW, RECEIPT = ("S22", "S24"), ("S22", "S25")
FEB_1, NOON, FEB_15 = "2024-02-01 23:59:59", "2024-02-10 12:00:00", "2024-02-15 23:59:59"
FEB_20, FEB_29 = "2024-02-20 23:59:59", "2024-02-29 23:59:59"
JUNE_5, JUNE_10 = "2024-06-05 10:00:00", "2024-06-10 10:00:00"
SENT, SIGNED = (APPROVE, SHIP), (APPROVE, SHIP, BACK)
TAKEN_IN = (*SENT, CONFIRM)
DISPUTED = (REJECT, ESCALATE)
SENDING = (DISPATCH, ON_ITS_WAY, BREACHED, ON_ITS_WAY)

WAITS = {
    "review of a refund before dispatch": Wait(
        REFUND, (), NOON, TO_REVIEW, "2024-02-12 12:00:00", ("S22", "S23"), REJECT, REJECTED, PAID, None, UNSENT
    ),
    "review of a refund": Wait(REFUND, (), FEB_15, TO_REVIEW, FEB_20, REVIEW, REJECT, REJECTED, PAID),
    "review of a return": Wait(RETURN, (), FEB_15, TO_REVIEW, FEB_20, REVIEW, REJECT, REJECTED, TO_SEND),
    "review of a return just before S22": Wait(
        RETURN, (), "2024-01-29 23:59:59", TO_REVIEW, "2024-01-31 23:59:59", (), APPROVE, TO_SEND, TO_SEND
    ),
    "review of an exchange": Wait(EXCHANGE, (), FEB_15, TO_REVIEW, FEB_20, REVIEW, OFFER, TO_CHOOSE, TO_SEND),
    "review of a reshipment": Wait(RESHIP, (), FEB_15, TO_REVIEW, FEB_20, REVIEW, REJECT, REJECTED, TO_RESHIP),
    "review of a repair": Wait(REPAIR, (), FEB_15, TO_REVIEW, FEB_20, REVIEW, WITHDRAW, WITHDRAWN, TO_SEND, WITHDRAWN),
    "offer": Wait(RETURN, (OFFER,), JUNE, TO_CHOOSE, JUNE_5, (), ACCEPT, TO_SEND, REJECTED),
    "offer for goods beyond repair": Wait(
        REPAIR, (*TAKEN_IN, IRREPARABLE), JUNE, TO_CHOOSE, JUNE_5, (), ACCEPT, PAID, REJECTED
    ),
    "sending back": Wait(
        RETURN, (APPROVE,), "2024-02-05 12:00:00", TO_SEND, "2024-02-12 12:00:00", (), SHIP, TO_TAKE_IN, NOT_SENT
    ),
    "sending back of tagged goods": Wait(
        RETURN, (APPROVE,), FEB_1, TO_SEND, FEB_29, ("S11", "S14"), SHIP, TO_TAKE_IN, NOT_SENT, None, TAGGED
    ),
    "sending back of tagged goods for others": Wait(
        EXCHANGE, (APPROVE,), FEB_1, TO_SEND, FEB_29, ("S11", "S14"), SHIP, TO_TAKE_IN, NOT_SENT, None, TAGGED
    ),
    "sending back of tagged goods for repair": Wait(
        REPAIR, (APPROVE,), FEB_1, TO_SEND, "2024-02-08 23:59:59", (), SHIP, TO_TAKE_IN, NOT_SENT, None, TAGGED
    ),
    "receipt of a return": Wait(
        RETURN, SENT, "2024-01-25 00:00:00", TO_TAKE_IN, "2024-02-09 00:00:00", RECEIPT, REFUSE, REJECTED, PAID
    ),
    "receipt of an exchange": Wait(
        EXCHANGE, SENT, FEB_1, TO_TAKE_IN, "2024-02-16 23:59:59", RECEIPT, REFUSE, REJECTED, TO_REPLACE
    ),
    "receipt of a repair": Wait(
        REPAIR, SENT, FEB_1, TO_TAKE_IN, "2024-02-16 23:59:59", RECEIPT, REFUSE, REJECTED, TO_REPAIR
    ),
    "sign-off of a return": Wait(RETURN, SENT, JUNE, TO_TAKE_IN, JUNE_10, (), BACK, TO_INSPECT, PAID, PAID),
    "sign-off of an exchange": Wait(
        EXCHANGE, SENT, JUNE, TO_TAKE_IN, JUNE_10, (), BACK, TO_TAKE_IN_AND_REPLACE, TO_REPLACE, TO_REPLACE
    ),
    "inspection of a return": Wait(
        RETURN, SIGNED, FEB_15, TO_INSPECT, "2024-03-01 23:59:59", ("S22", "S26"), REFUSE, REJECTED, PAID
    ),
    "ordinary inspection of a return": Wait(RETURN, SIGNED, JUNE, TO_INSPECT, JUNE_5, (), CONFIRM, PAID, PAID),
    "inspection of a repair": Wait(
        REPAIR, SIGNED, FEB_15, TO_INSPECT, "2024-02-17 23:59:59", (), REFUSE, REJECTED, TO_REPAIR
    ),
    "replacement for goods not taken in": Wait(
        EXCHANGE, SIGNED, FEB_15, TO_TAKE_IN_AND_REPLACE, "2024-02-19 23:59:59", (), REFUSE, REJECTED, BREACHED
    ),
    "replacement for goods taken in": Wait(
        EXCHANGE, (*SIGNED, CONFIRM), NOON, TO_REPLACE, "2024-02-25 12:00:00", ("S22", "S27"), *SENDING
    ),
    "replacement for goods never signed off": Wait(
        EXCHANGE, TAKEN_IN, JUNE, TO_REPLACE, "2024-06-07 10:00:00", (), *SENDING
    ),
    "reshipment": Wait(RESHIP, (APPROVE,), FEB_15, TO_RESHIP, "2024-03-01 23:59:59", ("S22", "S28"), *SENDING),
    "repair": Wait(REPAIR, TAKEN_IN, JUNE, TO_REPAIR, JUNE_10, (), IRREPARABLE, TO_CHOOSE, BREACHED, TO_CHOOSE),
    "after a breach": Wait(
        RESHIP, (APPROVE, Silence()), JUNE, BREACHED, "2024-06-12 10:00:01", (), AMEND, PAID, LOOKED_INTO, PAID
    ),
    "a parcel that nobody signs for": Wait(
        EXCHANGE, (*TAKEN_IN, DISPATCH), JUNE, ON_ITS_WAY, JUNE_10, (), RECEIVE, EXCHANGED, LOST, EXCHANGED
    ),
    "sign-off of what was missing": Wait(
        RESHIP, (APPROVE, DISPATCH), JUNE, ON_ITS_WAY, JUNE_10, (), DELIVERED, TO_RECEIVE, LOST, TO_RECEIVE
    ),
    "receipt of a replacement": Wait(
        EXCHANGE, (*TAKEN_IN, DISPATCH, DELIVERED), JUNE, TO_RECEIVE, JUNE_10, (), WITHDRAW, WITHDRAWN, EXCHANGED
    ),
    "receipt of what was missing": Wait(
        RESHIP, (APPROVE, DISPATCH, DELIVERED), JUNE, TO_RECEIVE, JUNE_10, (), RECEIVE, RESHIPPED, RESHIPPED
    ),
    "receipt of what was repaired": Wait(
        REPAIR, (*TAKEN_IN, DISPATCH, DELIVERED), JUNE, TO_RECEIVE, JUNE_10, (), RECEIVE, REPAIRED, REPAIRED
    ),
    "escalation": Wait(RETURN, (REJECT,), JUNE, REJECTED, JUNE_10, (), ESCALATE, TO_HEAR, NOT_ESCALATED),
    "amendment": Wait(REFUND, (REJECT,), JUNE, REJECTED, JUNE_10, (), AMEND, TO_REVIEW, NOT_ESCALATED),
    "evidence": Wait(
        RETURN, DISPUTED, JUNE, TO_HEAR, "2024-06-06 10:00:00", (), DISMISS, DISMISSED, TO_RULE, DISMISSED
    ),
    "ruling": Wait(
        RETURN, (*DISPUTED, Silence()), JUNE, TO_RULE, "2024-06-11 10:00:01", (), AWARD, PAID, UNRULED, PAID
    ),
}
