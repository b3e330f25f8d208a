"""Every stage that waits by a clock: how a case comes to it, what it waits for, and what follows, heard or not."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from aftersale.contract.status import Entry, Status
from aftersale.times import SECOND
from aftersale.vocabulary import CaseKind, Clock, CloseReason, Outcome, State
from tests.support.cases import at, request, seen
from tests.support.steps import (
    Act,
    SignOff,
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
    """The case where it has settled, or, if it is to end there, at its end; as it stands if that does not come.

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


@dataclass(frozen=True, kw_only=True)
class Wait:
    """A case brought to a clock by steps that all happen in the second of its opening.

    `late` is where an act leads that happens after the silence; None where it is refused then.
    """

    kind: CaseKind
    steps: tuple[Step, ...] = ()
    opened_at: str
    stands: Standing
    last_second: str
    rules: tuple[str, ...] = ()
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
