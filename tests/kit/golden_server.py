"""The server of recorded scenarios: it answers handshakes as a step says, and notes what clients send."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from rtcli.protocol.events import Event


class GoldenServer:
    """One scenario at a time; `reset` makes it new for the next.

    `mode` says how the next handshakes are answered. `on_frame` and `on_dial` are told of every frame and every
    handshake.
    """

    def __init__(self) -> None:
        self.url = ""
        self.reset()

    def reset(self) -> None:
        """Forget everything of the last scenario, and end its connections."""
        for connection in getattr(self, "open", ()):
            connection.transport.abort()
        self.mode: Any = "accept"
        self.open: list[ServerConnection] = []
        self.held: list[asyncio.Future[Any]] = []
        self.on_frame: Callable[[Event], object] = lambda event: None
        self.on_dial: Callable[[str, dict[str, str]], object] = lambda path, headers: None
        self._greetings: dict[ServerConnection, Mapping[str, Any]] = {}

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[GoldenServer]:
        """It listens on a port of loopback."""
        async with serve(
            self._converse,
            "127.0.0.1",
            0,
            process_request=self._admit,
            compression=None,
            close_timeout=1,
            max_size=None,
            ping_interval=None,
        ) as server:
            self.url = f"ws://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}"
            yield self
            self.release("drop")
            self.reset()

    def release(self, how: Any) -> None:
        """Answer the handshakes that are held."""
        for held in self.held:
            if not held.done():
                held.set_result(how)

    async def _admit(self, connection: ServerConnection, request: Request) -> Response | None:
        self.on_dial(request.path, {name.lower(): value for name, value in request.headers.raw_items()})
        mode = self.mode
        if isinstance(mode, list):
            mode = mode.pop(0) if len(mode) > 1 else mode[0]
        if mode == "hold":
            self.held.append(asyncio.get_running_loop().create_future())
            mode = await self.held[-1]
        if mode == "drop":
            connection.transport.abort()
            return connection.respond(503, "")
        if isinstance(mode, dict) and "refuse" in mode:
            return connection.respond(mode["refuse"]["status"], mode["refuse"].get("body", ""))
        self._greetings[connection] = mode["accept"] if isinstance(mode, dict) else {}
        return None

    async def _converse(self, connection: ServerConnection) -> None:
        self.open.append(connection)
        greeting = self._greetings.pop(connection, {})
        with contextlib.suppress(ConnectionClosed):
            for event in greeting.get("send", ()):
                await connection.send(json.dumps(event))
            if "close" in greeting:
                await connection.close(**greeting["close"])
            while True:
                frame = await connection.recv()
                if connection in self.open:  # not one of an earlier scenario
                    self.on_frame(json.loads(frame, parse_constant=lambda name: {"not JSON": name}))
        if connection in self.open:
            self.open.remove(connection)
