"""A Realtime server that does what a test tells it, step by step, and a transport that is linked with it."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, TypeAlias, TypeVar

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from rtcli.protocol.payloads import ErrorPayload
from rtcli.transports import OpenAIRealtimeWebSocket

Event: TypeAlias = dict[str, Any]
T = TypeVar("T", bound=OpenAIRealtimeWebSocket)

SESSION: Event = {"id": "sess_1", "object": "realtime.session", "type": "realtime", "model": "gpt-realtime-2.1"}
CREATED: Event = {"type": "session.created", "event_id": "event_1", "session": SESSION}
DEADLINE = 10.0
_MARKER = "test.marker"


async def until(condition: Callable[[], object], what: str = "a condition") -> None:
    """Wait until `condition()` is true. Raises TimeoutError, with what was waited for."""
    try:
        async with asyncio.timeout(DEADLINE):
            while not condition():  # noqa: ASYNC110  any condition, also of objects that know no events
                await asyncio.sleep(0.001)
    except TimeoutError:
        raise TimeoutError(f"{what} did not come true") from None


@dataclass
class Peer:
    """A server on loopback. `received` holds the events of all clients, `requests` their upgrades."""

    url: str = ""
    connections: list[ServerConnection] = field(default_factory=list)
    received: list[Event] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    greeting: tuple[Event, ...] = ()
    closed: int = 0
    _markers: int = 0

    async def send(self, *frames: Mapping[str, Any] | str | bytes) -> None:
        """Send events, or frames as they are, to the client that came last."""
        for frame in frames:
            await self.connections[-1].send(json.dumps(frame) if isinstance(frame, Mapping) else frame)

    async def converse(self, connection: ServerConnection) -> None:
        """Greet, and note everything until the client is gone."""
        self.connections.append(connection)
        with contextlib.suppress(ConnectionClosed):
            await self.send(*self.greeting)
            while True:
                event = json.loads(await connection.recv(decode=True))
                if event["type"] == _MARKER:
                    self._markers += 1
                else:
                    self.received.append(event)
        self.closed += 1

    def note(self, connection: ServerConnection, request: Request) -> None:
        """Remember how a client asked to be let in."""
        self.requests.append(request)


@contextlib.asynccontextmanager
async def scripted_peer(
    *,
    refuse: tuple[HTTPStatus, str] | None = None,
    greeting: tuple[Event, ...] = (),
    script: Callable[[ServerConnection], Awaitable[None]] | None = None,
) -> AsyncIterator[Peer]:
    """A peer that accepts everybody (and does what `script` says), or refuses every upgrade with status and body."""
    peer = Peer(greeting=greeting)

    def admit(connection: ServerConnection, request: Request) -> Response | None:
        peer.note(connection, request)
        return connection.respond(*refuse) if refuse else None

    async with serve(
        script or peer.converse, "127.0.0.1", 0, process_request=admit, compression=None, max_size=None, close_timeout=1
    ) as server:
        peer.url = f"ws://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}/v1/realtime"
        yield peer


Behaviour: TypeAlias = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@contextlib.asynccontextmanager
async def raw_server(behave: Behaviour) -> AsyncIterator[str]:
    """A TCP server that is no good WebSocket server; gives host and port. Nothing of it is left afterwards."""
    running: set[asyncio.Task[None]] = set()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        running.add(task)
        try:
            with contextlib.suppress(asyncio.CancelledError, ConnectionError):
                await behave(reader, writer)
        finally:
            writer.transport.abort()

    async with await asyncio.start_server(handle, "127.0.0.1", 0) as server:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
        for task in running:
            task.cancel()
        if running:
            await asyncio.wait(running)


@dataclass
class Link:
    """A transport that is connected with a peer, and everything that it emitted."""

    t: Any
    peer: Peer
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
        return self.peer.received[self._seen :]

    @property
    def sent_types(self) -> list[str]:
        """The types of that."""
        return [event["type"] for event in self.sent]

    def forget(self) -> None:
        """Count from here."""
        self._seen = len(self.peer.received)
        self.emitted.clear()

    async def settle(self) -> None:
        """Everything that was sent before, in both directions, has been handled."""
        handled = asyncio.Event()

        def seen(event: Event) -> None:
            if event["type"] == _MARKER:
                handled.set()

        self.t.on("*", seen)
        await self.peer.send({"type": _MARKER})
        await asyncio.wait_for(handled.wait(), DEADLINE)
        self.t.off("*", seen)
        markers = self.peer._markers
        self.t.send_event({"type": _MARKER})
        await until(lambda: self.peer._markers > markers, "the peer has read everything")
        self.emitted = [entry for entry in self.emitted if not (entry[0] == "*" and entry[1][0]["type"] == _MARKER)]

    async def say(self, *frames: Mapping[str, Any] | str | bytes) -> None:
        """The server sends these, and they have been handled."""
        await self.peer.send(*frames)
        await self.settle()


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


@contextlib.asynccontextmanager
async def linked(
    *,
    transport: type[OpenAIRealtimeWebSocket] = OpenAIRealtimeWebSocket,
    created: Event | None = None,
    connect: Mapping[str, Any] | None = None,
    listen: tuple[str, ...] = ("*", *SEMANTIC),
    **options: Any,
) -> AsyncIterator[Link]:
    """A transport connected with a peer whose session has begun; what happened until then is forgotten."""
    async with scripted_peer(greeting=(created or CREATED,)) as peer:
        t = transport(**{"url": peer.url, "api_key": "sk-test", "auto_tracing": False, **options})
        link = Link(t, peer)
        link.listen(*listen)
        await t.connect(**{"url": peer.url, **(connect or {})})
        await t.wait_ready(DEADLINE)
        await link.settle()
        link.forget()
        try:
            yield link
        finally:
            t.close()
            await t.wait_closed()


def audio_delta(pcm: bytes, item_id: str = "item_a", content_index: int = 0, response_id: str = "resp_1") -> Event:
    """A piece of the assistant's speech."""
    import base64

    return {
        "type": "response.output_audio.delta",
        "event_id": "e",
        "response_id": response_id,
        "item_id": item_id,
        "output_index": 0,
        "content_index": content_index,
        "delta": base64.b64encode(pcm).decode(),
    }


def response(kind: str, name: str = "resp_1", **fields: Any) -> Event:
    """response.created or response.done, of the default conversation unless told otherwise."""
    return {"type": f"response.{kind}", "response": {"id": name, "conversation_id": "conv_1", "output": [], **fields}}


def error(code: str | None, message: str, event_id: str | None = None, **fields: Any) -> Event:
    """The server's error event."""
    inner = {"type": "invalid_request_error", "code": code, "message": message, "param": None, "event_id": event_id}
    return {"type": "error", "event_id": "e", "error": {**inner, **fields}}
