"""HTTP to services outside: the environment steers no request, and no answer is larger, or takes longer, than is due.

What a service sends is read as it comes and let go at its bound: nothing that it says can fill this process or hold it.
"""

import asyncio
import ipaddress
from dataclasses import dataclass
from datetime import timedelta
from http.cookiejar import CookieJar, DefaultCookiePolicy

import httpx

MOST_BYTES = 64 * 1024
"""The most that is read of an answer: a hundred times what the longest of them needs."""

WHOLE = timedelta(seconds=15)
"""How long a request may take, to its answer's last byte. A client's own limits hold from one byte to the next, so that
a service which sends one at a time would never meet them. Three of them end within an attempt's minute."""


@dataclass(frozen=True)
class ServiceAnswer:
    """What a service answered; `content` is the body of a 200, which alone is read."""

    status_code: int
    content: bytes = b""


class AnswerRefused(Exception):
    """The answer is not taken in; the words go on after "the service's answer"."""


def open_client(timeout: httpx.Timeout) -> httpx.AsyncClient:
    """Return a client that takes neither proxies nor passwords from the environment, and keeps no cookies.

    Of the environment's, SSL_CERT_FILE and SSL_CERT_DIR hold: a house may have certificates of its own.
    """
    nowhere = CookieJar(DefaultCookiePolicy(allowed_domains=()))
    return httpx.AsyncClient(timeout=timeout, verify=httpx.create_ssl_context(), trust_env=False, cookies=nowhere)


async def exchange(http: httpx.AsyncClient, request: httpx.Request) -> ServiceAnswer:
    """Send a request, following no redirect, and return what answers it.

    Raises AnswerRefused for an answer beyond its bound or in an encoding, TimeoutError where it does not end in time,
    httpx.RequestError where none comes.
    """
    request.headers["Accept-Encoding"] = "identity"
    async with asyncio.timeout(WHOLE.total_seconds()):
        response = await http.send(request, stream=True, follow_redirects=False)
        try:
            known = response.status_code == httpx.codes.OK
            return ServiceAnswer(response.status_code, await _read(response) if known else b"")
        finally:
            await response.aclose()


async def _read(response: httpx.Response) -> bytes:
    """Return the body as it was sent. What is packed is not opened: 379 kB of gzip can be 763 MB."""
    encoding = response.headers.get("Content-Encoding", "identity")
    if encoding.lower() != "identity":
        raise AnswerRefused("comes in an encoding, and identity was asked for")
    body = bytearray()
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > MOST_BYTES:
            raise AnswerRefused(f"is longer than {MOST_BYTES} bytes")
    return bytes(body)


def is_loopback(host: str) -> bool:
    """Tell whether a host of a URL is this machine, so that what is sent there crosses no wire."""
    try:
        return host == "localhost" or ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
