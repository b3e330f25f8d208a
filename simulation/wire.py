"""HTTP without a network: requests go straight to an application of this process, on the loop of whoever asks."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import httpx

_Scope = MutableMapping[str, Any]
_Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
_Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[_Scope, _Receive, _Send], Awaitable[None]]


class Wire(httpx.AsyncBaseTransport):
    """The way to an ASGI application, which may cut it as `trial.platform.serve` lets it; callers' time limits hold."""

    def __init__(self) -> None:
        """Lead nowhere yet."""
        self.app: App | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Have the application answer."""
        app, cut = self.app, asyncio.Event()
        assert app is not None, "nothing is at the other end"

        async def cuttable(scope: _Scope, receive: _Receive, send: _Send) -> None:
            scope["state"] = {"cut": cut.set}
            await app(scope, receive, send)

        answering = asyncio.create_task(httpx.ASGITransport(cuttable).handle_async_request(request))
        cutting = asyncio.create_task(cut.wait())
        limit = request.extensions.get("timeout", {}).get("read")
        try:
            await asyncio.wait({answering, cutting}, timeout=limit, return_when=asyncio.FIRST_COMPLETED)
            if cut.is_set():
                raise httpx.ReadError("cut", request=request)
            if not answering.done():
                raise httpx.ReadTimeout("no answer", request=request)
            return answering.result()
        finally:
            answering.cancel()
            cutting.cancel()
