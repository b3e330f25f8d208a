"""To the second: the last instant in time, and the one after it, for every clock of a return."""

import asyncio

from aftersale.kinds import CloseReason, Outcome, State
from tests.cases import BUYER, MERCHANT, approved, at, opened, sent_back
from trial.workplace import Workplace


async def test_a_review_at_23_59_59_is_in_time(place: Workplace) -> None:
    live = await opened(place, "2024-02-15 23:59:59")
    await live.until(at("2024-02-20 23:59:59"))
    status = await live.act("approve", *MERCHANT, occurred_at="2024-02-20T23:59:59")
    assert status.state is State.AWAITING_BUYER_RETURN
    assert status.timeline[-2].by == "merchant"
    assert status.deadlines[0].started_at == at("2024-02-20 23:59:59")


async def test_a_review_one_second_after_23_59_59_has_lapsed(place: Workplace) -> None:
    live = await opened(place, "2024-02-15 23:59:59")
    await live.until(at("2024-02-21 00:00:01"))
    status = await live.status()
    assert status.state is State.AWAITING_BUYER_RETURN
    lapse = next(entry for entry in status.timeline if entry.event == "Lapsed")
    assert (lapse.at, lapse.by, lapse.rules) == (at("2024-02-21 00:00:00"), "timer", ("S22", "S24"))
    assert status.deadlines[0].started_at == at("2024-02-21 00:00:00")


async def test_a_tagged_buyer_sends_back_on_the_last_second_of_28_days(place: Workplace) -> None:
    tagged = {"paid_at": "2024-01-29T00:00:00", "dispatched_at": None, "signed_for_at": None}
    live = await approved(place, "2024-02-01 10:00:00", order={**tagged, "labels": ["spring_festival_nonstop"]})
    assert (await live.status()).deadlines[0].rules == ("S11", "S14")
    await live.until(at("2024-02-29 10:00:00"))
    status = await live.act(
        "ship_back", *BUYER, carrier="sf", tracking_no="SF9", occurred_at="2024-02-29T10:00:00"
    )
    assert status.state is State.AWAITING_MERCHANT_RECEIPT


async def test_a_tagged_buyer_one_second_late_has_given_up(place: Workplace) -> None:
    tagged = {"paid_at": "2024-01-29T00:00:00", "dispatched_at": None, "signed_for_at": None}
    live = await approved(place, "2024-02-01 10:00:00", order={**tagged, "labels": ["spring_festival_nonstop"]})
    assert not await live.until(at("2024-02-29 10:00:02"))
    assert (await live.handle.result()).close_reason is CloseReason.NOT_SENT_BACK


async def test_a_receipt_lapses_one_second_after_its_fifteen_days(place: Workplace) -> None:
    live = await sent_back(place, "2024-01-25 00:00:00")
    assert (await live.status()).next.respond_by == at("2024-02-09 00:00:00")
    await live.until(at("2024-02-09 00:00:00"))
    assert (await live.status()).state is State.AWAITING_MERCHANT_RECEIPT
    await live.until(at("2024-02-09 00:00:01"))
    status = await asyncio.wait_for(live.handle.result(), 10)
    assert status.outcome is Outcome.REFUNDED
    assert next(entry for entry in status.timeline if entry.event == "Lapsed").at == at("2024-02-09 00:00:01")
