"""Every party is told through its channels, at least once, and a broken channel is retried alone."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import pytest
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities.notifications import Notifications
from aftersale.errors import BadInput
from aftersale.kinds import Party
from aftersale.messages import Message
from aftersale.times import parse_instant
from tests.platform_fixtures import StandIn

NOBODY = "json://user:sekret@127.0.0.1:1/inbox"


def message(to: Party, n: int = 1, **fields: Any) -> Message:
    """The nth message that the case owes, to one party."""
    given = {"event": "approved", "title": "Approved 已同意", "body": "Send the goods back <b>now</b> & keep proof."}
    return Message(message_id=f"case/C-1/message/{n}", case_id="C-1", to=to, **given | fields)


def inbox_of(platform: StandIn, query: str = "") -> str:
    """The platform's inbox as a channel."""
    return f"{platform.url.replace('http', 'json')}/inbox{query}"


async def attempt(notifications: Notifications, messages: list[Message], delivered: Sequence[str] = ()) -> list[str]:
    """One attempt, beginning with what earlier ones left in the heartbeat; what it leaves there in turn."""
    env = ActivityEnvironment()
    env.info = dataclasses.replace(env.info, heartbeat_details=list(delivered))
    left = list(delivered)

    def heard(*details: str) -> None:
        left[:] = details

    env.on_heartbeat = heard
    try:
        await env.run(notifications.notify, messages)
    except ApplicationError as error:
        raise Undelivered(error, left) from error
    return left


class Undelivered(Exception):
    """A failed attempt: what was raised, and what the heartbeat kept."""

    def __init__(self, error: ApplicationError, delivered: list[str]) -> None:
        super().__init__(error.message)
        self.error = error
        self.delivered = delivered


async def told(platform: StandIn) -> list[tuple[str, str, int]]:
    """Which message reached whom, and how often."""
    return [(kept["message_id"], kept["to"], kept["deliveries"]) for kept in await platform.inbox()]


async def test_a_party_is_told_with_the_id_by_which_a_repeat_is_known(platform: StandIn) -> None:
    respond_by = parse_instant("2024-02-04T00:00:00+08:00")
    await attempt(Notifications({Party.BUYER: [inbox_of(platform)]}), [message(Party.BUYER, respond_by=respond_by)])
    [kept] = await platform.inbox()
    assert kept["title"] == "Approved 已同意"
    assert kept["message"] == "Send the goods back <b>now</b> & keep proof.\n\n[case/C-1/message/1]"
    assert {name: kept[name] for name in ("message_id", "case_id", "to", "event", "respond_by", "deliveries")} == {
        "message_id": "case/C-1/message/1",
        "case_id": "C-1",
        "to": "buyer",
        "event": "approved",
        "respond_by": "2024-02-04T00:00:00+08:00",
        "deliveries": 1,
    }


async def test_a_channels_own_parameters_are_kept(platform: StandIn) -> None:
    channel = inbox_of(platform, "?:shop=north")
    await attempt(Notifications({Party.MERCHANT: [channel]}), [message(Party.MERCHANT)])
    [kept] = await platform.inbox()
    assert (kept["shop"], kept["to"]) == ("north", "merchant")


async def test_free_text_is_escaped_for_a_channel_that_shows_html(platform: StandIn) -> None:
    await attempt(Notifications({}, [inbox_of(platform, "?format=html")]), [message(Party.BUYER)])
    [kept] = await platform.inbox()
    assert "&lt;b&gt;now&lt;/b&gt;" in kept["message"].replace("&nbsp;", " ")


async def test_each_party_has_its_own_channels_and_the_others_the_fallback(platform: StandIn) -> None:
    notifications = Notifications(
        {Party.BUYER: [inbox_of(platform, "?:through=own")]}, [inbox_of(platform, "?:through=fallback")]
    )
    await attempt(notifications, [message(Party.BUYER, 1), message(Party.MERCHANT, 2)])
    assert [(kept["to"], kept["through"]) for kept in await platform.inbox()] == [
        ("buyer", "own"),
        ("merchant", "fallback"),
    ]


async def test_a_party_without_a_channel_is_not_told_and_nothing_fails(platform: StandIn) -> None:
    notifications = Notifications({Party.BUYER: [inbox_of(platform)], Party.CARRIER: []})
    await attempt(notifications, [message(Party.MERCHANT, 1), message(Party.CARRIER, 2), message(Party.BUYER, 3)])
    assert await told(platform) == [("case/C-1/message/3", "buyer", 1)]


async def test_a_broken_channel_names_party_and_message_and_keeps_its_secrets(platform: StandIn) -> None:
    notifications = Notifications({Party.MERCHANT: [NOBODY]}, [inbox_of(platform)])
    with pytest.raises(Undelivered) as raised:
        await attempt(notifications, [message(Party.MERCHANT, 1), message(Party.MERCHANT, 2), message(Party.BUYER, 3)])
    error = raised.value.error
    assert error.type == "notifications_undelivered"
    assert not error.non_retryable
    assert "merchant (case/C-1/message/1), merchant (case/C-1/message/2)" in error.message
    assert "buyer" not in error.message
    assert "sekret" not in str(error)
    assert "127.0.0.1" not in str(error)
    assert await told(platform) == [("case/C-1/message/3", "buyer", 1)]


async def test_a_retry_sends_only_what_was_not_delivered(platform: StandIn) -> None:
    notifications = Notifications({}, [inbox_of(platform)])
    messages = [message(Party.BUYER, 1), message(Party.MERCHANT, 2), message(Party.PLATFORM, 3)]
    await platform.arm("status", path="/inbox", status=500, key="message/2")
    with pytest.raises(Undelivered, match=r"merchant \(case/C-1/message/2\)") as raised:
        await attempt(notifications, messages)
    await attempt(notifications, messages, raised.value.delivered)
    assert sorted(await told(platform)) == [
        ("case/C-1/message/1", "buyer", 1),
        ("case/C-1/message/2", "merchant", 1),
        ("case/C-1/message/3", "platform", 1),
    ]


async def test_a_partys_broken_channel_does_not_repeat_its_good_one(platform: StandIn) -> None:
    notifications = Notifications({Party.BUYER: [NOBODY, inbox_of(platform)]})
    delivered: list[str] = []
    for _ in range(2):
        with pytest.raises(Undelivered) as raised:
            await attempt(notifications, [message(Party.BUYER)], delivered)
        delivered = raised.value.delivered
    assert await told(platform) == [("case/C-1/message/1", "buyer", 1)]


async def test_a_cut_connection_is_a_failed_delivery(platform: StandIn) -> None:
    await platform.arm("reset", path="/inbox")
    with pytest.raises(Undelivered, match="a channel did not take the message for buyer"):
        await attempt(Notifications({}, [inbox_of(platform)]), [message(Party.BUYER)])
    assert await platform.inbox() == []


async def test_a_lost_acknowledgement_is_sent_again_under_the_same_id(platform: StandIn) -> None:
    notifications = Notifications({}, [inbox_of(platform)])
    await platform.arm("lose_answer", path="/inbox")
    with pytest.raises(Undelivered) as raised:
        await attempt(notifications, [message(Party.BUYER)])
    await attempt(notifications, [message(Party.BUYER)], raised.value.delivered)
    assert await told(platform) == [("case/C-1/message/1", "buyer", 2)]


def test_unreadable_channels_are_all_named_by_setting_and_not_repeated() -> None:
    with pytest.raises(BadInput) as raised:
        Notifications({Party.BUYER: [NOBODY, "carrier-pigeon://sekret@loft"], Party.MERCHANT: [""]}, ["sekret"])
    remedy = "is no channel that apprise can read; write one such as json://host:port/path"
    assert [(problem.field, problem.message) for problem in raised.value.problems] == [
        ("notifications.buyer.1", remedy),
        ("notifications.merchant.0", remedy),
        ("notifications.fallback.0", remedy),
    ]
    assert "sekret" not in str(raised.value)
