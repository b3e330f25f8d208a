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
    """The way to an ASGI application, which may cut it as `trial.platform.serve` lets it; callers' time limits hold.

    An application goes on whose caller has given up, as behind a server: it learns that the caller is gone.
    """

    def __init__(self) -> None:
        """Lead nowhere yet."""
        self.app: App | None = None
        self._unheard = set[asyncio.Task[httpx.Response]]()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Have the application answer."""
        app, cut, gone = self.app, asyncio.Event(), asyncio.Event()
        assert app is not None, "nothing is at the other end"

        async def cuttable(scope: _Scope, receive: _Receive, send: _Send) -> None:
            scope["state"] = {"cut": cut.set}
            await app(scope, _until(gone, receive), send)

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
            gone.set()
            cutting.cancel()
            self._unheard.add(answering)
            answering.add_done_callback(self._forget)

    def _forget(self, answering: asyncio.Task[httpx.Response]) -> None:
        """Let go of a call that is over, however it ended: nobody waits for it."""
        self._unheard.discard(answering)
        _ = answering.cancelled() or answering.exception()


def _until(gone: asyncio.Event, receive: _Receive) -> _Receive:
    """Return a way to receive by which an application learns at once that its caller is gone."""

    async def receive_or_learn() -> MutableMapping[str, Any]:
        received, left = asyncio.ensure_future(receive()), asyncio.ensure_future(gone.wait())
        try:
            await asyncio.wait({received, left}, return_when=asyncio.FIRST_COMPLETED)
            return received.result() if received.done() else {"type": "http.disconnect"}
        finally:
            received.cancel()
            left.cancel()

    return receive_or_learn
