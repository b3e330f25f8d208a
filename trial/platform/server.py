"""The stand-in platform on a port of the loopback interface, inside the caller's event loop."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from starlette.applications import Starlette
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

_LAST_ANSWERS = 1.0
"""How long, in seconds, the platform waits for requests in hand when it stops."""


@asynccontextmanager
async def serve(app: Starlette, port: int = 0) -> AsyncIterator[str]:
    """Serve the app on 127.0.0.1 for as long as the block runs, and yield its base URL; port 0 picks a free one.

    Signals stay the caller's, which is why this is not `uvicorn.Server.serve`. Answers still held are sent on the way
    out. Raises OSError when the port is taken.
    """
    config = uvicorn.Config(app, log_config=None, log_level="warning", access_log=False)
    state = ServerState()
    loop = asyncio.get_running_loop()
    async with app.router.lifespan_context(app):
        server = await loop.create_server(lambda: _CuttableProtocol(config, state, {}), "127.0.0.1", port)
        try:
            yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        finally:
            server.close()
            app.state.faults.clear()
            await _finish(state)


async def _finish(state: ServerState) -> None:
    for connection in list(state.connections):
        connection.shutdown()
    if state.tasks:
        _, late = await asyncio.wait(state.tasks, timeout=_LAST_ANSWERS)
        for task in late:
            task.cancel()


class _CuttableProtocol(H11Protocol):
    """HTTP/1.1 that lets a request cut its own connection, `request.state.cut()`: ASGI has no word for it."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.app_state = {**self.app_state, "cut": transport.abort}
