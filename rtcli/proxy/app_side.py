"""The side of an app: it upgrades to a WebSocket, or sends an HTTP request, which is answered and closes it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Coroutine
from typing import Any, TypeAlias

from websockets.asyncio.server import ServerConnection

from rtcli.http.front import HttpExchange, HttpRequest, HttpResponse
from rtcli.proxy.side import Side

AnswerHttp: TypeAlias = Callable[[HttpRequest, "AppSide"], Coroutine[Any, Any, None]]

MAX_BODY = 64 * 2**20
_HEAD_SECONDS = 10.0  # for the whole head of a request
_MAX_HEAD = 64 * 1024
_UPGRADE = re.compile(rb"\r\nupgrade:[ \t]*websocket[ \t]*\r\n", re.IGNORECASE)


class AppSide(Side, ServerConnection):
    """Looks at the head of the first request: an upgrade is the WebSocket library's, anything else `answer_http`'s."""

    answer_http: AnswerHttp
    opened: set[AppSide]  # those that are open, also before their handshake

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """An app has connected."""
        super().connection_made(transport)
        self._head = b""  # until it is known what follows
        self._upgrades = False
        self.exchange: HttpExchange | None = None
        self._answering: asyncio.Task[None] | None = None
        self._patience: asyncio.TimerHandle | None = self.loop.call_later(_HEAD_SECONDS, self.transport.abort)
        self._room = asyncio.Event()
        self._room.set()
        self.opened.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """The app has gone."""
        self.opened.discard(self)
        self._head_is_here()
        if self._answering is not None:
            self._answering.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Bytes of the app."""
        if self._upgrades:
            super().data_received(data)
        elif self.exchange is not None:
            self._continue(self.exchange, data)
        else:
            self._look(data)

    def _look(self, data: bytes) -> None:
        self._head += data
        end = self._head.find(b"\r\n\r\n")
        if end < 0 and len(self._head) <= _MAX_HEAD:
            return
        self._head_is_here()
        data, self._head = self._head, b""
        if data.startswith(b"GET ") and _UPGRADE.search(data, 0, end + 2):
            self._upgrades = True
            super().data_received(data)
        else:
            self.exchange = HttpExchange(MAX_BODY)
            self._continue(self.exchange, data)

    def _head_is_here(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _continue(self, exchange: HttpExchange, data: bytes) -> None:
        if self.transport.is_closing() or self._answering is not None:
            return
        found = exchange.receive(data)
        if exchange.interim:
            self.transport.write(exchange.interim)
        if isinstance(found, HttpResponse):
            self.respond_whole(found)
        elif found is not None:
            self._answering = self.loop.create_task(self.answer_http(found, self), name="rtcli proxy request")

    def respond_whole(self, response: HttpResponse) -> None:
        """Answer the request, and close."""
        assert self.exchange is not None
        self.transport.write(self.exchange.response_bytes(response))
        self.transport.close()

    async def write_http(self, data: bytes) -> None:
        """Write a piece of an answer, when there is room for it."""
        self.transport.write(data)
        await self._room.wait()

    def pause_writing(self) -> None:
        """The app does not read fast enough."""
        super().pause_writing()
        self._room.clear()

    def resume_writing(self) -> None:
        """It does again."""
        super().resume_writing()
        self._room.set()
