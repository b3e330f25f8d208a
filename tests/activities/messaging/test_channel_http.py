"""Channels are spoken to within the bounds of every other outside service, whatever answers there."""

import asyncio
import gzip
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
import requests

from activities.messaging import channel_http
from activities.messaging.channels import Channel, Channels, Notification
from activities.outside_http import MOST_BYTES
from aftersale.errors import BadInput
from aftersale.vocabulary import Party
from tests.support.raw_service import (
    Answer,
    RawService,
    endless,
    raw_service,
    saying,
    slow_body,
    slow_head,
    slow_status,
)

NOTE = Notification("title", "body", ("C-1/1",), {"message_id": "C-1/1"})


async def send(service: RawService, user: str = "") -> bool:
    """Send a message there, as a messenger does; fails after a minute, as for an answer without end."""
    channel = Channel(f"json://{user}127.0.0.1:{service.port}/inbox")
    async with asyncio.timeout(60):
        return await asyncio.to_thread(channel.send, NOTE)


@pytest.fixture
async def trap() -> AsyncIterator[RawService]:
    """Where nothing may ever come."""
    async with raw_service(saying(b"")) as nowhere:
        yield nowhere


async def test_a_channel_whose_answer_has_no_end_took_the_message_and_is_let_go() -> None:
    async with raw_service(endless) as service:
        assert await send(service)
        await asyncio.wait_for(service.left.wait(), 60)


async def test_what_a_channel_packs_is_asked_not_to_be_and_never_opened() -> None:
    bomb = gzip.compress(b" " * 64 * 1024 * 1024)
    async with raw_service(saying(bomb, "Content-Encoding: gzip")) as service:
        assert await send(service)
        assert service.header("Accept-Encoding") == "identity"
        read = await asyncio.to_thread(requests.get, service.url, timeout=60)
    assert read.content == bomb[:MOST_BYTES]


@pytest.mark.parametrize(("slow", "taken"), [(slow_body, True), (slow_head, True), (slow_status, False)])
async def test_a_channel_that_answers_byte_by_byte_is_not_waited_for_longer_than_any_other(
    monkeypatch: pytest.MonkeyPatch, slow: Answer, taken: bool
) -> None:
    monkeypatch.setattr(channel_http, "WHOLE", timedelta(seconds=0.5))
    async with raw_service(slow) as service:
        assert await send(service) is taken, "what has said 200 has taken it"
        await asyncio.wait_for(service.left.wait(), 60)


async def test_a_channels_redirect_is_not_followed_and_counts_as_not_taken(trap: RawService) -> None:
    elsewhere = saying(b"", f"Location: {trap.url}/inbox", status="307 Elsewhere")
    async with raw_service(elsewhere) as service:
        assert not await send(service)
    assert trap.heads == []


async def test_a_channel_is_given_the_password_of_its_url_and_none_of_the_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login somebody password sekret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    async with raw_service(saying(b"")) as service:
        assert await send(service)
        assert service.header("Authorization") is None
        assert await send(service, "inbox:word@")
        assert service.header("Authorization") == "Basic aW5ib3g6d29yZA=="


async def test_a_channel_beyond_this_machine_is_reached_by_the_environments_proxy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    async with raw_service(saying(b"", status="502 No")) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        monkeypatch.setenv("https_proxy", proxy.url)
        assert not await asyncio.to_thread(Channel("jsons://inbox.example/inbox").send, NOTE)
    assert proxy.heads[0].startswith("CONNECT inbox.example:443 ")


@pytest.mark.parametrize("scheme", ["json", "form", "xml"])
def test_an_endpoint_in_the_clear_is_refused_beyond_this_machine(scheme: str) -> None:
    with pytest.raises(BadInput) as raised:
        Channels({Party.MERCHANT: [f"{scheme}://user:sekret@inbox.example/a"]})
    assert str(raised.value) == (
        "notifications.merchant.0: would be told in the clear, which is for this machine alone; "
        f"write {scheme}s://host/path"
    )


@pytest.mark.parametrize(
    "url", ["json://localhost:8080/a", "json://127.0.0.1/a", "json://[::1]:8080/a", "jsons://inbox.example/a"]
)
def test_an_endpoint_on_this_machine_or_by_tls_is_taken(url: str) -> None:
    assert Channels({Party.MERCHANT: [url]}).all


def test_other_channels_are_left_to_say_how_they_are_reached() -> None:
    assert Channels({Party.MERCHANT: ["mailto://user:word@example.com"]}).all
