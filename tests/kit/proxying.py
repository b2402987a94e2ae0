"""A proxy for tests, with an endpoint behind it that does what a test says, and what the proxy has told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from websockets.asyncio.server import ServerConnection, serve

from rtcli.commands import Context, proxy_registry
from rtcli.commands.watched_line import run_watched_line
from rtcli.protocol.record import Direction, Frame
from rtcli.proxy.control import ProxyControl
from rtcli.proxy.link import ProxyLink
from rtcli.proxy.message import Message
from rtcli.proxy.proxy import RealtimeProxy
from rtcli.proxy.tap import Tap
from rtcli.proxy.thread import RelayThread
from rtcli.proxy.watch import Seen, Watch
from rtcli.recording.folder import RecordingFolder
from rtcli.render.presenter import Presenter
from rtcli.render.styles import Color
from rtcli.views import DisplaySettings, View
from tests.kit.waiting import until


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


class Controlled:
    """A proxy as a user has it: its threads, its commands, and what it has shown."""

    def __init__(self, control: ProxyControl, relay: RelayThread, watch: Watch) -> None:
        self.control, self.relay, self.watch = control, relay, watch
        self.context = Context(None, DisplaySettings(events="summary"), proxy_registry(), proxied=control)
        self.seen: list[Seen] = []
        self.told: list[str] = []
        self.ended: list[str] = []  # why recordings did

    @property
    def url(self) -> str:
        """For an app."""
        return f"{self.relay.proxy.url}/realtime?model=m"

    async def run(self, line: str) -> list[View]:
        """Carry out a line of the user's."""
        return await run_watched_line(line, self.context)

    async def said(self, line: str) -> str:
        """The same, as text."""
        presenter = Presenter(self.context.display, Color.NONE)
        return "\n".join(text for view in await self.run(line) for text in presenter.lines(view, 120))

    def frames(self, number: int) -> list[Frame]:
        """What has been seen of a connection."""
        of_one = [record for watched, record, _ in self.seen if watched and watched.link.number == number]
        return [record for record in of_one if isinstance(record, Frame)]

    async def connected(self, count: int) -> None:
        """Wait until so many connections have been seen."""
        await until(lambda: len(self.watch.links) >= count)


@asynccontextmanager
async def controlled(
    handler: Callable[[ServerConnection], Awaitable[None]] = echo,
    *,
    folder: Path | None = None,
    active: Callable[[], bool] = lambda: True,
    **options: Any,
) -> AsyncIterator[Controlled]:
    """A running proxy in front of an endpoint, with a user at it."""
    async with endpoint(handler) as url:
        told: list[str] = []
        tap = Tap(lambda link, what, hint: told.append(f"[{link.number}] {what}" if link else what))
        proxy = RealtimeProxy(url, log=tap, **options)
        seen: list[Seen] = []
        ended: list[str] = []
        watch = Watch(
            tap,
            folder=RecordingFolder(folder) if folder is not None else None,
            active=active,
            seen=seen.extend,
            lost=lambda _, why: ended.append(why),
        )
        relay = RelayThread(proxy)
        await relay.start()
        watch.start()
        user = Controlled(ProxyControl(relay, watch), relay, watch)
        user.seen, user.told, user.ended = seen, told, ended
        try:
            yield user
        finally:
            await relay.stop()
            await asyncio.to_thread(watch.stop, 10)
