"""Requests, dates and readings that tests speak of: one plain return, how to vary it, and what to look for in it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from datetime import datetime
from itertools import count
from typing import Any, TypeVar

import pytest

from aftersale.client import Refusal
from aftersale.contract.status import Entry, Status
from aftersale.policy.book import Book
from aftersale.times import parse_instant
from aftersale.vocabulary import CaseKind, CloseReason, State
from tests.support.platform_fixtures import StandIn
from trial.environment import Live, Workplace
from trial.watches import LiveWatch
from worker import worker

T = TypeVar("T")

MERCHANT = ("merchant", "M-7")
BUYER = ("buyer", "B-5")
PLATFORM = ("platform", "officer-3")
CARRIER = ("carrier", "sf-express")

TAGGED = {
    "paid_at": "2024-01-29T00:00:00",
    "dispatched_at": None,
    "signed_for_at": None,
    "labels": ["spring_festival_nonstop"],
}
"""An order under the tagged regime (S11)."""

_numbers = count(1)


def at(text: str) -> datetime:
    """An instant in the policy's zone: at("2024-02-04 00:00:00")."""
    return parse_instant(text)


def request(**changes: Any) -> dict[str, Any]:
    """A return of one line of an order of its own, bought untagged on 2024-01-20, delivered on 01-24.

    `order` changes go into the order.
    """
    number = next(_numbers)
    order = {
        "paid_at": "2024-01-20T09:00:00+08:00",
        "dispatched_at": "2024-01-22T10:00:00+08:00",
        "signed_for_at": "2024-01-24T18:00:00+08:00",
        "lines": [{"order_line_id": "L1", "quantity": 2, "paid": {"amount_minor": 12900, "currency": "CNY"}}],
    }
    plain = {
        "case_id": f"C-{number}",
        "order_id": f"O-{number}",
        "merchant_id": "M-7",
        "buyer_ref": "B-5",
        "reason_code": "quality",
        "items": [{"order_line_id": "L1", "quantity": 2, "requested": {"amount_minor": 12900, "currency": "CNY"}}],
    }
    return {**plain, "order": {**order, **changes.pop("order", {})}, **changes}


def stamp(when: str) -> str:
    """`when`, as a back end stamps an act."""
    return when.replace(" ", "T")


def yuan(amount_minor: object = 12900, currency: object = "CNY") -> dict[str, object]:
    """An amount, right or wrong."""
    return {"amount_minor": amount_minor, "currency": currency}


def line(order_line_id: str = "L1", quantity: object = 2, paid: object = None, **more: object) -> dict[str, object]:
    """A line of an order, right or wrong."""
    return {"order_line_id": order_line_id, "quantity": quantity, "paid": paid or yuan(), **more}


def item(order_line_id: str = "L1", quantity: object = 2, requested: object = None) -> dict[str, object]:
    """What is claimed of a line, right or wrong."""
    return {"order_line_id": order_line_id, "quantity": quantity, "requested": requested or yuan()}


# Cases brought to a stage


async def opened(place: Workplace, when: str, **changes: Any) -> Live:
    """A return opened at that instant."""
    return await place.open(CaseKind.RETURN, request(**changes), at(when))


async def approved(place: Workplace, when: str, **changes: Any) -> Live:
    """A return that the merchant approved in the second it was opened."""
    live = await opened(place, when, **changes)
    await live.act("approve", *MERCHANT, occurred_at=stamp(when))
    return live


async def sent_back(place: Workplace, when: str, tracking_no: str = "SF1", **changes: Any) -> Live:
    """A return approved and sent back in the second it was opened."""
    live = await approved(place, when, **changes)
    await ship_back(live, when, tracking_no)
    return live


async def signed_off(place: Workplace, when: str, **changes: Any) -> Live:
    """A return approved, sent back and signed off by the carrier in the second it was opened."""
    live = await sent_back(place, when, **changes)
    await sign_off(live, when)
    return live


async def rejected(place: Workplace, when: str, **changes: Any) -> Live:
    """A return that the merchant refused in the second it was opened."""
    live = await opened(place, when, **changes)
    await live.act("reject", *MERCHANT, reason_code="used", occurred_at=stamp(when))
    return live


async def ship_back(live: Live, when: str, tracking_no: str = "SF1") -> Status:
    """The buyer sends the goods back."""
    return await live.act("ship_back", *BUYER, carrier="sf", tracking_no=tracking_no, occurred_at=stamp(when))


async def sign_off(live: Live, when: str, tracking_no: str = "SF1", event_id: str = "sign-off") -> Status:
    """The carrier reports that the merchant signed for the parcel."""
    await live.scan(tracking_no, "signed_for", at(when), event_id)
    return await live.status()


# What is looked for


async def seen(live: Live, what: Callable[[Status], bool]) -> Status:
    """The status as soon as it shows what is looked for; fails after a minute."""
    try:
        async with asyncio.timeout(60):
            while not what(status := await live.status()):
                await asyncio.sleep(0.02)
    except TimeoutError:
        shown = [(entry.event, entry.says) for entry in (await live.status()).timeline]
        pytest.fail(f"{live.handle.id} never showed it; it shows {shown}")
    return status


async def ended(live: Live) -> Status:
    """The record of a case that ends by itself."""
    return await asyncio.wait_for(live.handle.result(), 60)


async def refused(live: Live) -> Status:
    """The record of a request that opened no case."""
    status = await ended(live)
    assert (status.state, status.close_reason, status.is_final) == (State.CLOSED, CloseReason.REFUSED, True)
    assert (status.next.party, status.deadlines, status.refund.amount_minor) == (None, (), 0)
    return status


async def refusal(call: Awaitable[object]) -> Refusal:
    """The refusal that the call must meet."""
    with pytest.raises(Refusal) as caught:
        await call
    return caught.value


def entries(status: Status, event: str) -> list[Entry]:
    """What the timeline says of an event."""
    return [entry for entry in status.timeline if entry.event == event]


def entry(status: Status, event: str) -> Entry:
    """The one line that the timeline has about an event."""
    found = entries(status, event)
    assert len(found) == 1, f"{event} stands {len(found)} times on {[each.event for each in status.timeline]}"
    return found[0]


# The workplace around a case


async def quiet(live: Live | LiveWatch) -> None:
    """Wait until nothing of it is in hand: a calendar stands still while an activity waits for a worker."""
    async with asyncio.timeout(60):
        while True:
            found = (await live.handle.describe()).raw_description
            if not found.pending_activities and not found.HasField("pending_workflow_task"):
                return
            await asyncio.sleep(0.01)


async def all_of(calls: Iterable[Awaitable[T]]) -> list[T]:
    """What the calls answer, in their order; a few of them are under way at a time."""
    free = asyncio.Semaphore(6)

    async def one(call: Awaitable[T]) -> T:
        async with free:
            return await call

    return await asyncio.gather(*map(one, calls))


@asynccontextmanager
async def working(place: Workplace, book: Book | None = None) -> AsyncIterator[None]:
    """A worker for as long as the block runs, on another policy book where one is given."""
    async with worker(place.client, place.settings, book) as hand, hand:
        yield


async def told(stand_in: StandIn, live: Live, to: str, event: str) -> dict[str, Any]:
    """The message that a party was sent about the case; fails after a minute without it."""
    case_id = live.handle.id.removeprefix("case/")
    async with asyncio.timeout(60):
        while True:
            for message in await stand_in.inbox():
                if (message.get("case_id"), message.get("to"), message.get("event")) == (case_id, to, event):
                    return dict(message)
            await asyncio.sleep(0.02)


async def waiting_activity(live: Live) -> Any:
    """The activity of the case that failed and will be tried again."""
    async with asyncio.timeout(60):
        while True:
            for found in (await live.handle.describe()).raw_description.pending_activities:
                if found.last_failure.message:
                    return found
            await asyncio.sleep(0.02)
