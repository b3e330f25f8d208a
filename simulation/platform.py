"""The services outside, as the worker calls them over HTTP: what they did is remembered, and anything may go wrong."""

import asyncio
import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

import httpx

from simulation.chance import Chance, Fault
from trial.platform.services import PAYMENTS, STAND_INS, StandIn

URL = "https://platform.example"

Answer = dict[str, Any] | None
"""A body to answer with, or None for a 404."""


class KeyTaken(Exception):
    """The key is held by another instruction."""


@dataclass
class Payment:
    """What the payment service holds under a key, and how often money moved for it."""

    path: str
    instruction: dict[str, Any]
    settlement: dict[str, Any]
    moved: int = 0


@dataclass
class Platform(httpx.AsyncBaseTransport):
    """Payments, approvals, carrier and insurer. `answers` are the decisions on claims, by the tier that is asked.

    While it is `strained` it does half of its work after its caller has given up.
    """

    chance: Chance
    answers: Mapping[str, dict[str, Any]] = field(default_factory=dict)
    payments: dict[str, Payment] = field(default_factory=dict)
    known: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    strained: bool = False
    _adds: bool = False

    def begin(self, chance: Chance, answers: Mapping[str, dict[str, Any]]) -> None:
        """Forget everything, and begin anew."""
        self.chance, self.answers = chance, answers
        self.payments, self.known, self.strained = {}, {}, False
        self._adds = chance.happens(Fault.SERVICE_ADDS)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer a request, or do not."""
        chance = self.chance
        path, key = _addressed(request)
        await asyncio.sleep(chance.pick([0.01, 0.1, 0.4, 9.0]))  # always before its caller gives up
        if chance.happens(Fault.SERVICE_FAILS):
            return _failing(chance, request)
        given = json.loads(request.content) if request.content else {}

        def work() -> Answer:
            return self._work(request.method, path, key, given)

        if chance.happens(Fault.SERVICE_LATE, 0.5 if self.strained else None):
            asyncio.get_running_loop().call_later(chance.between(1, 30), _quietly, work)
            raise httpx.ReadTimeout("no answer", request=request)
        try:
            answer = work()
            if chance.happens(Fault.SERVICE_REPEATS):
                work()
        except KeyTaken:
            return httpx.Response(409, json={"error": "this key is held by another instruction"})
        if chance.happens(Fault.SERVICE_CUTS):
            raise httpx.ReadError("cut", request=request)
        return self._said(answer)

    def _said(self, answer: Answer) -> httpx.Response:
        chance = self.chance
        if answer is None:
            return httpx.Response(404, json={"error": "nothing is held under this key"})
        if chance.happens(Fault.SERVICE_GARBLES):
            return httpx.Response(200, content=b'{"key": ')
        if chance.happens(Fault.SERVICE_MISTAKES):
            return httpx.Response(200, json={**answer, "key": "another/key"})
        if self._adds:
            return httpx.Response(200, json={**answer, "trace_id": "4711"})
        return httpx.Response(200, json=answer)

    def _work(self, method: str, path: str, key: str, given: dict[str, Any]) -> Answer:
        if path in PAYMENTS:
            return self._held(path, key) if method == "GET" else self._settled(path, key, given)
        service = STAND_INS.get(path.removesuffix("/cancel"))
        assert service and path in service.paths, f"no service has {method} {path}"
        if path != service.path:
            return {"key": key} if (service.path, key) in self.known else None
        return self._answered(service, key, given)

    def _answered(self, service: StandIn, key: str, given: dict[str, Any]) -> dict[str, Any]:
        """Return a service's answer, the one that the key got before if it did."""
        if (service.path, key) not in self.known:
            self.known[service.path, key] = {"key": key, **service.answer(given, self._told(service, key))}
        return self.known[service.path, key]

    def _told(self, service: StandIn, key: str) -> dict[str, Any]:
        if service.decided:
            return next((decided for tier, decided in self.answers.items() if key.endswith(f"/{tier}")), {})
        return {"reason": self._reason()} if self.chance.happens(Fault.SERVICE_DECLINES) else {}

    def _held(self, path: str, key: str) -> Answer:
        held = self.payments.get(key)
        return {**held.instruction, **held.settlement} if held is not None and held.path == path else None

    def _settled(self, path: str, key: str, given: dict[str, Any]) -> dict[str, Any]:
        held = self.payments.get(key)
        if held is not None:
            if held.instruction != given:
                raise KeyTaken
            return held.settlement
        held = self.payments[key] = Payment(path, given, {"key": key})
        if self.chance.happens(Fault.SERVICE_DECLINES):
            held.settlement |= {"status": "declined", "reason": self._reason()}
        else:
            held.moved += 1
            held.settlement |= {"status": "succeeded", "provider_ref": f"transfer-{len(self.payments)}"}
        return held.settlement

    def _reason(self) -> str:
        return "no, " * (10_000 if self.chance.happens(Fault.SERVICE_CHATTERS) else 1) + "declined"


def _addressed(request: httpx.Request) -> tuple[str, str]:
    """Return the service that a request goes to, and the key that it is about."""
    path = request.url.raw_path.decode().strip("/")
    if request.method == "GET":
        service, _, key = path.partition("/")
        return service, unquote(key)
    return path, request.headers["Idempotency-Key"]


def _failing(chance: Chance, request: httpx.Request) -> httpx.Response:
    how = chance.pick([None, 500, 503, 401, 429])
    if how is None:
        raise httpx.ConnectError("refused", request=request)
    return httpx.Response(how)


def _quietly(work: Callable[[], Answer]) -> None:
    """Do what nobody waits for any more."""
    with suppress(KeyTaken):
        work()
