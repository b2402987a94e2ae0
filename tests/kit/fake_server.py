"""A Realtime server on loopback that does what a test tells it, and complains where its script was not played.

A script is a coroutine, or steps: "when this event of the client comes, emit that". What comes before the event that
a step expects is confirmed as a real server would. Steps that were never reached fail the test.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import itertools
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from typing import Any, TypeAlias

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from rtcli.protocol.event_matching import EventMatcher
from rtcli.protocol.play import Emit, EndConnection, Expect, Player, PlayStep
from tests.kit.events import CREATED, SESSION, Event, item_events, text_response

Frames: TypeAlias = Sequence[Mapping[str, Any] | str | bytes]

MARKER = "test.marker"
"""A client's event of this type is counted, not received: it tells that everything before it has been read."""


@dataclass(slots=True)
class FakeServer:
    """A running server. `received` holds the events of all clients in order, `requests` their upgrades."""

    url: str
    connections: list[ServerConnection] = field(default_factory=list)
    received: list[Event] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    closed: int = 0  # connections that have ended
    markers: int = 0
    leftovers: list[str] = field(default_factory=list)  # what scripts still expected when their client was gone

    @property
    def types(self) -> list[str]:
        """The types of what came in."""
        return [str(event["type"]) for event in self.received]

    @property
    def headers(self) -> list[dict[str, str]]:
        """The headers of each upgrade."""
        return [dict(request.headers.raw_items()) for request in self.requests]

    @property
    def paths(self) -> list[str]:
        """The path of each upgrade, with its query."""
        return [request.path for request in self.requests]

    async def send(self, *frames: Mapping[str, Any] | str | bytes) -> None:
        """Send events, or frames as they are, to the client that came last."""
        await _send(self.connections[-1], frames)


@dataclass(slots=True)
class Conversation:
    """One client, as a script sees it."""

    socket: ServerConnection
    server: FakeServer

    async def send(self, *frames: Mapping[str, Any] | str | bytes) -> None:
        """Send events, or frames as they are."""
        await _send(self.socket, frames)

    async def receive(self) -> Event:
        """The client's next event."""
        while True:
            event: Event = json.loads(await self.socket.recv(decode=True))
            if event["type"] != MARKER:
                self.server.received.append(event)
                return event
            self.server.markers += 1

    async def receive_all(self) -> None:
        """Read until the client leaves."""
        while True:
            await self.receive()

    async def confirm_until(self, event_type: str) -> Event:
        """The client's next event of a type; what comes before it is confirmed."""
        while (event := await self.receive())["type"] != event_type:
            await self.send(*reply_to(event))
        return event


Script: TypeAlias = Callable[[Conversation], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Step:
    """When the client sends an event of type `expect`: emit frames, or what a function makes of that event, and then
    close with a code and a reason, where they are given."""

    expect: str
    emit: Frames | Callable[[Event], Frames] = ()
    close: tuple[int, str] | None = None

    def steps(self) -> Iterator[PlayStep]:
        """The same as steps of a play."""
        yield Expect(EventMatcher({"type": self.expect}))
        yield Emit(self.emit if callable(self.emit) else partial(_always, self.emit))
        if self.close:
            yield EndConnection(*self.close)


def _always(frames: Frames, _event: Event) -> Frames:
    return frames


def steps(*script: Step) -> Script:
    """A script: the session, then these steps, and then nothing more."""

    async def play(talk: Conversation) -> None:
        player = Player([Emit(CREATED), *(step for one in script for step in one.steps())], aside=reply_to)
        try:
            while True:
                for due in player.due(0)[0]:
                    if isinstance(due, EndConnection):
                        await talk.socket.close(due.code or 1000, due.reason)
                    else:
                        await talk.send(due)
                player.receive(await talk.receive(), 0)
        finally:
            talk.server.leftovers += map(str, filter(None, [player.left()]))

    return play


def greeting(*frames: Mapping[str, Any] | str | bytes) -> Script:
    """A script: these frames, and then nothing more."""

    async def greet(talk: Conversation) -> None:
        await talk.send(*frames)
        await talk.receive_all()

    return greet


silent = greeting()
greets = greeting(CREATED)


async def answers(talk: Conversation) -> None:
    """A session; every response.create is answered by one that says "hello"; updates and items are confirmed."""
    await talk.send(CREATED)
    number = 0
    while True:
        event = await talk.receive()
        number += 1
        await talk.send(*reply_to(event, number))


def refuses(refusal: Mapping[str, Any], code: int, reason: str) -> Script:
    """OpenAI's manner: the upgrade succeeds, then an error and a close frame."""

    async def script(talk: Conversation) -> None:
        await talk.send(refusal)
        await talk.socket.close(code, reason)

    return script


_numbers = itertools.count(1)


def reply_to(event: Mapping[str, Any], number: int | None = None) -> list[Event]:
    """What a server says to one event of the client; no id comes twice."""
    kind = str(event["type"])
    number = next(_numbers) if number is None else number
    if kind == "session.update":
        return [{"type": "session.updated", "session": {**SESSION, **event["session"]}}]
    if kind == "conversation.item.create":
        return item_events({"id": f"item_u{number}", "status": "completed", **event["item"]})
    if kind == "response.create":
        return text_response(f"resp_{number}", "hello")
    return []


@contextlib.asynccontextmanager
async def fake_server(
    script: Script = silent, *, refuse: tuple[HTTPStatus, str] | None = None
) -> AsyncIterator[FakeServer]:
    """A server that plays `script` with each client, or answers every upgrade with the status and body of `refuse`.

    Raises AssertionError at its end where steps are left over.
    """
    running = FakeServer("")

    async def handle(socket: ServerConnection) -> None:
        running.connections.append(socket)
        with contextlib.suppress(ConnectionClosed):
            await script(Conversation(socket, running))
        running.closed += 1

    def admit(socket: ServerConnection, request: Request) -> Response | None:
        running.requests.append(request)
        return socket.respond(*refuse) if refuse else None

    async with serve(
        handle, "127.0.0.1", 0, process_request=admit, compression=None, max_size=None, close_timeout=1
    ) as server:
        running.url = f"ws://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}/v1/realtime"
        yield running
    assert not running.leftovers, running.leftovers[0]


Behavior: TypeAlias = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@contextlib.asynccontextmanager
async def raw_server(behave: Behavior) -> AsyncIterator[str]:
    """A TCP server that need not speak WebSocket at all; gives host and port. Nothing of it is left afterwards."""
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


async def upgrade(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, behind: bytes = b"") -> None:
    """For raw_server: take the upgrade, with `behind` in the same write."""
    request = (await reader.readuntil(b"\r\n\r\n")).decode()
    key = next(line.split(": ")[1] for line in request.split("\r\n") if line.lower().startswith("sec-websocket-key"))
    accept = base64.b64encode(hashlib.sha1(f"{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11".encode()).digest()).decode()
    writer.write(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + accept.encode() + b"\r\n\r\n" + behind
    )


async def upgrade_and_freeze(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """For raw_server: a server that dies after its answer: it reads nothing and answers no close frame."""
    await upgrade(reader, writer)
    await asyncio.get_running_loop().create_future()


async def _send(socket: ServerConnection, frames: Frames) -> None:
    for frame in frames:
        await socket.send(json.dumps(frame) if isinstance(frame, Mapping) else frame)
