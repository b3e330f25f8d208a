"""Channels: apprise URLs with options of our own, whose secrets stay theirs."""

import asyncio
from collections.abc import AsyncIterator
from urllib.parse import parse_qs

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from activities.messaging.channels import Channel, Channels, Notification
from activities.messaging.rendering import Language, RenderedMessage
from aftersale.errors import BadInput
from aftersale.times import parse_instant
from aftersale.vocabulary import Command, MessageEvent, OnTimeout, Party
from tests.support.carrying import NOBODY, inbox_of
from tests.support.drawing import message
from tests.support.platform_fixtures import StandIn
from trial.platform import serve

WORDS = RenderedMessage("Your move 待您处理", "Send the goods back <b>now</b> & keep proof.")

ODD = "100%41 & :to=buyer; a+b = ü <x/> 退款"

FULL = message(
    "C-1",
    1,
    ODD,
    commands=(Command.APPROVE, Command.REJECT),
    respond_by=parse_instant("2024-02-04T00:00:00+08:00"),
    on_timeout=OnTimeout.AUTO_APPROVE,
)

FACTS = {
    "message_id": "C-1/1",
    "case_id": "C-1",
    "order_id": "O-88",
    "to": "merchant",
    "recipient": "M-7",
    "event": "move_awaited",
    "kind": "return",
    "state": "awaiting_merchant_review",
    "says": ODD,
    "commands": "approve,reject",
    "respond_by": "2024-02-04T00:00:00+08:00",
    "on_timeout": "auto_approve",
}


async def sent(channel: str, platform: StandIn) -> dict[str, object]:
    """What the inbox has of the one message that goes through the channel."""
    assert await in_thread(Channel(channel), Notification.of(FULL, WORDS))
    [kept] = await platform.inbox()
    return dict(kept)


async def in_thread(channel: Channel, notification: Notification) -> bool:
    """Whether the channel took it. It blocks, and the inbox is in this loop."""
    return await asyncio.to_thread(channel.send, notification)


async def test_a_program_receives_every_fact_and_people_the_words_with_the_id(platform: StandIn) -> None:
    kept = await sent(inbox_of(platform), platform)
    assert (kept["title"], kept["message"]) == (WORDS.title, f"{WORDS.body}\n\n[C-1/1]")
    assert kept.items() >= FACTS.items()


async def test_what_a_message_does_not_know_has_no_field(platform: StandIn) -> None:
    bare = message("C-1", 1, "", order_id=None, recipient=None)
    await in_thread(Channel(inbox_of(platform)), Notification.of(bare, WORDS))
    [kept] = await platform.inbox()
    assert not kept.keys() & {"order_id", "recipient", "says", "commands", "respond_by", "on_timeout", "corrects"}


async def test_a_digest_carries_the_ids_of_all_its_messages(platform: StandIn) -> None:
    several = [message("C-1", 1), message("C-2", 4)]
    await in_thread(Channel(inbox_of(platform)), Notification.digest(several, WORDS))
    [kept] = await platform.inbox()
    assert kept["message"].endswith("\n\n[C-1/1, C-2/4]")
    assert (kept["event"], kept["message_ids"], kept["to"], kept["recipient"]) == (
        "digest",
        "C-1/1,C-2/4",
        "merchant",
        "M-7",
    )


async def test_a_channels_own_parameters_are_kept_and_ours_are_not_sent(platform: StandIn) -> None:
    kept = await sent(inbox_of(platform, "?:shop=north&aftersale-language=en&-token=t"), platform)
    assert kept["shop"] == "north" and "aftersale" not in str(kept)


async def test_free_text_is_escaped_for_a_channel_that_shows_html(platform: StandIn) -> None:
    kept = await sent(inbox_of(platform, "?format=html"), platform)
    assert "&lt;b&gt;now&lt;/b&gt;" in str(kept["message"]).replace("&nbsp;", " ")


async def test_free_text_is_escaped_for_a_channel_that_shows_markdown(platform: StandIn) -> None:
    notification = Notification.of(FULL, RenderedMessage("T", "[pay here](http://evil.example) *now*"))
    await in_thread(Channel(inbox_of(platform, "?format=markdown")), notification)
    [kept] = await platform.inbox()
    assert kept["message"].startswith(r"\[pay here\]\(http://evil\.example\) \*now\*")


async def test_a_channel_that_is_refused_or_cut_off_did_not_take_the_message(platform: StandIn) -> None:
    channel = Channel(inbox_of(platform))
    for fault in ("status", "reset"):
        await platform.arm(fault, path="/inbox")
        assert not await in_thread(channel, Notification.of(FULL, WORDS))
    assert await platform.inbox() == []


@pytest.fixture
async def received() -> AsyncIterator[tuple[str, list[str]]]:
    """An endpoint for forms and XML, and what it has received."""
    bodies: list[str] = []

    async def take(request: Request) -> Response:
        bodies.append((await request.body()).decode())
        return Response()

    app = Starlette(routes=[Route("/", take, methods=["POST"])])
    app.state.faults = Quiet()
    async with serve(app) as url:
        yield url.removeprefix("http"), bodies


class Quiet:
    """No faults."""

    def clear(self) -> None:
        """Nothing to forget."""


async def test_a_form_and_an_xml_endpoint_receive_every_fact_too(received: tuple[str, list[str]]) -> None:
    address, bodies = received
    for scheme in ("form", "xml"):
        assert await in_thread(Channel(f"{scheme}{address}/"), Notification.of(FULL, WORDS))
    form = {name: value for name, [value] in parse_qs(bodies[0]).items()}
    assert form.items() >= FACTS.items()
    for fact in ("<case_id>C-1</case_id>", "<commands>approve,reject</commands>", "<message_id>C-1/1</message_id>"):
        assert fact in bodies[1]
    assert "<x/>" not in bodies[1]


# Options and settings


def test_without_options_everything_goes_through_at_once_and_in_chinese() -> None:
    plain = Channel(NOBODY)
    assert (plain.language, plain.digest) == (Language.CHINESE, None)
    assert all(plain.takes(event) for event in MessageEvent)


def test_a_channel_takes_the_events_that_it_names() -> None:
    some = Channel(f"{NOBODY}?aftersale-events=alert,%20reminder&Aftersale-Language=EN")
    assert [event for event in MessageEvent if some.takes(event)] == [
        *(MessageEvent.REMINDER, MessageEvent.ALERT),
        MessageEvent.DISCREPANCY,  # which is an alert
    ]
    assert some.language is Language.ENGLISH


def test_apprises_own_language_option_is_left_to_apprise() -> None:
    assert Channel(f"{NOBODY}?language=en").language is Language.CHINESE


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ("aftersale-events=alarm", "names an unknown event in aftersale-events; write some of move_awaited, reminder,"),
        ("aftersale-events=", "names an unknown event in aftersale-events"),
        ("aftersale-language=fr", "names an unknown language in aftersale-language; write zh-CN or en"),
        ("aftersale-digest=1h", "has no period in aftersale-digest; write a duration such as PT1H or P1D"),
        ("aftersale-digest=PT0S", "has no period in aftersale-digest"),
        ("aftersale-event=alert", "has 1 unknown option(s); write aftersale-events, aftersale-language or"),
    ],
)
def test_an_option_that_cannot_be_used_is_said_with_what_can(option: str, said: str) -> None:
    with pytest.raises(BadInput) as raised:
        Channels({Party.BUYER: [NOBODY, f"{NOBODY}?{option}"]})
    assert str(raised.value).startswith(f"notifications.buyer.1: {said}")
    assert "sekret" not in str(raised.value)


def test_unreadable_channels_are_all_named_by_setting_and_not_repeated() -> None:
    with pytest.raises(BadInput) as raised:
        Channels({Party.BUYER: [NOBODY, "carrier-pigeon://sekret@loft"], Party.MERCHANT: [""]}, ["sekret"])
    remedy = "is no channel that apprise can read; write one such as jsons://host:port/path"
    assert [(problem.field, problem.message) for problem in raised.value.problems] == [
        ("notifications.buyer.1", remedy),
        ("notifications.merchant.0", remedy),
        ("notifications.fallback.0", remedy),
    ]
    assert "sekret" not in str(raised.value)


def test_a_channels_name_is_the_same_everywhere_and_says_nothing_of_its_secrets() -> None:
    """What channels took stands in the records under their names, for the next messenger, of whatever process."""
    assert Channel(NOBODY).name == "json-ef1b4616"
    names = [Channel(f"mailto://user:sekret@example.com?to={who}@example.com").name for who in ("a", "b")]
    assert names[0] != names[1] and names[0].startswith("mailto-")
    assert "sekret" not in repr(Channel(NOBODY)) and "127.0.0.1" not in repr(Channel(NOBODY))


def test_a_channel_that_several_settings_name_is_one_channel() -> None:
    channels = Channels({Party.BUYER: [NOBODY, NOBODY], Party.MERCHANT: [NOBODY]})
    [channel] = channels.all
    assert channels.of(message("C-1", 1)) == [channel]
    assert channel.settings == ["notifications.buyer.0", "notifications.buyer.1", "notifications.merchant.0"]


def test_each_party_has_its_own_channels_and_the_others_the_fallback() -> None:
    channels = Channels({Party.BUYER: [f"{NOBODY}/own?aftersale-events=reminder"]}, [NOBODY])
    assert [each.settings for each in channels.of(message("C-1", 1))] == [["notifications.fallback.0"]]
    to_buyer = message("C-1", 1, to=Party.BUYER)
    assert channels.of(to_buyer) == [], "a party's own channels do not give way to the fallback"
    reminder = to_buyer.model_copy(update={"event": MessageEvent.REMINDER})
    assert [each.settings for each in channels.of(reminder)] == [["notifications.buyer.0"]]


def test_what_is_too_long_for_a_provider_is_sent_in_parts() -> None:
    assert Channel("wecombot://abcdefghijklmnop/")._plugin.overflow_mode.value == "split"
    assert Channel("wecombot://abcdefghijklmnop/?overflow=truncate")._plugin.overflow_mode.value == "truncate"
    assert Channel(NOBODY)._plugin.overflow_mode.value == "upstream"
