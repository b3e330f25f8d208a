"""A service that speaks HTTP byte by byte, on loopback: for answers that no proper server gives."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

Answer = Callable[[asyncio.StreamWriter], Awaitable[None]]

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


@dataclass
class RawService:
    """What came in, one head of a request after the other; `left` once a caller hung up in the midst of an answer."""

    port: int = 0
    heads: list[str] = field(default_factory=list)
    left: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    def header(self, name: str) -> str | None:
        """A header of the last request."""
        lines = (line.partition(":") for line in self.heads[-1].splitlines()[1:])
        return next((value.strip() for found, _, value in lines if found.lower() == name.lower()), None)


@asynccontextmanager
async def raw_service(answer: Answer) -> AsyncIterator[RawService]:
    """Listen for as long as the block runs, and answer every request alike."""
    service = RawService()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            service.heads.append((await reader.readuntil(b"\r\n\r\n")).decode())
            await reader.readexactly(int(service.header("Content-Length") or 0))
            await answer(writer)
            await writer.drain()
        except ConnectionError:
            service.left.set()
        finally:
            writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1") as server:
        service.port = server.sockets[0].getsockname()[1]
        yield service


def saying(body: bytes, *headers: str, status: str = "200 OK") -> Answer:
    """Answer with this body, under these headers as well."""

    async def answer(writer: asyncio.StreamWriter) -> None:
        lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers]
        writer.write("\r\n".join([*lines, "", ""]).encode() + body)

    return answer


async def endless(writer: asyncio.StreamWriter) -> None:
    """Answer and never come to an end."""
    writer.write(HEAD + b"\r\n")
    while True:
        writer.write(b" " * 65_536)
        await writer.drain()


async def slow_body(writer: asyncio.StreamWriter) -> None:
    """Answer a byte at a time, each within what a client waits for one."""
    writer.write(HEAD + b"Content-Length: 60000\r\n\r\n")
    await _dribble(writer)


async def slow_head(writer: asyncio.StreamWriter) -> None:
    """Answer so from the first header on."""
    writer.write(HEAD + b"X-Patience: ")
    await _dribble(writer)


async def slow_status(writer: asyncio.StreamWriter) -> None:
    """Answer so from the very first byte on."""
    await _dribble(writer)


async def _dribble(writer: asyncio.StreamWriter) -> None:
    for _ in range(60_000):
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.02)
