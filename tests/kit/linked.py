"""A transport that is connected with a fake server, and everything that it emitted."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from rtcli.protocol.payloads import ErrorPayload
from rtcli.transports import OpenAIRealtimeWebSocket
from tests.kit.events import CREATED, Event
from tests.kit.fake_server import MARKER, FakeServer, fake_server, greeting
from tests.kit.waiting import DEADLINE, until

SEMANTIC = (
    "connected",
    "disconnected",
    "connection_change",
    "error",
    "audio",
    "audio_interrupted",
    "audio_done",
    "audio_transcript_delta",
    "output_text_delta",
    "usage_update",
    "item_update",
    "item_deleted",
    "turn_started",
    "turn_done",
    "function_call",
    "mcp_tools_listed",
    "mcp_approval_request",
    "mcp_tool_call_completed",
)


@dataclass
class Link:
    """A transport that is connected with a fake server, and everything that it emitted."""

    t: Any
    server: FakeServer
    emitted: list[tuple[str, tuple[Any, ...]]] = field(default_factory=list)
    _seen: int = 0

    def listen(self, *names: str) -> None:
        """Record these events."""
        for name in names:
            self.t.on(name, lambda *args, name=name: self.emitted.append((name, args)))

    def payloads(self, name: str) -> list[Any]:
        """What came with each event of a name."""
        return [args[0] if args else None for seen, args in self.emitted if seen == name]

    @property
    def errors(self) -> list[Any]:
        """What `error` carried."""
        return [payload.error for payload in self.payloads("error") if isinstance(payload, ErrorPayload)]

    @property
    def sent(self) -> list[Event]:
        """What the server got after the setup."""
        return self.server.received[self._seen :]

    @property
    def sent_types(self) -> list[str]:
        """The types of that."""
        return [event["type"] for event in self.sent]

    def forget(self) -> None:
        """Count from here."""
        self._seen = len(self.server.received)
        self.emitted.clear()

    async def settle(self) -> None:
        """Everything that was sent before, in both directions, has been handled."""
        handled = asyncio.Event()

        def seen(event: Event) -> None:
            if event["type"] == MARKER:
                handled.set()

        self.t.on("*", seen)
        await self.server.send({"type": MARKER})
        await asyncio.wait_for(handled.wait(), DEADLINE)
        self.t.off("*", seen)
        markers = self.server.markers
        self.t.send_event({"type": MARKER})
        await until(lambda: self.server.markers > markers, "the server has read everything")
        self.emitted = [entry for entry in self.emitted if not (entry[0] == "*" and entry[1][0]["type"] == MARKER)]

    async def say(self, *frames: Mapping[str, Any] | str | bytes) -> None:
        """The server sends these, and they have been handled."""
        await self.server.send(*frames)
        await self.settle()


@contextlib.asynccontextmanager
async def linked(
    *,
    transport: type[OpenAIRealtimeWebSocket] = OpenAIRealtimeWebSocket,
    created: Event | None = None,
    connect: Mapping[str, Any] | None = None,
    listen: tuple[str, ...] = ("*", *SEMANTIC),
    **options: Any,
) -> AsyncIterator[Link]:
    """A transport connected with a fake server whose session has begun; what happened until then is forgotten."""
    async with fake_server(greeting(created or CREATED)) as server:
        t = transport(**{"url": server.url, "api_key": "sk-test", "auto_tracing": False, **options})
        link = Link(t, server)
        link.listen(*listen)
        await t.connect(**{"url": server.url, **(connect or {})})
        await t.wait_ready(DEADLINE)
        await link.settle()
        link.forget()
        try:
            yield link
        finally:
            t.close()
            await t.wait_closed()
