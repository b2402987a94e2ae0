"""An application that webhooks are posted to: it remembers each, and answers as it is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from rtcli.http.front import HttpExchange, HttpRequest, HttpResponse


@dataclass
class Application:
    """`received` has every request; `respond` makes the answers, 200 without one."""

    url: str = ""
    received: list[HttpRequest] = field(default_factory=list)
    respond: Callable[[HttpRequest], Awaitable[HttpResponse]] | None = None

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request on one connection."""
        exchange = HttpExchange(2**20)
        while not isinstance(request := exchange.receive(await reader.read(65_536)), HttpRequest):
            assert request is None, request
        self.received.append(request)
        response = await self.respond(request) if self.respond else HttpResponse(200)
        writer.write(exchange.response_bytes(response))
        await writer.drain()
        writer.close()


@asynccontextmanager
async def application() -> AsyncIterator[Application]:
    """One that listens on loopback."""
    app = Application()
    server = await asyncio.start_server(app.handle, "127.0.0.1", 0)
    app.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/webhook"
    async with server:
        yield app
