"""Faults on request: what can go wrong between a case and a service, made to happen at a chosen moment."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, model_validator
from starlette.requests import Request
from starlette.responses import Response

from aftersale.schema import Schema
from trial.platform.services import PAYMENTS, STAND_INS

_PATHS = [
    *(f"/{path}{looked_up}" for path in PAYMENTS for looked_up in ("", "/")),
    *(f"/{path}" for service in STAND_INS.values() for path in service.paths),
    "/inbox",
]
_DECLINING = [*PAYMENTS, *(service.path for service in STAND_INS.values() if not service.decided)]


def _served(path: str) -> str:
    if path not in _PATHS:
        raise ValueError(f"should be {', '.join(map(repr, _PATHS[:-1]))} or {_PATHS[-1]!r}; given {path!r}")
    return path


class Fault(Schema):
    """One way to misbehave, for the next `times` requests to `path` whose key (or message id) contains `key`.

    hold         the work is done; its answer waits for a release, or until the client goes away
    lose_answer  the work is done; the connection is cut instead of an answer
    decline      the payment is declined with `reason`
    status       nothing is done; `status` and `body` are the answer
    reset        nothing is done; the connection is cut
    slow         the work begins `seconds` late

    The paths "/refunds/" and "/clawbacks/" mean the look-ups.
    """

    path: Annotated[str, AfterValidator(_served)]
    fault: Literal["hold", "lose_answer", "decline", "status", "reset", "slow"]
    times: Annotated[int, Field(ge=1)] = 1
    key: str = ""
    reason: Annotated[str, Field(min_length=1)] = "declined on request"
    status: Annotated[int, Field(ge=200, le=599)] = 500
    body: str = ""
    seconds: Annotated[float, Field(ge=0, le=60)] = 1.0

    @model_validator(mode="after")
    def _only_instructions_are_declined(self) -> Self:
        if self.fault == "decline" and self.path.removeprefix("/") not in _DECLINING:
            named = ", ".join(path.replace("-", " ") for path in _DECLINING)
            raise ValueError(f"this cannot be declined; write the path of one of {named}")
        return self

    def hits(self, path: str, key: str) -> bool:
        """Tell whether a request to `path` about `key` is meant."""
        looked_up = self.path.endswith("/") and path.startswith(self.path)
        return (path == self.path or looked_up) and self.key in key


class Faults:
    """The faults still to come, and the answers being held."""

    def __init__(self) -> None:
        """Begin with a platform that behaves."""
        self._armed: list[Fault] = []
        self._holding: list[str] = []
        self._gate = asyncio.Event()

    def arm(self, fault: Fault) -> None:
        """Let the fault happen after those already asked for."""
        self._armed.append(fault)

    def clear(self) -> None:
        """Behave again: forget the faults still to come, and send what is held."""
        self._armed.clear()
        self.release()

    def release(self) -> list[str]:
        """Send the answers being held, and return their keys; slow requests stop waiting too."""
        released = list(self._holding)
        self._gate.set()
        self._gate = asyncio.Event()
        return released

    def shown(self) -> dict[str, Any]:
        """Return the faults still to come and the keys whose answers are held."""
        return {"armed": [fault.model_dump() for fault in self._armed], "holding": list(self._holding)}

    async def around(self, request: Request, key: str, work: Callable[[str | None], Response]) -> Response:
        """Do the work of a request about `key`, with the fault that is due, if any.

        `work` is given the reason to decline for, or None.
        """
        fault = self._take(request.url.path, key)
        if fault is None:
            return work(None)
        match fault.fault:
            case "hold":
                answer = work(None)
                await self._hold(key, request)
                return answer
            case "lose_answer":
                work(None)
                return await _cut(request)
            case "decline":
                return work(fault.reason)
            case "status":
                return Response(fault.body, fault.status, media_type="application/json")
            case "reset":
                return await _cut(request)
            case "slow":
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._gate.wait(), fault.seconds)
                return work(None)

    def _take(self, path: str, key: str) -> Fault | None:
        for place, fault in enumerate(self._armed):
            if fault.hits(path, key):
                left = fault.model_copy(update={"times": fault.times - 1})
                self._armed[place : place + 1] = [left] if left.times else []
                return fault
        return None

    async def _hold(self, key: str, request: Request) -> None:
        waits = [asyncio.ensure_future(self._gate.wait()), asyncio.ensure_future(_client_gone(request))]
        self._holding.append(key)
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._holding.remove(key)
            for wait in waits:
                wait.cancel()


async def _client_gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def _cut(request: Request) -> Response:
    request.state.cut()
    await _client_gone(request)
    return Response()
