"""Every stage of a guarantee claim that waits by a clock, as `tests.support.waits` has them for the other kinds.

A claim's standing does not say whether the merchant or the platform is to decide: `awaited` does.
"""

from dataclasses import dataclass

from aftersale.contract.status import Status
from aftersale.vocabulary import CaseKind, Clock, CloseReason, Outcome, Party, State
from tests.support.claims import FRESH, RASH
from tests.support.steps import (
    BACK,
    GRANT,
    GRANT_FOR_THE_GOODS,
    OVERRULE,
    REFUSE,
    REFUSE_CLAIM,
    SHIP,
    UPHOLD,
    WITHDRAW,
    Silence,
)
from tests.support.waits import (
    JUNE,
    JUNE_5,
    JUNE_10,
    NOT_SENT,
    REJECTED,
    TO_INSPECT,
    TO_SEND,
    TO_TAKE_IN,
    WITHDRAWN,
    Wait,
)

TO_DECIDE = (State.AWAITING_CLAIM_REVIEW, Clock.CLAIM_REVIEW)
UNDECIDED = (State.AWAITING_CLAIM_REVIEW, None)
PAID, LOST = (Outcome.COMPENSATED, None), (CloseReason.CLAIM_DECLINED, None)


@dataclass(frozen=True)
class ClaimWait(Wait):
    """A claim brought to a clock; `heard` and `unheard` are whose move it is after the act, and after the silence."""

    heard: Party | None = None
    unheard: Party | None = None


CLAIM = CaseKind.CLAIM
MERCHANT, PLATFORM, BUYER = Party.MERCHANT, Party.PLATFORM, Party.BUYER

FEB_10, FEB_12, FEB_17 = "2024-02-10 12:00:00", "2024-02-12 12:00:00", "2024-02-17 12:00:00"
FESTIVE = {
    **RASH,
    "order": {
        **RASH["order"],
        "paid_at": "2024-02-03T09:00:00",
        "dispatched_at": "2024-02-04T09:00:00",
        "signed_for_at": "2024-02-09T18:00:00",
    },
}
"""The festival's clauses name kinds of case, and claims are not among them."""

GOODS, DISPUTED = GRANT_FOR_THE_GOODS, (REFUSE_CLAIM,)
SENT, SIGNED = (GOODS, SHIP), (GOODS, SHIP, BACK)
TO_PLATFORM = (TO_DECIDE, TO_DECIDE)

JUNE_6, JUNE_8 = "2024-06-06 10:00:00", "2024-06-08 10:00:01"

CLAIM_WAITS = {
    "review by the merchant, who grants": ClaimWait(
        CLAIM, (), JUNE, TO_DECIDE, JUNE_5, (), GRANT, PAID, TO_DECIDE, asked=FRESH, unheard=PLATFORM
    ),
    "review by the merchant, who declines": ClaimWait(
        CLAIM, (), JUNE, TO_DECIDE, JUNE_5, (), REFUSE_CLAIM, *TO_PLATFORM, asked=RASH, heard=PLATFORM, unheard=PLATFORM
    ),
    "review by the merchant in the festival": ClaimWait(
        CLAIM,
        (),
        FEB_10,
        TO_DECIDE,
        FEB_12,
        (),
        GOODS,
        TO_SEND,
        TO_DECIDE,
        asked=FESTIVE,
        heard=BUYER,
        unheard=PLATFORM,
    ),
    "withdrawal": ClaimWait(
        CLAIM, (), JUNE, TO_DECIDE, JUNE_5, (), WITHDRAW, WITHDRAWN, TO_DECIDE, WITHDRAWN, asked=FRESH, unheard=PLATFORM
    ),
    "review by the platform, which grants": ClaimWait(
        CLAIM, DISPUTED, JUNE, TO_DECIDE, JUNE_6, (), OVERRULE, PAID, UNDECIDED, PAID, asked=FRESH, unheard=PLATFORM
    ),
    "review by the platform, which declines": ClaimWait(
        CLAIM, DISPUTED, JUNE, TO_DECIDE, JUNE_6, (), UPHOLD, LOST, UNDECIDED, LOST, asked=RASH, unheard=PLATFORM
    ),
    "review by the platform after a silent merchant": ClaimWait(
        CLAIM, (Silence(),), JUNE, TO_DECIDE, JUNE_8, (), OVERRULE, PAID, UNDECIDED, PAID, asked=RASH, unheard=PLATFORM
    ),
    "sending back in the festival": ClaimWait(
        CLAIM, (GOODS,), FEB_10, TO_SEND, FEB_17, (), SHIP, TO_TAKE_IN, NOT_SENT, asked=FESTIVE, heard=MERCHANT
    ),
    "receipt of goods claimed for": ClaimWait(
        CLAIM, SENT, FEB_10, TO_TAKE_IN, FEB_17, (), REFUSE, REJECTED, PAID, asked=FESTIVE, heard=BUYER
    ),
    "sign-off of goods claimed for": ClaimWait(
        CLAIM, SENT, JUNE, TO_TAKE_IN, JUNE_10, (), BACK, TO_INSPECT, PAID, PAID, asked=RASH, heard=MERCHANT
    ),
    "inspection of goods that are refused": ClaimWait(
        CLAIM, SIGNED, JUNE, TO_INSPECT, JUNE_5, (), REFUSE, REJECTED, PAID, asked=RASH, heard=BUYER
    ),
}


def awaited(status: Status) -> Party | None:
    """Whose move it is; while money is under way nobody's."""
    return None if status.state is State.REFUNDING else status.next.party
