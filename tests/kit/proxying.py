"""A proxy for tests, with an endpoint behind it that does what a test says, and what the proxy has told."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from websockets.asyncio.server import ServerConnection, serve

from rtcli.protocol.record import Direction
from rtcli.proxy.link import ProxyLink
from rtcli.proxy.message import Message
from rtcli.proxy.proxy import RealtimeProxy


@dataclass
class Told:
    """The log of a proxy: everything that it told, in order."""

    messages: list[tuple[str, bytes]] = field(default_factory=list)
    by: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    tells: list[str] = field(default_factory=list)
    links: list[ProxyLink] = field(default_factory=list)
    over: list[ProxyLink] = field(default_factory=list)
    requests: list[tuple[str, str, int | None]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def passed(self, link: ProxyLink, direction: Direction, message: Message, out: float) -> None:
        self.messages.append((direction.value, message.data))
        self.by.append(message.by)

    def note(self, link: ProxyLink, text: str) -> None:
        self.notes.append(text)

    def tell(self, link: ProxyLink, what: str, hint: str = "") -> None:
        self.tells.append(what)

    def opened(self, link: ProxyLink) -> None:
        self.links.append(link)

    def closed(self, link: ProxyLink) -> None:
        self.over.append(link)

    def requested(self, method: str, path: str, status: int | None, app: str, problem: str) -> None:
        self.requests.append((method, path, status))
        self.problems.append(problem)


@asynccontextmanager
async def endpoint(handler: Callable[[ServerConnection], Awaitable[None]], **options: Any) -> AsyncIterator[str]:
    """A WebSocket server; its URL."""
    usual = {"compression": None, "max_size": None, "close_timeout": 1}
    async with serve(handler, "127.0.0.1", 0, **usual | options) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        yield f"ws://127.0.0.1:{port}/v1/realtime"


async def echo(connection: ServerConnection) -> None:
    """Sends back what comes."""
    async for message in connection:
        await connection.send(message)


@asynccontextmanager
async def proxied(
    handler: Callable[[ServerConnection], Awaitable[None]] = echo,
    *,
    log: Any = None,
    server: Any = None,
    **options: Any,
) -> AsyncIterator[tuple[RealtimeProxy, Any]]:
    """A proxy in front of an endpoint, and its log."""
    told = Told() if log is None else log
    async with endpoint(handler, **(server or {})) as url, RealtimeProxy(url, log=told, **options) as proxy:
        yield proxy, told
