"""Home pickup: goods are fetched at the buyer's door, again where that failed, and nobody comes in vain."""

from typing import Any

import pytest

from aftersale.contract.status import Status
from aftersale.vocabulary import CloseReason, Outcome, State
from tests.support.cases import BUYER, approved, at, ended, entries, entry, seen, sign_off
from tests.support.platform_fixtures import StandIn
from trial.environment import Live, Workplace

JUNE = "2024-06-03 10:00:00"
ORDER = {
    "services": ["home_pickup"],
    "paid_at": "2024-06-01T09:00:00+08:00",
    "dispatched_at": "2024-06-01T10:00:00+08:00",
    "signed_for_at": "2024-06-02T10:00:00+08:00",
}
WISH = {"address_ref": "A-9", "earliest": "2024-06-04T09:00:00+08:00"}


async def booked(place: Workplace, **changes: Any) -> Live:
    """An approved return whose pickup is booked."""
    live = await approved(place, JUNE, order=ORDER, pickup=WISH, **changes)
    await seen(live, lambda status: bool(entries(status, "PickupBooked")))
    return live


def number(live: Live, attempt: int = 1) -> str:
    """The tracking number under which the carrier comes."""
    return f"{live.handle.id}/pickup/{attempt}".replace("/", "-")


async def pickups(stand_in: StandIn, live: Live) -> list[dict[str, Any]]:
    found = (await stand_in.http.get("/pickups")).json()
    return [each for each in found if each["key"].startswith(f"{live.handle.id}/")]


async def fetched(live: Live, when: str, event: str = "picked_up", attempt: int = 1) -> Status:
    await live.scan(number(live, attempt), event, at(when), f"{event}-{attempt}")
    return await live.status()


async def test_what_is_fetched_counts_as_sent_back_and_goes_on(place: Workplace, stand_in: StandIn) -> None:
    live = await booked(place)
    status = await fetched(live, JUNE)
    assert status.state is State.AWAITING_MERCHANT_RECEIPT
    await sign_off(live, JUNE, number(live))
    await live.until(at("2024-06-05 10:00:02"))
    assert (await ended(live)).outcome is Outcome.REFUNDED
    (pickup,) = await pickups(stand_in, live)
    assert (pickup["asked"], pickup["cancelled"]) == (1, 0)


@pytest.mark.parametrize(
    ("scanned", "state"),
    [("2024-06-10 10:00:00", State.AWAITING_MERCHANT_RECEIPT), ("2024-06-10 10:00:01", State.CLOSED)],
)
async def test_a_pickup_on_the_last_second_is_a_return_in_time(place: Workplace, scanned: str, state: State) -> None:
    live = await booked(place)
    await live.until(at("2024-06-10 10:00:00"))
    if state is State.CLOSED:
        await live.until(at("2024-06-10 10:00:02"))
        assert (await ended(live)).close_reason is CloseReason.NOT_SENT_BACK
    else:
        assert (await fetched(live, scanned)).state is state


async def test_a_pickup_that_failed_is_booked_again(place: Workplace, stand_in: StandIn) -> None:
    live = await booked(place)
    await fetched(live, JUNE, "failed")
    await seen(live, lambda status: len(entries(status, "PickupBooked")) == 2)
    status = await fetched(live, JUNE, attempt=2)
    assert status.state is State.AWAITING_MERCHANT_RECEIPT
    assert [pickup["cancelled"] for pickup in await pickups(stand_in, live)] == [0, 0]


async def test_a_buyer_who_sends_the_goods_needs_no_pickup(place: Workplace, stand_in: StandIn) -> None:
    live = await booked(place)
    await live.act("ship_back", *BUYER, carrier="sf", tracking_no="SF1")
    await sign_off(live, JUNE, "SF1")
    await live.until(at("2024-06-05 10:00:02"))
    await ended(live)
    assert [pickup["cancelled"] for pickup in await pickups(stand_in, live)] == [1]


async def test_a_case_that_closes_leaves_nobody_on_the_way(place: Workplace, stand_in: StandIn) -> None:
    live = await booked(place)
    await stand_in.arm("status", path="/pickups/cancel", status=503)
    await live.act("withdraw", *BUYER)
    assert (await ended(live)).close_reason is CloseReason.WITHDRAWN
    assert [pickup["cancelled"] for pickup in await pickups(stand_in, live)] == [1]


@pytest.mark.parametrize("fault", ["reset", "lose_answer", "status"])
async def test_a_carrier_service_that_fails_is_asked_again(place: Workplace, stand_in: StandIn, fault: str) -> None:
    await stand_in.arm(fault, path="/pickups")
    live = await booked(place)
    (pickup,) = await pickups(stand_in, live)
    assert pickup["asked"] == (2 if fault == "lose_answer" else 1)


async def test_a_carrier_that_refuses_leaves_the_sending_to_the_buyer(place: Workplace, stand_in: StandIn) -> None:
    await stand_in.arm("decline", path="/pickups", reason="nobody goes there")
    live = await approved(place, JUNE, order=ORDER, pickup=WISH)
    status = await seen(live, lambda status: bool(entries(status, "PickupRefused")))
    assert entry(status, "PickupRefused").says == "no pickup: nobody goes there"
    status = await live.act("ship_back", *BUYER, carrier="sf", tracking_no="SF1")
    assert status.state is State.AWAITING_MERCHANT_RECEIPT


@pytest.mark.parametrize(
    "changes", [{"pickup": None}, {"order": {**ORDER, "services": []}}], ids=["no wish", "no service"]
)
async def test_nobody_comes_uncalled(place: Workplace, stand_in: StandIn, changes: dict[str, Any]) -> None:
    live = await approved(place, JUNE, **{"order": ORDER, "pickup": WISH, **changes})
    await live.act("withdraw", *BUYER)
    await ended(live)
    assert await pickups(stand_in, live) == []
