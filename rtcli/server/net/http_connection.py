"""A connection that answers HTTP requests where others upgrade: the WebSocket library knows GET alone."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

from websockets.asyncio.server import ServerConnection

from rtcli.http.front import HttpExchange, HttpRequest, HttpResponse
from rtcli.http.liveness import Keepalive
from rtcli.http.unread import BoundedReading
from rtcli.server.runtime.recorder import RecordedConnection

logger = logging.getLogger("rtcli.server")

RequestHandler: TypeAlias = Callable[[HttpRequest], Awaitable[HttpResponse]]

_MAX_BODY_BYTES = 256 * 1024  # far more than the tools of any session take
_GET = b"GET "
_PATIENCE_SECONDS = 10.0  # for a whole request, and for a WebSocket's handshake; an answer may take longer


class HttpConnection(Keepalive, BoundedReading, RecordedConnection):
    """Looks at the first bytes: what follows a GET is the WebSocket library's."""

    handle: RequestHandler
    opened: set[ServerConnection]

    _received = b""  # until it is known what follows
    _upgrades = False  # a GET: every byte is the WebSocket library's
    _exchange: HttpExchange | None = None  # anything else
    _answering: asyncio.Task[None] | None = None  # once the request is whole
    _patience: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client has connected."""
        super().connection_made(transport)
        self.opened.add(self)
        self._patience = self.loop.call_later(_PATIENCE_SECONDS, self.transport.abort)

    def connection_lost(self, exc: Exception | None) -> None:
        """It is gone."""
        self.opened.discard(self)
        self._has_come()
        if self._answering is not None:
            self._answering.cancel()
        super().connection_lost(exc)

    async def handshake(self, *args: Any, **options: Any) -> None:
        """Open a WebSocket. Of another request this sees nothing: it waits until that is over."""
        await super().handshake(*args, **options)
        self._has_come()

    def _has_come(self) -> None:
        if self._patience is not None:
            self._patience.cancel()

    def data_received(self, data: bytes) -> None:
        """Bytes have come."""
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
        if self._answering is not None or self.transport.is_closing():
            return  # answered already; a client may go on with a body that is too large
        found = exchange.receive(data)
        if exchange.interim:
            self.transport.write(exchange.interim)
        if found is not None:
            self._has_come()
        if isinstance(found, HttpResponse):
            self._write(exchange, found)
        elif found is not None:
            self._answering = self.loop.create_task(self._answer(exchange, found), name="http answer")

    async def _answer(self, exchange: HttpExchange, request: HttpRequest) -> None:
        try:
            response = await self.handle(request)
        except Exception:  # a defect of ours must not leave the client without an answer
            logger.exception("a request could not be answered")
            response = HttpResponse.error(500, "The server had an error while processing your request.")
        self._write(exchange, response)

    def _write(self, exchange: HttpExchange, response: HttpResponse) -> None:
        self.transport.write(exchange.response_bytes(response))
        self.transport.close()


def http_connection(handle: RequestHandler, opened: set[ServerConnection]) -> type[HttpConnection]:
    """A class of connections that hand every request but GET to `handle`, and close; a GET is a WebSocket's.

    `opened` holds those that are open, also before their handshake. A client that leaves before its answer cancels
    what makes it.
    """
    own = {"handle": staticmethod(handle), "opened": opened}
    return type("OwnHttpConnection", (HttpConnection,), own)
