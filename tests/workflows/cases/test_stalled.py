"""No case lies forgotten: where the rules set no clock, the platform hears of it in the end, and the case goes on."""

import pytest

from aftersale.vocabulary import CaseKind, MessageEvent, Outcome, State
from tests.support.cases import BUYER, MERCHANT, at, ended, entries, request, stamp, told
from tests.support.platform_fixtures import StandIn
from trial.environment import Live, Workplace

JUNE = "2024-06-03 10:00:00"


async def reship(place: Workplace) -> Live:
    """A reshipment that the merchant agreed to in the second it was asked for."""
    live = await place.open(CaseKind.RESHIP, request(), at(JUNE))
    await live.act("approve", *MERCHANT, occurred_at=stamp(JUNE))
    return live


async def sent(place: Workplace) -> Live:
    """A reshipment that is on its way since the second it was asked for."""
    live = await reship(place)
    await live.act("dispatch", *MERCHANT, carrier="sf", tracking_no="OUT1", occurred_at=stamp(JUNE))
    return live


@pytest.mark.parametrize(("last", "alerts"), [("2024-06-10 10:00:00", 0), ("2024-06-10 10:00:02", 1)])
async def test_a_parcel_that_nobody_signs_for_is_looked_into_after_seven_days(
    place: Workplace, last: str, alerts: int
) -> None:
    live = await sent(place)
    await live.until(at(last))
    status = await live.when_settled()
    assert (status.state, len(entries(status, "Alert"))) == (State.AWAITING_BUYER_RECEIPT, alerts)


async def test_a_sign_off_after_that_starts_the_buyer_s_clock_as_ever(place: Workplace, stand_in: StandIn) -> None:
    live = await sent(place)
    await live.until(at("2024-06-11 10:00:00"))
    assert await told(stand_in, live, "platform", MessageEvent.ALERT)
    await live.scan("OUT1", "signed_for", at("2024-06-11 10:00:00"), "late", leg="outbound")
    assert (await live.status()).next.respond_by == at("2024-06-18 10:00:00")
    await live.until(at("2024-06-18 10:00:02"))
    assert (await ended(live)).outcome is Outcome.RESHIPPED


async def test_a_breach_to_which_nobody_moves_is_looked_into_after_seven_days(
    place: Workplace, stand_in: StandIn
) -> None:
    live = await reship(place)
    await live.until(at("2024-06-12 10:00:01"))
    status = await live.when_settled()
    assert (status.state, entries(status, "Alert")) == (State.AWAITING_MERCHANT_DISPATCH, [])
    assert status.next.respond_by == at("2024-06-12 10:00:01")
    await live.until(at("2024-06-12 10:00:03"))
    assert await told(stand_in, live, "platform", MessageEvent.ALERT)
    await live.act("amend", *BUYER, kind="refund")
    assert (await ended(live)).outcome is Outcome.REFUNDED
