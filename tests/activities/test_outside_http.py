"""Calls to services outside: bound in size and time, steered by nobody, wherever an answer would lead."""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from temporalio.exceptions import ApplicationError

from activities import outside_http
from activities.outside_http import MOST_BYTES, open_client
from activities.signed_http import ServiceLabels, SignedService
from aftersale.money import Settlement
from tests.support.raw_service import (
    Answer,
    RawService,
    endless,
    raw_service,
    saying,
    slow_body,
    slow_head,
)
from trial.platform import TRIAL_SECRET

KEY = "case/C-1/refund/1"
PAID = json.dumps({"key": KEY, "status": "succeeded"}).encode()


@pytest.fixture
async def worker_http() -> AsyncIterator[httpx.AsyncClient]:
    """The client that a worker calls out with."""
    async with open_client(httpx.Timeout(60)) as http:
        yield http


async def ask(http: httpx.AsyncClient, service: RawService) -> Settlement:
    """Send something to the service, and read its answer; fails after a minute, as for an answer without end."""
    called = SignedService(http, ServiceLabels("payments", "payment service", "waits"), service.url, TRIAL_SECRET)
    async with asyncio.timeout(60):
        return called.read(Settlement, await called.post("refunds", KEY, "{}"), KEY)


async def fault(http: httpx.AsyncClient, service: RawService) -> str:
    """What is said of an answer that is not taken in; the engine asks again."""
    with pytest.raises(ApplicationError) as raised:
        await ask(http, service)
    assert not raised.value.non_retryable
    return f"{raised.value.type}: {raised.value.message}"


# Size and time


async def test_an_answer_as_long_as_may_be_is_read(worker_http: httpx.AsyncClient) -> None:
    async with raw_service(saying(PAID.ljust(MOST_BYTES))) as service:
        assert await ask(worker_http, service) == Settlement(key=KEY, status="succeeded")


async def test_an_answer_a_byte_longer_is_not(worker_http: httpx.AsyncClient) -> None:
    async with raw_service(saying(PAID.ljust(MOST_BYTES + 1))) as service:
        said = await fault(worker_http, service)
    assert said.startswith(f"payments_garbled: the payment service's answer is longer than {MOST_BYTES} bytes;")


async def test_an_answer_without_end_is_let_go_at_its_bound(worker_http: httpx.AsyncClient) -> None:
    async with raw_service(endless) as service:
        assert "is longer than" in await fault(worker_http, service)
        await asyncio.wait_for(service.left.wait(), 60)


async def test_what_is_packed_is_asked_not_to_be_and_never_opened(worker_http: httpx.AsyncClient) -> None:
    bomb = gzip.compress(PAID.ljust(64 * 1024 * 1024))
    assert len(bomb) < 2 * MOST_BYTES
    async with raw_service(saying(bomb, "Content-Encoding: gzip")) as service:
        said = await fault(worker_http, service)
        assert service.header("Accept-Encoding") == "identity"
    assert said.startswith("payments_garbled: the payment service's answer comes in an encoding, and identity was ")


async def test_an_answer_that_says_it_is_packed_in_nothing_is_read(worker_http: httpx.AsyncClient) -> None:
    async with raw_service(saying(PAID, "Content-Encoding: Identity")) as service:
        assert (await ask(worker_http, service)).status == "succeeded"


async def test_the_body_of_a_failure_is_not_read(worker_http: httpx.AsyncClient) -> None:
    async def failing(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 500 Oh\r\n\r\n")
        while True:
            writer.write(b" " * 65_536)
            await writer.drain()

    async with raw_service(failing) as service:
        called = SignedService(worker_http, ServiceLabels("a", "b", "c"), service.url, TRIAL_SECRET)
        assert (await asyncio.wait_for(called.post("refunds", KEY, "{}"), 60)).content == b""
        await asyncio.wait_for(service.left.wait(), 60)


@pytest.mark.parametrize("slow", [slow_body, slow_head])
async def test_an_answer_that_comes_byte_by_byte_is_not_waited_for_longer_than_any_other(
    worker_http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, slow: Answer
) -> None:
    monkeypatch.setattr(outside_http, "WHOLE", timedelta(seconds=0.5))
    async with raw_service(slow) as service:
        said = await fault(worker_http, service)
        await asyncio.wait_for(service.left.wait(), 60)
    assert said.startswith("payments_unreachable: the payment service did not answer in time;")


# Where it goes, and with what


@pytest.fixture
async def trap() -> AsyncIterator[RawService]:
    """Where nothing may ever come."""
    async with raw_service(saying(PAID)) as nowhere:
        yield nowhere


async def test_the_proxies_and_passwords_of_the_environment_are_not_used(
    trap: RawService, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, trap.url)
        monkeypatch.setenv(name.lower(), trap.url)
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login somebody password sekret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    async with raw_service(saying(PAID)) as service, open_client(httpx.Timeout(60)) as http:
        assert (await ask(http, service)).status == "succeeded"
        assert service.header("Authorization") is None
    assert trap.heads == []


async def test_a_redirect_is_not_followed_whatever_the_client_would_do(trap: RawService) -> None:
    elsewhere = saying(b"", f"Location: {trap.url}/refunds", status="307 Elsewhere")
    async with (
        raw_service(elsewhere) as service,
        httpx.AsyncClient(follow_redirects=True, trust_env=False) as http,
    ):
        called = SignedService(http, ServiceLabels("a", "b", "c"), service.url, TRIAL_SECRET)
        assert (await called.post("refunds", KEY, "{}")).status_code == 307
        assert (await called.get("refunds", KEY)).status_code == 307
    assert trap.heads == []


async def test_no_cookie_is_kept(worker_http: httpx.AsyncClient) -> None:
    async with raw_service(saying(PAID, "Set-Cookie: grows=for-ever")) as service:
        await ask(worker_http, service)
        await ask(worker_http, service)
        assert service.header("Cookie") is None
