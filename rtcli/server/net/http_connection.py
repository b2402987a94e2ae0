"""A connection that answers HTTP requests where others upgrade: the WebSocket library knows GET alone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeAlias

from websockets.asyncio.server import ServerConnection

from rtcli.http.front import HttpExchange, HttpRequest, HttpResponse
from rtcli.http.liveness import Keepalive
from rtcli.http.unread import BoundedReading
from rtcli.server.runtime.recorder import RecordedConnection

RequestHandler: TypeAlias = Callable[[HttpRequest], HttpResponse]

_MAX_BODY_BYTES = 256 * 1024  # far more than the tools of any session take
_GET = b"GET "


def http_connection(handle: RequestHandler, opened: set[ServerConnection]) -> type[ServerConnection]:
    """A class of connections that hand every request but GET to `handle`, and close; a GET is a WebSocket's.

    `opened` holds those that are open, also before their handshake.
    """

    class HttpConnection(Keepalive, BoundedReading, RecordedConnection):
        """Looks at the first bytes: what follows a GET is the WebSocket library's."""

        _received = b""  # until it is known what follows
        _upgrades = False  # a GET: every byte is the WebSocket library's
        _exchange: HttpExchange | None = None  # anything else

        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            super().connection_made(transport)
            opened.add(self)

        def connection_lost(self, exc: Exception | None) -> None:
            opened.discard(self)
            super().connection_lost(exc)

        def data_received(self, data: bytes) -> None:
            if self._upgrades:
                super().data_received(data)
            elif self._exchange is not None:
                self._continue(self._exchange, data)
            else:
                self._received += data
                if self._received.startswith(_GET):
                    self._upgrades = True
                    super().data_received(self._received)
                elif not _GET.startswith(self._received):
                    self._exchange = HttpExchange(_MAX_BODY_BYTES)
                    self._continue(self._exchange, self._received)

        def _continue(self, exchange: HttpExchange, data: bytes) -> None:
            if self.transport.is_closing():
                return  # answered already; a client may go on with a body that is too large
            found = exchange.receive(data)
            if exchange.interim:
                self.transport.write(exchange.interim)
            if found is not None:
                response = handle(found) if isinstance(found, HttpRequest) else found
                self.transport.write(exchange.response_bytes(response))
                self.transport.close()

    return HttpConnection
