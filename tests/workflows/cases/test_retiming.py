"""A notice is published while clocks run: they ask again, of a book that knows it (R9, R14)."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date, timedelta
from typing import Any

from aftersale.policy.book import Book
from aftersale.vocabulary import CloseReason, State
from tests.support.books import BOOK, notice
from tests.support.cases import (
    BUYER,
    MERCHANT,
    PLATFORM,
    approved,
    at,
    ended,
    entries,
    entry,
    opened,
    quiet,
    seen,
    sent_back,
    ship_back,
    told,
    waiting_activity,
    working,
)
from tests.support.platform_fixtures import StandIn
from tests.support.posting import sending
from trial.environment import Live, Workplace

JUNE = "2024-06-03 10:00:00"
NEXT = BOOK.revision + 1
OF_JUNE = {"june": ("2024-06-01T00:00:00", "2024-06-30T23:59:59")}


def published(
    clock: str, announced: date = date(2024, 6, 4), *, shorten: bool = False, revision: int = NEXT, **effect: Any
) -> Book:
    """The next book: a notice on the clocks of one kind that started in June 2024."""
    rule = {"id": "T1", "clock": clock, "key": "started", "window": "june"}
    effect |= {"may_shorten": True} if shorten else {}
    added = notice({**rule, "effect": effect}, windows=OF_JUNE, announced=announced)
    return Book([*BOOK.files, added], name=BOOK.name, revision=revision)


@asynccontextmanager
async def on(place: Workplace, book: Book, live: Live, revision: int = NEXT) -> AsyncIterator[None]:
    """A worker with that book, for a case that was told of its revision."""
    async with working(place, book):
        await live.handle.signal("policy_published", {"revision": revision})
        yield


async def returning(place: Workplace, until: str) -> Live:
    """A return that waits for the buyer since 3 June, worked by the book of today; its calendar stands at `until`."""
    async with working(place):
        live = await approved(place, JUNE)
        await quiet(live)
        await live.until(at(until))
        await quiet(live)
    return live


async def test_a_published_notice_moves_a_running_clock_and_says_why(idle: Workplace, idle_stand_in: StandIn) -> None:
    live = await returning(idle, "2024-06-05 10:00:00")
    book = published("buyer_return", set="P14D")
    async with on(idle, book, live):
        status = await seen(live, lambda status: bool(entries(status, "DeadlineChanged")))
        changed = entry(status, "DeadlineChanged")
        assert (changed.previous_due_at, changed.due_at) == (at("2024-06-10 10:00:00"), at("2024-06-17 10:00:00"))
        assert (changed.by, changed.rules, changed.policy_version) == ("policy", ("T1",), book.version)
        assert changed.says.endswith(f"policy book revision {NEXT} was published")
        assert (status.next.respond_by, status.policy_version) == (at("2024-06-17 10:00:00"), book.version)
        assert "T1" in (await told(idle_stand_in, live, "buyer", "deadline_changed"))["message"]
        await live.until(at("2024-06-17 10:00:02"))
        assert entry(await ended(live), "Lapsed").at == at("2024-06-17 10:00:01")


async def test_a_clock_that_fired_is_not_revived(idle: Workplace) -> None:
    async with working(idle):
        live = await opened(idle, JUNE)
        await live.until(at("2024-06-05 10:00:02"))
        await quiet(live)
    async with on(idle, published("merchant_review", set="P30D"), live):
        status = await live.act("add_evidence", *BUYER, evidence=[{"uri": "oss://a"}])
        await quiet(live)
        status = await live.status()
        assert (status.state, len(entries(status, "Lapsed"))) == (State.AWAITING_BUYER_RETURN, 1)
        assert not entries(status, "DeadlineChanged")
        assert status.next.respond_by == at("2024-06-12 10:00:01")


async def test_a_deadline_shortened_into_the_past_leaves_a_day(idle: Workplace) -> None:
    live = await returning(idle, "2024-06-07 10:00:00")
    async with on(idle, published("buyer_return", set="P2D", shorten=True), live):
        status = await seen(live, lambda status: bool(entries(status, "DeadlineChanged")))
        changed, clock = entry(status, "DeadlineChanged"), status.deadlines[0]
        assert (changed.due_at, clock.due_at) == (at("2024-06-05 10:00:00"), at("2024-06-05 10:00:00"))
        assert clock.respond_by == changed.recorded_at + timedelta(days=1)
        await live.until(changed.recorded_at + timedelta(days=1))
        assert (await live.status()).state is State.AWAITING_BUYER_RETURN
        await live.until(changed.recorded_at + timedelta(days=1, seconds=2))
        status = await ended(live)
        assert status.close_reason is CloseReason.NOT_SENT_BACK
        assert entry(status, "Lapsed").at == changed.recorded_at + timedelta(days=1, seconds=1)


async def test_a_deadline_brought_forward_fires_at_its_new_instant(idle: Workplace) -> None:
    live = await returning(idle, "2024-06-04 10:00:00")
    async with on(idle, published("buyer_return", set="P3D", shorten=True), live):
        await seen(live, lambda status: bool(entries(status, "DeadlineChanged")))
        await live.until(at("2024-06-06 10:00:02"))
        assert entry(await ended(live), "Lapsed").at == at("2024-06-06 10:00:01")


async def test_a_notice_that_may_not_shorten_moves_nothing(idle: Workplace) -> None:
    live = await returning(idle, "2024-06-05 10:00:00")
    async with on(idle, published("buyer_return", set="P2D"), live):
        await asked(live)
        status = await live.status()
        assert (status.next.respond_by, entries(status, "DeadlineChanged")) == (at("2024-06-10 10:00:00"), [])


async def test_a_notice_does_not_bind_before_it_is_announced(idle: Workplace) -> None:
    live = await returning(idle, "2024-06-05 10:00:00")
    async with on(idle, published("buyer_return", date(2024, 6, 6), set="P14D"), live):
        await asked(live)
        assert (await live.status()).next.respond_by == at("2024-06-10 10:00:00")


async def test_a_notice_on_other_clocks_leaves_no_trace(idle: Workplace) -> None:
    live = await returning(idle, "2024-06-05 10:00:00")
    async with on(idle, published("escalation", set="P14D"), live):
        await asked(live)
        assert not entries(await live.status(), "DeadlineChanged")


async def test_an_extension_survives_a_publication(idle: Workplace) -> None:
    async with working(idle):
        live = await sent_back(idle, JUNE)
        await live.until(at("2024-06-09 10:00:00"))
        await live.act("extend", *MERCHANT)
        await quiet(live)
    async with on(idle, published("merchant_receipt", set="P10D"), live):
        status = await seen(live, lambda status: len(entries(status, "DeadlineChanged")) == 2)
        assert status.next.respond_by == at("2024-06-20 10:00:00"), "ten days by the notice and the seven granted"


async def test_an_extension_and_a_publication_in_one_task_both_count(idle: Workplace) -> None:
    async with working(idle):
        live = await sent_back(idle, JUNE)
        await live.until(at("2024-06-09 10:00:00"))
        await quiet(live)
    await live.handle.signal("policy_published", {"revision": NEXT})
    extension = await sending(live, lambda live: live.act("extend", *MERCHANT))
    async with working(idle, published("merchant_receipt", set="P10D")):
        await extension
        status = await seen(live, lambda status: status.next.respond_by == at("2024-06-20 10:00:00"))
        assert len(entries(status, "ExtensionTaken")) == 1


async def test_an_extension_that_waited_for_the_newer_book_with_the_publication_is_not_lost(idle: Workplace) -> None:
    async with working(idle):
        live = await sent_back(idle, JUNE)
        await live.until(at("2024-06-09 09:00:00"))
        await quiet(live)
    async with on(idle, BOOK, live):
        extension = asyncio.ensure_future(live.act("extend", *MERCHANT))
        async with asyncio.timeout(60):
            while len((await live.handle.describe()).raw_description.pending_activities) < 2:
                await asyncio.sleep(0.02)
    async with working(idle, published("merchant_receipt", set="P10D")):
        status = await asyncio.wait_for(extension, 60)
        assert status.next.respond_by == at("2024-06-20 10:00:00")
        # Whichever answer comes first, it may hold the other's reason as well: then it moves the deadline alone.
        changes = entries(status, "DeadlineChanged")
        assert (changes[0].previous_due_at, changes[-1].due_at) == (
            at("2024-06-10 10:00:00"),
            at("2024-06-20 10:00:00"),
        )


async def test_an_agreement_is_stronger_than_a_published_notice(idle: Workplace) -> None:
    live = await returning(idle, "2024-06-05 10:00:00")
    async with working(idle):
        await live.act("agree_limit", *PLATFORM, clock="buyer_return", limit="P8D")
        await quiet(live)
    async with on(idle, published("buyer_return", set="P14D"), live):
        await asked(live)
        assert (await live.status()).next.respond_by == at("2024-06-11 10:00:00")


async def test_no_case_is_retimed_on_an_old_book_and_the_case_keeps_answering(idle: Workplace) -> None:
    live = await returning(idle, "2024-06-05 10:00:00")
    async with on(idle, BOOK, live):
        status = await live.act("add_evidence", *BUYER, evidence=[{"uri": "oss://a"}])
        assert status.next.respond_by == at("2024-06-10 10:00:00")
        waiting = await waiting_activity(live)
        assert waiting.activity_type.name == "quote", "it waits where an operator sees it"
        said = f"this worker's policy book is at revision {BOOK.revision}, the case needs {NEXT}; roll the new book out"
        assert said in waiting.last_failure.message
    async with working(idle, published("buyer_return", set="P14D")):
        status = await seen(live, lambda status: bool(entries(status, "DeadlineChanged")))
        assert status.next.respond_by == at("2024-06-17 10:00:00")


async def test_a_stage_that_begins_meanwhile_waits_for_the_newer_book(idle: Workplace) -> None:
    async with working(idle):
        live = await opened(idle, JUNE)
        await live.until(at("2024-06-04 12:00:00"))
        await quiet(live)
    async with on(idle, BOOK, live):
        approval = asyncio.ensure_future(live.act("approve", *MERCHANT, occurred_at="2024-06-04T12:00:00"))
        await waiting_activity(live)
    async with working(idle, published("buyer_return", set="P14D")):
        status = await asyncio.wait_for(approval, 60)
        assert (status.next.respond_by, status.deadlines[0].rules) == (at("2024-06-18 12:00:00"), ("T1",))


async def test_a_clock_that_the_book_does_not_know_is_asked_for_until_one_does(idle: Workplace) -> None:
    torn = Book([file for file in BOOK.files if file.id != "goods-limits"], name=BOOK.name, revision=BOOK.revision)
    async with working(idle, torn):
        live = await opened(idle, JUNE)
        approval = asyncio.ensure_future(live.act("approve", *MERCHANT, occurred_at="2024-06-03T10:00:00"))
        said = (await waiting_activity(live)).last_failure.message
        assert "no limit for buyer_return" in said
        assert "publish a book that answers it" in said
    async with working(idle):
        assert (await asyncio.wait_for(approval, 60)).next.respond_by == at("2024-06-10 10:00:00")


async def test_a_case_that_waits_for_a_newer_book_can_be_withdrawn(idle: Workplace) -> None:
    live = await returning(idle, "2024-06-05 10:00:00")
    async with on(idle, BOOK, live):
        status = await live.act("withdraw", *BUYER)
        assert status.close_reason is CloseReason.WITHDRAWN
        assert (await ended(live)).is_final


async def test_a_stage_that_begins_after_a_publication_asks_the_newer_book(idle: Workplace) -> None:
    async with working(idle):
        live = await opened(idle, JUNE)
        await live.until(at("2024-06-04 12:00:00"))
        await quiet(live)
    async with on(idle, published("buyer_return", set="P14D"), live):
        status = await live.act("approve", *MERCHANT, occurred_at="2024-06-04T12:00:00")
        assert (status.next.respond_by, status.deadlines[0].rules) == (at("2024-06-18 12:00:00"), ("T1",))
        assert (await ship_back(live, "2024-06-04 12:00:00")).state is State.AWAITING_MERCHANT_RECEIPT


async def test_an_older_revision_asks_nothing(idle: Workplace) -> None:
    live = await returning(idle, "2024-06-05 10:00:00")
    async with on(idle, published("buyer_return", set="P14D", revision=7), live, revision=7):
        await seen(live, lambda status: bool(entries(status, "DeadlineChanged")))
        await quiet(live)
        before = await live.handle.fetch_history()
        await live.handle.signal("policy_published", {"revision": 6})
        await live.handle.signal("policy_published", {"revision": 7})
        await quiet(live)
        after = (await live.handle.fetch_history()).events[len(before.events) :]
        assert not [event for event in after if event.HasField("activity_task_scheduled_event_attributes")]


async def asked(live: Live) -> None:
    """Wait until the case has asked the newer book."""
    async with asyncio.timeout(60):
        while True:
            await quiet(live)
            events = (await live.handle.fetch_history()).events
            last = [event for event in events if event.HasField("activity_task_scheduled_event_attributes")][-1]
            if last.activity_task_scheduled_event_attributes.activity_type.name == "quote":
                return
            await asyncio.sleep(0.02)
