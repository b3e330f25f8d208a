"""The stand-in platform for a test, on loopback, with a driver that speaks to it as a back end or an operator would."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from standardwebhooks import Webhook

from aftersale.money import RefundInstruction
from trial.platform import TRIAL_SECRET, create_app, serve


def instruction(case_id: str = "C-1", n: int = 1, **fields: Any) -> RefundInstruction:
    """An order to refund 129.00 yuan, but for what `fields` say otherwise."""
    given: dict[str, Any] = {
        "key": f"case/{case_id}/refund/{n}",
        "case_id": case_id,
        "order_id": "O-88",
        "merchant_id": "M-7",
        "buyer_ref": "B-5",
        "amount_minor": 12900,
        "currency": "CNY",
    }
    return RefundInstruction(**given | fields)


async def until(read: Callable[[], Awaitable[object]], wanted: object) -> None:
    """Wait until reading gives what is wanted; fails after a minute, which only a busy machine comes near."""
    async with asyncio.timeout(60):
        while await read() != wanted:
            await asyncio.sleep(0.01)


def signed(purpose: str, body: str = "", secret: str = TRIAL_SECRET) -> dict[str, str]:
    """What an honest client adds to a request that it signs for a purpose."""
    now = datetime.now(UTC)
    return {
        "webhook-id": purpose,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(secret).sign(purpose, now, body),
    }


class StandIn:
    """A running stand-in platform."""

    def __init__(self, url: str, http: httpx.AsyncClient) -> None:
        self.url = url
        self.http = http

    async def refund(self, order: RefundInstruction, secret: str = TRIAL_SECRET, **headers: str) -> httpx.Response:
        """Send the instruction as any honest client would; `headers` replace what such a client sends."""
        body = order.model_dump_json()
        key = headers.get("Idempotency-Key", order.key)
        honest = {"Idempotency-Key": key, **signed(f"POST /refunds {key}", body, secret)}
        return await self.http.post("/refunds", content=body, headers=honest | headers)

    async def look_up(self, key: str, path: str = "/refunds") -> httpx.Response:
        """Ask what the platform holds under the key as any honest client would."""
        return await self.http.get(f"{path}/{quote(key, safe='')}", headers=signed(f"GET {path} {key}"))

    async def arm(self, fault: str, path: str = "/refunds", **fields: Any) -> None:
        """Let the platform misbehave."""
        answer = await self.http.post("/faults", json={"path": path, "fault": fault, **fields})
        assert answer.status_code == 201, answer.text

    async def armed(self) -> list[Any]:
        """The faults that have not happened yet."""
        return list((await self.http.get("/faults")).json()["armed"])

    async def holding(self) -> list[str]:
        """The keys whose answers are being held."""
        return list((await self.http.get("/faults")).json()["holding"])

    async def payments(self) -> dict[str, tuple[str, int]]:
        """How each key was settled, and how often money moved for it."""
        rows = (await self.http.get("/payments")).json()
        return {row["key"]: (row["status"], row["times_moved"]) for row in rows}

    async def inbox(self) -> list[Any]:
        """The messages received."""
        return list((await self.http.get("/inbox")).json())


def client(base_url: str = "", timeout: float | httpx.Timeout = 60) -> httpx.AsyncClient:
    """A client for loopback: no proxies, and no certificates, whose loading takes longer than most tests."""
    return httpx.AsyncClient(base_url=base_url, timeout=timeout, verify=False, trust_env=False)


@asynccontextmanager
async def running(db_path: Path) -> AsyncIterator[StandIn]:
    """A platform over the file, for as long as the block runs."""
    async with serve(create_app(db_path, TRIAL_SECRET)) as url, client(url) as http:
        yield StandIn(url, http)


@pytest.fixture
async def platform(tmp_path: Path) -> AsyncIterator[StandIn]:
    """A platform of the test's own, empty and well-behaved."""
    async with running(tmp_path / "platform.db") as stand_in:
        yield stand_in
