"""A relay of the outbox: it comes and goes without losing or repeating anything, and outlives its records' troubles."""

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from unittest.mock import Mock

import pytest

import activities.messaging.deliver
from activities.messaging.deliver import LAST
from activities.messaging.relay import OutboxRelay
from activities.present import read_from
from aftersale import records
from aftersale.records import Backlog, Leased, Records
from aftersale.vocabulary import Party
from tests.support.carrying import NOBODY, Clock, all_done, at_work, inbox_of, messenger, owe, told
from tests.support.drawing import HOUR, NOW, message
from tests.support.outages import locked, stopped
from tests.support.platform_fixtures import StandIn, until
from trial.postgres import Server


async def test_two_messengers_deliver_nothing_twice(url: str, kept: Records, platform: StandIn) -> None:
    for number in range(60):
        owe(kept, message(f"C-{number}", 1), message(f"C-{number}", 2, to=Party.BUYER))
    with records.open(url) as others:
        hands = [messenger(each, {}, [inbox_of(platform)]) for each in (kept, others)]
        async with at_work(hands[0], hands[0], hands[1]):
            await all_done(kept)
    assert await told(platform) == {f"C-{number}/{place}": 1 for number in range(60) for place in (1, 2)}


async def test_a_worker_that_shuts_down_finishes_what_is_on_its_way_and_gives_back_the_rest(
    kept: Records, platform: StandIn
) -> None:
    await platform.arm("hold", path="/inbox", times=4)
    for number in range(30):
        owe(kept, message(f"C-{number}", 1))
    async with at_work(messenger(kept, {}, [inbox_of(platform)])) as work:
        await until(lambda: held(platform), 4)
        work.env.worker_shutdown()
        await asyncio.sleep(0.2)
        assert not work.done.done()
        await platform.http.post("/faults/release")
        await asyncio.wait_for(work.done, 60)
    assert kept.outbox.backlog(NOW) == Backlog(26, 4, 0, 0, kept.outbox.backlog(NOW).oldest)
    assert sorted((await told(platform)).values()) == [1] * 4


async def test_what_is_still_on_its_way_when_the_worker_must_go_stays_on_lease(
    kept: Records, platform: StandIn
) -> None:
    """It may arrive yet: nobody is to send it a second time while it can."""
    await platform.arm("hold", path="/inbox")
    owe(kept, message("C-1", 1))
    async with at_work(messenger(kept, {}, [inbox_of(platform)], last_answers=timedelta(seconds=0.1))) as work:
        await until(platform.holding, ["C-1/1"])
        await work.stopped()
        assert await platform.holding() == ["C-1/1"], "it left without that answer"
    assert await asyncio.to_thread(lambda: kept.outbox.backlog(NOW)) == Backlog(
        1, 0, 0, 1, kept.outbox.backlog(NOW).oldest
    )
    await platform.http.post("/faults/release")


async def test_what_is_on_its_way_stays_its_messengers_for_as_long_as_that_one_lives(
    kept: Records, platform: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    lease, standing = timedelta(seconds=0.3), Clock(NOW)
    renewed = Mock(wraps=kept.outbox.renew)
    monkeypatch.setattr(kept.outbox, "renew", renewed)
    await platform.arm("hold", path="/inbox")
    owe(kept, message("C-1", 1), now=NOW)
    with read_from(lambda: standing.instant):
        async with at_work(messenger(kept, {}, [inbox_of(platform)], lease=lease)):
            await until(platform.holding, ["C-1/1"])
            for _ in range(4):
                standing.instant += lease / 2
                await until(later(renewed), True)
            assert await asyncio.to_thread(kept.outbox.lease, "next", 1, standing.instant, lease) == []
            await platform.http.post("/faults/release")
            await all_done(kept)
    assert await told(platform) == {"C-1/1": 1}


async def test_what_another_messenger_took_over_meanwhile_does_not_set_out(
    kept: Records, platform: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after a long sleep of the first: its lease ended, and its messages are on their way from elsewhere."""
    lease, taken = kept.outbox.lease, list[str]()

    def taken_over(owner: str, *call: Any) -> list[Leased]:
        mine = lease(owner, *call)
        taken.extend(each.message.message_id for each in lease("next", 9, call[1] + call[2], HOUR))
        return mine

    monkeypatch.setattr(kept.outbox, "lease", taken_over)
    await platform.arm("hold", path="/inbox", times=4)
    owe(kept, *(message("C-1", place) for place in range(1, 7)), now=NOW)
    with read_from(lambda: NOW):
        async with at_work(messenger(kept, {}, [inbox_of(platform)], lease=timedelta(seconds=0.3))):
            await until(lambda: held(platform), 4)
            renewed = Mock(wraps=kept.outbox.renew)
            monkeypatch.setattr(kept.outbox, "renew", renewed)
            for _ in range(3):
                await until(later(renewed), True)
            await platform.http.post("/faults/release")
            await until(lambda: sent(kept), 4)
    assert sorted((await told(platform)).values()) == [1] * 4 and len(taken) == 6


async def test_a_cancelled_messenger_gives_back_what_it_has(kept: Records, platform: StandIn) -> None:
    owe(kept, message("C-1", 1), message("C-1", 2))
    hand = messenger(kept, {}, [NOBODY, inbox_of(platform)])
    async with at_work(hand) as work:
        await until(lambda: told(platform), {"C-1/1": 1, "C-1/2": 1})
        work.env.cancel()
        with pytest.raises(asyncio.CancelledError):
            await work.done
    backlog = kept.outbox.backlog(NOW)
    assert (backlog.pending, backlog.leased) == (2, 0)


async def test_what_was_leased_at_the_moment_of_a_cancellation_is_given_back(
    kept: Records, platform: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    lease = kept.outbox.lease

    def slowly(*call: Any) -> list[Leased]:
        taken = lease(*call)
        time.sleep(0.2 if taken else 0)
        return taken

    monkeypatch.setattr(kept.outbox, "lease", slowly)
    owe(kept, message("C-1", 1), message("C-1", 2))
    async with at_work(messenger(kept, {}, [inbox_of(platform)])) as work:
        await until(lambda: asyncio.to_thread(lambda: kept.outbox.backlog(NOW).leased), 2)
        work.env.cancel()
        with pytest.raises(asyncio.CancelledError):
            await work.done
    assert kept.outbox.backlog(NOW).leased == 0 and await platform.inbox() == []


async def test_a_messenger_leaves_by_itself_before_its_time_is_over(
    kept: Records, monkeypatch: pytest.MonkeyPatch
) -> None:
    ends, end = list[timedelta](), activities.messaging.deliver._end

    async def noted(relay: OutboxRelay, after: timedelta) -> None:
        ends.append(after)
        await end(relay, after)

    monkeypatch.setattr("activities.messaging.deliver._end", noted)
    async with at_work(messenger(kept, {}), limit=timedelta(seconds=1)) as work:
        await asyncio.wait_for(asyncio.shield(work.done), 60)
    async with at_work(messenger(kept, {}), limit=timedelta(hours=1)):
        await until(lambda: asyncio.sleep(0, len(ends)), 2)
    assert ends == [timedelta(seconds=0.5), timedelta(hours=1) - LAST]


async def test_an_idle_messenger_leaves_at_once_when_its_worker_shuts_down(
    kept: Records, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked = Mock(wraps=kept.outbox.lease)
    monkeypatch.setattr(kept.outbox, "lease", looked)
    async with at_work(messenger(kept, {}, idle=timedelta(hours=1))) as work:
        await until(lambda: asyncio.sleep(0, looked.called), True)
        await work.stopped()


# Records in trouble


@contextmanager
def away(url: str, request: pytest.FixtureRequest) -> Iterator[None]:
    """Records that cannot be written for as long as the block runs."""
    if url.startswith("sqlite"):
        with locked(url):
            yield
    else:
        server: Server = request.getfixturevalue("postgres")
        with stopped(server):
            yield


async def test_records_that_are_away_are_waited_for_with_signs_of_life_and_one_warning(
    url: str, platform: StandIn, request: pytest.FixtureRequest, caplog: pytest.LogCaptureFixture
) -> None:
    with records.open(url, patience=0.2) as kept:
        owe(kept, message("C-1", 1))
        hand = messenger(kept, {}, [inbox_of(platform)])
        with caplog.at_level(logging.INFO, "aftersale.messenger"):
            with away(url, request):
                async with at_work(hand, heartbeat=timedelta(seconds=0.3)) as work:
                    await until(lambda: asyncio.sleep(0, work.heartbeats >= 5 and warned(caplog) == 1), True)
                    assert not work.done.done()
                assert work.done.exception() is None, "it leaves in peace though nobody hears its report"
            async with at_work(hand):
                await all_done(kept)
    assert await told(platform) == {"C-1/1": 1}
    assert warned(caplog) == 1


async def test_a_report_that_the_records_do_not_take_is_made_when_they_are_back(
    url: str, platform: StandIn, request: pytest.FixtureRequest, caplog: pytest.LogCaptureFixture
) -> None:
    with records.open(url, patience=0.2) as kept, caplog.at_level(logging.WARNING, "aftersale.messenger"):
        await platform.arm("hold", path="/inbox")
        owe(kept, message("C-1", 1))
        async with at_work(messenger(kept, {}, [inbox_of(platform)])):
            await until(platform.holding, ["C-1/1"])
            with away(url, request):
                await platform.http.post("/faults/release")
                await until(lambda: told(platform), {"C-1/1": 1})
                await until(lambda: asyncio.sleep(0, warned(caplog)), 1)
            await all_done(kept)
    assert await told(platform) == {"C-1/1": 1}


def warned(caplog: pytest.LogCaptureFixture) -> int:
    """How often it was said that the records are away."""
    warnings = [entry.getMessage() for entry in caplog.records if entry.levelno == logging.WARNING]
    return len([each for each in warnings if "the records in" in each])


def later(called: Mock) -> Callable[[], Coroutine[Any, Any, bool]]:
    """Ask whether it was called once more since."""
    calls = called.call_count
    return lambda: asyncio.sleep(0, called.call_count > calls)


async def sent(kept: Records) -> int:
    return (await asyncio.to_thread(kept.outbox.backlog, NOW)).sent


async def held(platform: StandIn) -> int:
    return len(await platform.holding())
