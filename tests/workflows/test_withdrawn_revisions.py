"""A revision was announced that no worker has: what waits for it goes on once that is taken back."""

import asyncio
from typing import Any

from tests.support.cases import BUYER, MERCHANT, approved, at, entries, opened, quiet, seen, working
from tests.support.rollouts import JUNE, edition, of_june
from trial.environment import Live, Workplace

NEXT = 5
OLD, NEW = edition(NEXT - 1), edition(NEXT, of_june())
ORDINARY, MOVED = at("2024-06-10 10:00:00"), at("2024-06-17 10:00:00")


async def signal(live: Live, name: str, revision: int) -> None:
    await live.handle.signal(name, {"revision": revision})


async def waiting(live: Live) -> None:
    """Wait until the case asks for a book that no worker has, where operators see it."""
    async with asyncio.timeout(60):
        while not any(each.last_failure.message for each in await pending(live)):
            await asyncio.sleep(0.02)


async def pending(live: Live) -> list[Any]:
    return list((await live.handle.describe()).raw_description.pending_activities)


async def test_a_stage_that_could_not_begin_begins_by_the_book_in_use(idle: Workplace) -> None:
    async with working(idle, OLD):
        live = await opened(idle, JUNE)
        await signal(live, "policy_published", 99)
        approval = asyncio.ensure_future(live.act("approve", *MERCHANT, occurred_at="2024-06-03T10:00:00"))
        await waiting(live)
        assert not approval.done()
        await signal(live, "policy_withdrawn", 99)
        status = await asyncio.wait_for(approval, 60)
        assert (status.next.respond_by, status.deadlines[0].policy_version) == (ORDINARY, OLD.version)
        await quiet(live)


async def test_clocks_that_run_are_asked_about_no_more_and_stay_as_they_are(idle: Workplace) -> None:
    async with working(idle, OLD):
        live = await approved(idle, JUNE)
        await signal(live, "policy_published", 99)
        await waiting(live)
        await signal(live, "policy_withdrawn", 98)
        assert await pending(live), "another number takes nothing back"
        await signal(live, "policy_withdrawn", 99)
        await quiet(live)
        assert (await live.status()).next.respond_by == ORDINARY


async def test_a_revision_that_was_published_meanwhile_is_asked_for_then(idle: Workplace) -> None:
    async with working(idle, OLD):
        live = await approved(idle, JUNE)
        await quiet(live)
    async with working(idle, NEW):
        await signal(live, "policy_published", 99)
        await waiting(live)
        await signal(live, "policy_published", NEXT)
        assert (await live.act("add_evidence", *BUYER, evidence=[{"uri": "oss://a"}])).next.respond_by == ORDINARY
        await signal(live, "policy_withdrawn", 99)
        status = await seen(live, lambda status: bool(entries(status, "DeadlineChanged")))
        assert status.next.respond_by == MOVED


async def test_a_revision_that_has_answered_is_not_taken_back(idle: Workplace) -> None:
    async with working(idle, OLD):
        live = await opened(idle, JUNE)
        await quiet(live)
    async with working(idle, NEW):
        await signal(live, "policy_published", NEXT)
        await live.when_settled()
        await quiet(live)
        await signal(live, "policy_withdrawn", NEXT)
        await quiet(live)
    async with working(idle, OLD):
        approval = asyncio.ensure_future(live.act("approve", *MERCHANT, occurred_at="2024-06-03T10:00:00"))
        await waiting(live)
    async with working(idle, NEW):
        assert (await asyncio.wait_for(approval, 60)).next.respond_by == MOVED
