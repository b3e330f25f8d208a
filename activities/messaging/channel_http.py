"""The HTTP of channels, within the bounds of other outside services: what apprise's plugins send goes by `requests`.

Most plugins read whatever answers them whole, so the bound lies below them, in the session that `requests` makes for
every call. Proxies are the environment's, unlike those of signed calls: a house may have no other way to a channel.
"""

import io
import socket
import threading
from contextlib import suppress
from contextvars import ContextVar
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager, ProxyManager
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError

from activities.outside_http import MOST_BYTES, WHOLE


def bind_requests() -> None:
    """Have every call by `requests` in this process keep the bounds; repeatable."""
    requests.sessions.Session = BoundedSession  # type: ignore[misc]


class BoundedSession(requests.Session):
    """Follows no redirect, knows no password but what a URL says, and reads no answer beyond its bounds."""

    def __init__(self) -> None:
        """Ask for answers as they are, not packed."""
        super().__init__()
        self.headers["Accept-Encoding"] = "identity"
        for scheme in ("http://", "https://"):
            self.mount(scheme, _BoundedAdapter())

    def prepare_request(self, request: requests.Request) -> requests.PreparedRequest:
        """Leave the environment's .netrc aside; what else the environment says is asked later."""
        self.trust_env = False
        try:
            return super().prepare_request(request)
        finally:
            self.trust_env = True

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        """Send it to where it is addressed, and nowhere else."""
        return super().send(request, **kwargs | {"allow_redirects": False})


class _BoundedAdapter(HTTPAdapter):
    """Gives the beginning of an answer for the whole of it: what a channel took is not sent again for its chatter."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        _hurry(self.poolmanager)

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> ProxyManager:
        manager: ProxyManager = super().proxy_manager_for(*args, **kwargs)
        _hurry(manager)
        return manager

    def send(self, *args: Any, **kwargs: Any) -> requests.Response:
        with _Deadline():
            response = super().send(*args, **kwargs | {"stream": True})
            try:
                beginning = response.raw.read(MOST_BYTES, decode_content=False)
            except (HTTPError, OSError) as error:
                raise requests.ConnectionError(error, request=response.request) from error
            finally:
                response.raw.close()
        response.raw = io.BytesIO(beginning)
        return response


class _Deadline:
    """Cuts the connections that are made while it runs once its time is over.

    A socket's own limit holds from one byte to the next, so that an answer which comes byte by byte never meets it.
    """

    running: ContextVar["_Deadline"] = ContextVar("running")

    def __init__(self) -> None:
        self._sockets: list[socket.socket] = []
        self._timer = threading.Timer(WHOLE.total_seconds(), self._cut)
        self._timer.daemon = True

    def __enter__(self) -> "_Deadline":
        self._token = self.running.set(self)
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.running.reset(self._token)
        self._timer.cancel()
        for each in self._sockets:
            each.close()

    def watch(self, connected: socket.socket) -> None:
        """Watch a connection, by a copy of its own, since TLS takes the original over."""
        self._sockets.append(connected.dup())

    def _cut(self) -> None:
        for each in self._sockets:
            with suppress(OSError):  # it is over already
                each.shutdown(socket.SHUT_RDWR)


class _Watched(HTTPConnection):
    def _new_conn(self) -> socket.socket:
        made = super()._new_conn()
        _Deadline.running.get().watch(made)
        return made


class _WatchedPool(HTTPConnectionPool):
    ConnectionCls = _Watched


class _WatchedByTls(_Watched, HTTPSConnection):
    pass


class _WatchedPoolByTls(HTTPSConnectionPool):
    ConnectionCls = _WatchedByTls


def _hurry(manager: PoolManager) -> None:
    manager.pool_classes_by_scheme = {"http": _WatchedPool, "https": _WatchedPoolByTls}
