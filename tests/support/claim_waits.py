"""Every stage of a guarantee claim that waits by a clock, as `tests.support.waits` has them for the other kinds.

A claim's standing does not say whether the merchant or the platform is to decide: `awaited` does.
"""

from dataclasses import dataclass

from aftersale.contract.status import Status
from aftersale.vocabulary import CaseKind, Clock, CloseReason, Outcome, Party, State
from tests.support.case_waits import JUNE_5, JUNE_10
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
from tests.support.waits import JUNE, NOT_SENT, REJECTED, TO_INSPECT, TO_SEND, TO_TAKE_IN, WITHDRAWN, Wait

TO_DECIDE = (State.AWAITING_CLAIM_REVIEW, Clock.CLAIM_REVIEW)
UNDECIDED = (State.AWAITING_CLAIM_REVIEW, None)
PAID, LOST = (Outcome.COMPENSATED, None), (CloseReason.CLAIM_DECLINED, None)


@dataclass(frozen=True, kw_only=True)
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

JUNE_6, JUNE_8 = "2024-06-06 10:00:00", "2024-06-08 10:00:01"

CLAIM_WAITS = {
    "review by the merchant, who grants": ClaimWait(
        kind=CLAIM,
        opened_at=JUNE,
        stands=TO_DECIDE,
        last_second=JUNE_5,
        act=GRANT,
        leads_to=PAID,
        silence=TO_DECIDE,
        asked=FRESH,
        unheard=PLATFORM,
    ),
    "review by the merchant, who declines": ClaimWait(
        kind=CLAIM,
        opened_at=JUNE,
        stands=TO_DECIDE,
        last_second=JUNE_5,
        act=REFUSE_CLAIM,
        leads_to=TO_DECIDE,
        silence=TO_DECIDE,
        asked=RASH,
        heard=PLATFORM,
        unheard=PLATFORM,
    ),
    "review by the merchant in the festival": ClaimWait(
        kind=CLAIM,
        opened_at=FEB_10,
        stands=TO_DECIDE,
        last_second=FEB_12,
        act=GOODS,
        leads_to=TO_SEND,
        silence=TO_DECIDE,
        asked=FESTIVE,
        heard=BUYER,
        unheard=PLATFORM,
    ),
    "withdrawal": ClaimWait(
        kind=CLAIM,
        opened_at=JUNE,
        stands=TO_DECIDE,
        last_second=JUNE_5,
        act=WITHDRAW,
        leads_to=WITHDRAWN,
        silence=TO_DECIDE,
        late=WITHDRAWN,
        asked=FRESH,
        unheard=PLATFORM,
    ),
    "review by the platform, which grants": ClaimWait(
        kind=CLAIM,
        steps=DISPUTED,
        opened_at=JUNE,
        stands=TO_DECIDE,
        last_second=JUNE_6,
        act=OVERRULE,
        leads_to=PAID,
        silence=UNDECIDED,
        late=PAID,
        asked=FRESH,
        unheard=PLATFORM,
    ),
    "review by the platform, which declines": ClaimWait(
        kind=CLAIM,
        steps=DISPUTED,
        opened_at=JUNE,
        stands=TO_DECIDE,
        last_second=JUNE_6,
        act=UPHOLD,
        leads_to=LOST,
        silence=UNDECIDED,
        late=LOST,
        asked=RASH,
        unheard=PLATFORM,
    ),
    "review by the platform after a silent merchant": ClaimWait(
        kind=CLAIM,
        steps=(Silence(),),
        opened_at=JUNE,
        stands=TO_DECIDE,
        last_second=JUNE_8,
        act=OVERRULE,
        leads_to=PAID,
        silence=UNDECIDED,
        late=PAID,
        asked=RASH,
        unheard=PLATFORM,
    ),
    "sending back in the festival": ClaimWait(
        kind=CLAIM,
        steps=(GOODS,),
        opened_at=FEB_10,
        stands=TO_SEND,
        last_second=FEB_17,
        act=SHIP,
        leads_to=TO_TAKE_IN,
        silence=NOT_SENT,
        asked=FESTIVE,
        heard=MERCHANT,
    ),
    "receipt of goods claimed for": ClaimWait(
        kind=CLAIM,
        steps=SENT,
        opened_at=FEB_10,
        stands=TO_TAKE_IN,
        last_second=FEB_17,
        act=REFUSE,
        leads_to=REJECTED,
        silence=PAID,
        asked=FESTIVE,
        heard=BUYER,
    ),
    "sign-off of goods claimed for": ClaimWait(
        kind=CLAIM,
        steps=SENT,
        opened_at=JUNE,
        stands=TO_TAKE_IN,
        last_second=JUNE_10,
        act=BACK,
        leads_to=TO_INSPECT,
        silence=PAID,
        late=PAID,
        asked=RASH,
        heard=MERCHANT,
    ),
    "inspection of goods that are refused": ClaimWait(
        kind=CLAIM,
        steps=SIGNED,
        opened_at=JUNE,
        stands=TO_INSPECT,
        last_second=JUNE_5,
        act=REFUSE,
        leads_to=REJECTED,
        silence=PAID,
        asked=RASH,
        heard=BUYER,
    ),
}


def awaited(status: Status) -> Party | None:
    """Whose move it is; while money is under way nobody's."""
    return None if status.state is State.REFUNDING else status.next.party
