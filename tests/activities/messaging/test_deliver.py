"""The messenger: every message at least once through each of its channels, and none keeps another waiting."""

import asyncio
import logging
from datetime import UTC, datetime, timedelta

import pytest

from aftersale.records import Backlog, Records
from aftersale.records.tables import outbox
from aftersale.vocabulary import MessageEvent, Party
from tests.support.carrying import NOBODY, all_done, at_work, inbox_of, messenger, owe, pending, refusals, told, tries
from tests.support.drawing import HOUR, NOW, message
from tests.support.platform_fixtures import StandIn, until


def put_off(kept: Records, message_id: str) -> bool:
    """Tell whether a message was in a messenger's hands and is to wait."""
    with kept.transactions.engine.begin() as connection:
        [row] = connection.execute(outbox.select().where(outbox.c.message_id == message_id)).all()
    return row.lease_owner is None and row.next_try_at > datetime.now(UTC) + HOUR / 2


DONE = Backlog(pending=0, sent=1, withdrawn=0, leased=0, oldest=None)


# Which way messages go


async def test_a_message_goes_out_once_in_words_and_facts_and_is_done(kept: Records, platform: StandIn) -> None:
    owe(kept, message("C-1", 1))
    async with at_work(messenger(kept, {Party.MERCHANT: [inbox_of(platform)]})):
        await all_done(kept)
    [found] = await platform.inbox()
    assert (found["title"], found["message_id"], found["deliveries"]) == ("退货退款 C-1：待您处理", "C-1/1", 1)
    assert kept.outbox.backlog(NOW) == DONE


async def test_a_party_without_channels_is_not_told_and_nothing_is_owed(kept: Records, platform: StandIn) -> None:
    owe(kept, message("C-1", 1, to=Party.CARRIER))
    async with at_work(messenger(kept, {Party.BUYER: [inbox_of(platform)], Party.CARRIER: []})):
        await all_done(kept)
    assert await platform.inbox() == [] and kept.outbox.backlog(NOW) == DONE


async def test_channels_get_the_events_that_they_take_in_their_language(kept: Records, platform: StandIn) -> None:
    alerts = inbox_of(platform, "?:through=alerts&aftersale-events=alert&aftersale-language=en")
    everything = inbox_of(platform, "?:through=all")
    alert = message("C-1", 2, to=Party.PLATFORM, event=MessageEvent.ALERT)
    owe(kept, message("C-1", 1, to=Party.PLATFORM), alert)
    async with at_work(messenger(kept, {Party.PLATFORM: [alerts]}, [everything])):
        await all_done(kept)
    [found] = await platform.inbox()
    assert (found["through"], found["title"]) == ("alerts", "return C-1: a clock has run out")
    assert kept.outbox.backlog(NOW).sent == 2


async def test_a_lost_acknowledgement_is_sent_again_under_the_same_id(kept: Records, platform: StandIn) -> None:
    await platform.arm("lose_answer", path="/inbox")
    owe(kept, message("C-1", 1))
    async with at_work(messenger(kept, {}, [inbox_of(platform)])):
        await all_done(kept)
    assert await told(platform) == {"C-1/1": 2}


# Channels in trouble


async def test_a_broken_channel_is_tried_again_alone_and_its_address_stays_secret(
    kept: Records, platform: StandIn, caplog: pytest.LogCaptureFixture
) -> None:
    owe(kept, message("C-1", 1))
    hand = messenger(kept, {Party.MERCHANT: [NOBODY, inbox_of(platform)]})
    with caplog.at_level(logging.INFO, "aftersale.messenger"):
        async with at_work(hand):
            await until(lambda: asyncio.to_thread(lambda: max(tries(kept).values(), default=0) >= 3), True)
    assert await told(platform) == {"C-1/1": 1}
    [line, *_] = [entry.getMessage() for entry in caplog.records if entry.name == "aftersale.messenger"]
    assert line.startswith("channel json-ef1b4616 (notifications.merchant.0) did not take the message: C-1/1; it rests")
    assert "sekret" not in caplog.text
    [(broken, _), (sound, _)] = sorted(tries(kept), key=lambda found: found[1])
    assert broken == "json-ef1b4616" and tries(kept)[sound, True] == 1


async def test_an_endpoint_that_was_away_gets_everything_once_it_is_back_without_being_pestered(
    kept: Records, platform: StandIn
) -> None:
    await platform.arm("status", path="/inbox", times=10_000, status=503)
    for number in range(30):
        owe(kept, message(f"C-{number}", 1), message(f"C-{number}", 2))
    hand = messenger(kept, {}, [inbox_of(platform)])
    [circuit] = hand._transport.circuits.values()
    async with at_work(hand):
        await until(lambda: asyncio.sleep(0, circuit._failures >= 4), True)
        assert 4 <= await refusals(platform, 10_000) <= 4 + circuit._failures, (
            "four at first, then one after each pause"
        )
        await platform.http.delete("/faults")
        await all_done(kept)
    assert await told(platform) == {f"C-{number}/{place}": 1 for number in range(30) for place in (1, 2)}
    assert {attempts for (_, took), attempts in tries(kept).items() if took} <= {1, 2, 3, 4, 5, 6, 7}


async def test_after_a_rest_one_message_goes_first_and_the_others_wait_for_its_answer(
    kept: Records, platform: StandIn
) -> None:
    await platform.arm("status", path="/inbox", times=1)
    await platform.arm("hold", path="/inbox", times=1)
    owe(kept, message("C-0", 1))
    async with at_work(messenger(kept, {}, [inbox_of(platform)])):
        await until(platform.holding, ["C-0/1"])
        for number in range(1, 6):
            owe(kept, message(f"C-{number}", 1))
        await asyncio.sleep(0.3)
        assert len(await told(platform)) == 1
        await platform.http.post("/faults/release")
        await all_done(kept)
    assert await told(platform) == {f"C-{number}/1": 1 for number in range(6)}


async def test_a_channel_that_does_not_answer_keeps_no_other_waiting(kept: Records, platform: StandIn) -> None:
    await platform.arm("hold", path="/inbox", times=100, key="M-")
    for number in range(50):
        owe(kept, message(f"M-{number}", 1))
    for number in range(50):
        owe(kept, message(f"B-{number}", 1, to=Party.BUYER))
    hand = messenger(kept, {Party.BUYER: [inbox_of(platform)], Party.MERCHANT: [inbox_of(platform, "?:to=shop")]})
    async with at_work(hand):
        await until(lambda: pending(kept), 50)
        assert 1 <= len(await platform.holding()) <= 4
        await platform.http.delete("/faults")
        await all_done(kept)
    assert set((await told(platform)).values()) == {1}


async def test_a_message_that_its_channel_never_takes_does_not_stop_the_others(
    kept: Records, platform: StandIn
) -> None:
    await platform.arm("status", path="/inbox", times=10_000, key="C-0/", status=400)
    owe(kept, message("C-0", 1))
    async with at_work(messenger(kept, {}, [inbox_of(platform)])):
        await until(lambda: asyncio.to_thread(lambda: max(tries(kept).values(), default=0) >= 3), True)
        for number in range(1, 10):
            owe(kept, message(f"C-{number}", 1))
        await until(lambda: pending(kept), 1)
    assert await told(platform) == {f"C-{number}/1": 1 for number in range(1, 10)}


async def test_being_put_off_while_a_channel_rests_is_no_attempt(kept: Records, platform: StandIn) -> None:
    owe(kept, *(message("C-1", number) for number in range(1, 4)))
    hand = messenger(kept, {}, [NOBODY], first_pause=timedelta(hours=1), most_pause=timedelta(hours=1))
    async with at_work(hand):
        await until(lambda: asyncio.to_thread(lambda: set(tries(kept).values())), {1})
        owe(kept, message("C-2", 1))
        await until(lambda: asyncio.to_thread(put_off, kept, "C-2/1"), True)
    assert kept.outbox.backlog(NOW).leased == 0
    later = {
        each.message.message_id: each.attempts for each in kept.outbox.lease("a", 9, datetime.now(UTC) + 2 * HOUR, HOUR)
    }
    assert later["C-2/1"] == 1, "this lease is its first attempt"
