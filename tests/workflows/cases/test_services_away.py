"""Approvals, insurer and carrier are away for days: clocks and people go on, nothing is lost, and little is written.

A calendar that is skipped makes every attempt on its way, a minute apart at most. So the suite plays an outage of
minutes under a book that gives reviewers minutes; the soak plays two days under the book as it is.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest
from temporalio.api.enums.v1 import EventType

from aftersale.policy.book import Book
from aftersale.policy.rules import PolicyFile
from aftersale.times import SECOND, duration
from aftersale.vocabulary import CloseReason, Outcome, Party, State
from tests.support.books import BOOK
from tests.support.cases import (
    BUYER,
    MERCHANT,
    PLATFORM,
    approved,
    at,
    ended,
    entries,
    entry,
    refusal,
    seen,
    working,
    yuan,
)
from tests.support.claims import JUNE, asked, decide, filed
from tests.support.platform_fixtures import StandIn
from tests.support.steps import GRANT, REFUSE_CLAIM
from tests.workflows.cases.test_freight import refunded, shown
from tests.workflows.cases.test_pickup import ORDER, WISH, number, pickups
from trial.environment import Live, Workplace

HOP = timedelta(hours=2)
"""How far a calendar is moved at a time, since the server bounds the skips of one move."""

DAYS = 10**6
"""More requests than are made in days."""


MOST_EVENTS = 90
"""What a case costs at most, whether an outage lasts minutes or days: an attempt more writes nothing."""

SKIPS = {
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_OPTIONS_UPDATED,
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_TIME_SKIPPING_TRANSITIONED,
}


@dataclass(frozen=True)
class Outage:
    """Services that are away for so long, while a claim's reviewers have so long."""

    lasts: timedelta
    merchant: timedelta
    platform: timedelta

    @property
    def book(self) -> Book:
        """The book, but for what reviewers of claims have."""
        return Book([self._with(file) for file in BOOK.files], BOOK.services.files, name=BOOK.name, revision=1)

    def _with(self, file: PolicyFile) -> PolicyFile:
        limits = {"claim_review": self.merchant, "claim_review/platform": self.platform}
        rows = [
            row.model_copy(update={"limit": duration(limits[row.id])}) if row.id in limits else row
            for row in file.limit
        ]
        return file.model_copy(update={"limit": tuple(rows)})


SHORT = Outage(timedelta(minutes=22), timedelta(minutes=16), timedelta(minutes=24))
TWO_DAYS = Outage(timedelta(hours=50), timedelta(hours=48), timedelta(hours=72))


@pytest.fixture(params=[SHORT, pytest.param(TWO_DAYS, marks=pytest.mark.soak)], ids=["minutes", "two days"])
def outage(request: pytest.FixtureRequest) -> Outage:
    found = request.param
    assert isinstance(found, Outage)
    return found


@pytest.fixture
async def away(idle: Workplace, outage: Outage) -> AsyncIterator[Workplace]:
    """A workplace whose reviewers of claims have as long as the outage says."""
    async with working(idle, outage.book):
        yield idle


async def passed(live: Live, to: datetime) -> None:
    """Time passes for the case, attempt by attempt."""
    while (now := await live.now()) < to:
        if not await live.until(min(now + HOP, to)):
            return


async def down(stand_in: StandIn, path: str, key: str, fault: str = "status") -> None:
    """The service behind the path does not answer about the key until `back`."""
    more = {"status": 503} if fault == "status" else {}
    await stand_in.arm(fault, path=path, key=key, times=DAYS, **more)


async def back(stand_in: StandIn, live: Live) -> None:
    """The services answer again, and the case asks once more."""
    await stand_in.http.delete("/faults")
    await passed(live, await live.now() + timedelta(minutes=2))


async def events(live: Live) -> int:
    """How many events the history has, but for those by which its calendar was skipped."""
    history = await live.handle.fetch_history()
    return sum(event.event_type not in SKIPS for event in history.events)


# The approvals service


@pytest.mark.parametrize("fault", ["status", "lose_answer"])
async def test_a_claim_outlives_the_approvals_service_s_absence(
    away: Workplace, idle_stand_in: StandIn, outage: Outage, fault: str
) -> None:
    """A service that decides what nobody hears is as good as none: what it said to the merchant's tier is void."""
    case_id = f"C-away-{fault}-{outage.lasts.days}"
    await decide(idle_stand_in, f"{case_id}/claim/merchant", "approve", amount=yuan(900))
    await decide(idle_stand_in, f"{case_id}/claim/platform", "approve", amount=yuan(400))
    await down(idle_stand_in, "/claims", f"{case_id}/", fault)
    live = await filed(away, case_id=case_id)
    began = at(JUNE)
    lapsed_at = began + outage.merchant + SECOND
    await passed(live, began + outage.merchant - SECOND)
    assert (await live.status()).next.party is Party.MERCHANT
    await passed(live, began + outage.lasts)
    status = await live.status()
    assert [lapse.at for lapse in entries(status, "Lapsed")] == [lapsed_at]
    assert (status.next.party, status.next.respond_by) == (Party.PLATFORM, lapsed_at + outage.platform)
    assert entries(status, "ApprovalAnswered") == []

    await back(idle_stand_in, live)
    final = await ended(live)
    decided = entry(final, "ClaimDecided")
    assert (decided.by, final.outcome, final.refund.amount_minor) == (Party.PLATFORM, Outcome.COMPENSATED, 400)
    assert len(entries(final, "ApprovalAnswered")) == len(final.refund.instructions) == 1
    times = await asked(idle_stand_in, live)
    assert times["platform"] > 1 if fault == "lose_answer" else times == {"platform": 1}
    assert await events(live) <= MOST_EVENTS


async def test_people_decide_while_the_service_is_away_and_it_is_not_asked_for_what_they_decided(
    away: Workplace, idle_stand_in: StandIn, outage: Outage
) -> None:
    ids = [f"C-people-{who}-{outage.lasts.days}" for who in ("merchant", "platform", "buyer")]
    await decide(idle_stand_in, "C-people-", "approve", amount=yuan(1))
    await down(idle_stand_in, "/claims", "C-people-")
    of_merchant, of_platform, of_buyer = [await filed(away, case_id=case_id) for case_id in ids]
    await of_buyer.act("withdraw", *BUYER)
    due = at(JUNE) + outage.merchant
    for live, decision in ((of_merchant, GRANT), (of_platform, REFUSE_CLAIM)):
        await passed(live, due - 2 * SECOND)
        await decision.take(live, due)
    await passed(of_platform, due + outage.platform + 2 * SECOND)
    status = await of_platform.status()
    assert [alert.at for alert in entries(status, "Alert")] == [due + outage.platform + SECOND]
    assert (status.next.party, status.next.commands[0]) == (Party.PLATFORM, "decide_claim")
    await of_platform.act("decide_claim", *PLATFORM, decision="approve", amount=yuan(700))
    await idle_stand_in.http.delete("/faults")

    finals = [await ended(live) for live in (of_merchant, of_platform, of_buyer)]
    assert [final.outcome or final.close_reason for final in finals] == [
        Outcome.COMPENSATED,
        Outcome.COMPENSATED,
        CloseReason.WITHDRAWN,
    ]
    assert [final.refund.amount_minor for final in finals[:2]] == [8000, 700]
    assert all(entries(final, "ApprovalAnswered") == [] for final in finals)
    for live in (of_merchant, of_platform, of_buyer):
        assert await asked(idle_stand_in, live) == {}
        assert await events(live) <= MOST_EVENTS


# The carrier that fetches returns


async def test_a_pickup_is_booked_once_the_carrier_is_back_and_the_buyer_s_time_runs_on(
    away: Workplace, idle_stand_in: StandIn, outage: Outage
) -> None:
    await down(idle_stand_in, "/pickups", "C-pickup-")
    live = await approved(away, JUNE, case_id=f"C-pickup-{outage.lasts.days}", order=ORDER, pickup=WISH)
    await passed(live, at(JUNE) + outage.lasts)
    status = await live.status()
    assert (status.state, status.next.respond_by) == (State.AWAITING_BUYER_RETURN, at("2024-06-10 10:00:00"))
    assert entries(status, "PickupBooked") == []
    await back(idle_stand_in, live)
    await seen(live, lambda status: bool(entries(status, "PickupBooked")))
    await live.scan(number(live), "picked_up", await live.now(), "picked-up")
    assert (await live.status()).state is State.AWAITING_MERCHANT_RECEIPT
    await live.act("confirm_receipt", *MERCHANT)
    assert (await ended(live)).outcome is Outcome.REFUNDED
    assert [pickup["asked"] for pickup in await pickups(idle_stand_in, live)] == [1]
    assert await events(live) <= MOST_EVENTS


async def test_a_buyer_who_sends_the_goods_while_the_carrier_is_away_calls_nobody(
    away: Workplace, idle_stand_in: StandIn, outage: Outage
) -> None:
    await down(idle_stand_in, "/pickups", "C-sent-")
    live = await approved(away, JUNE, case_id=f"C-sent-{outage.lasts.days}", order=ORDER, pickup=WISH)
    await live.act("ship_back", *BUYER, carrier="sf", tracking_no="SF1")
    await idle_stand_in.http.delete("/faults")
    await live.act("confirm_receipt", *MERCHANT)
    final = await ended(live)
    assert (final.outcome, entries(final, "PickupBooked")) == (Outcome.REFUNDED, [])
    assert not [pickup for pickup in await pickups(idle_stand_in, live) if not pickup["cancelled"]]


async def test_a_case_is_over_for_everybody_while_its_pickup_cannot_be_cancelled(
    away: Workplace, idle_stand_in: StandIn, outage: Outage
) -> None:
    live = await approved(away, JUNE, case_id=f"C-cancel-{outage.lasts.days}", order=ORDER, pickup=WISH)
    await seen(live, lambda status: bool(entries(status, "PickupBooked")))
    await down(idle_stand_in, "/pickups/cancel", "C-cancel-")
    status = await live.act("withdraw", *BUYER)
    await passed(live, at(JUNE) + outage.lasts)
    assert (status.close_reason, status.is_final) == (CloseReason.WITHDRAWN, True)
    assert (await refusal(live.act("ship_back", *BUYER, carrier="sf", tracking_no="SF1"))).code == "illegal_move"
    assert [pickup["cancelled"] for pickup in await pickups(idle_stand_in, live)] == [0]
    await back(idle_stand_in, live)
    await ended(live)
    assert [pickup["cancelled"] for pickup in await pickups(idle_stand_in, live)] == [1]


# The insurer


async def test_the_refund_does_not_wait_for_the_insurer_who_is_asked_until_it_answers(
    away: Workplace, idle_stand_in: StandIn, outage: Outage
) -> None:
    await down(idle_stand_in, "/freight-claims", "")
    live = await refunded(away, yuan(1200))
    final = await ended(live)
    assert final.outcome is Outcome.REFUNDED
    (key,) = [word for word in entry(final, "FreightClaimed").says.split() if word.endswith("/freight")]
    asking = Live(away.env, away.client.get_workflow_handle(key))
    await passed(asking, await asking.now() + outage.lasts)
    await idle_stand_in.http.delete("/faults")
    await passed(asking, await asking.now() + timedelta(minutes=2))
    assert len(entries(await shown(away, live), "FreightInsured")) == 1
    assert await events(asking) <= MOST_EVENTS // 4
