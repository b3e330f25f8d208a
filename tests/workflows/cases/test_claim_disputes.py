"""A claim whose goods are refused goes the way of every refusal; what is said while it is on hold is not lost."""

import pytest

from aftersale.vocabulary import CaseKind, CloseReason, Outcome, Party, Ruling, State
from simulation.courses.statuses import sane
from tests.support.cases import PLATFORM, at, ended, entries, entry, seen, yuan
from tests.support.claims import JUNE, RASH, asked, decide, filed
from tests.support.platform_fixtures import StandIn
from tests.support.steps import AMEND, APPROVE, AWARD, DISMISS, ESCALATE, GRANT_FOR_THE_GOODS, HOLD, REFUSE, SHIP, Act
from trial.environment import Live, Workplace

RULE_RETURN = Act("rule", PLATFORM, {"outcome": Ruling.RETURN, "liability": "merchant"})


async def refused(place: Workplace) -> Live:
    """A claim of 12900, granted at 8000 for the goods, which the merchant then refused."""
    live = await filed(place, given=RASH)
    await _take(live, GRANT_FOR_THE_GOODS, SHIP, REFUSE)
    return live


async def _take(live: Live, *acts: Act) -> None:
    for act in acts:
        await act.take(live, at(JUNE))


@pytest.mark.parametrize(("ruling", "ends"), [(AWARD, Outcome.REFUNDED), (DISMISS, CloseReason.DISMISSED)])
async def test_the_platform_rules_on_goods_that_are_refused(
    place: Workplace, ruling: Act, ends: Outcome | CloseReason
) -> None:
    live = await refused(place)
    await _take(live, ESCALATE, ruling)
    final = await ended(live)
    sane(CaseKind.CLAIM, final)
    assert final.kind is CaseKind.CLAIM
    assert (final.outcome or final.close_reason) is ends
    paid = [each.amount_minor for each in final.refund.instructions]
    assert paid == ([8000] if ends is Outcome.REFUNDED else []), "what was granted is the most that is owed"


async def test_a_claim_that_is_ruled_a_return_may_be_amended_like_one(place: Workplace) -> None:
    live = await refused(place)
    await _take(live, ESCALATE, RULE_RETURN, SHIP, REFUSE)
    status = await AMEND.take(live, at(JUNE))
    assert entries(status, "AmendmentRefused") == []
    assert (status.kind, status.state) == (CaseKind.REFUND, State.AWAITING_MERCHANT_REVIEW)
    await _take(live, APPROVE)
    final = await ended(live)
    sane(CaseKind.CLAIM, final)
    assert final.outcome is Outcome.REFUNDED


async def test_what_the_service_says_while_a_claim_is_on_hold_counts_once_it_goes_on(
    place: Workplace, stand_in: StandIn
) -> None:
    await decide(stand_in, "case/C-on-hold/claim", "approve", amount=yuan(600))
    await stand_in.arm("hold", path="/claims", key="C-on-hold")
    live = await filed(place, case_id="C-on-hold")
    await HOLD.take(live, at(JUNE))
    await stand_in.http.post("/faults/release")
    status = await seen(live, lambda status: bool(entries(status, "ApprovalAnswered")))
    assert (status.next.party, entries(status, "ClaimDecided"), entries(status, "Alert")) == (Party.PLATFORM, [], [])
    await live.act("resume", *PLATFORM)
    final = await ended(live)
    assert (entry(final, "ClaimDecided").by, final.refund.amount_minor) == (Party.MERCHANT, 600)
    assert await asked(stand_in, live) == {"merchant": 1}
