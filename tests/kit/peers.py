"""Scripted peers on loopback: real WebSocket servers that do what a test says."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, TypeAlias

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

SESSION = {"type": "session.created", "session": {"id": "sess_1", "type": "realtime", "model": "peer-model"}}


@dataclass(slots=True)
class Conversation:
    """What a peer's script works with: `received` grows with every event of the client."""

    socket: ServerConnection
    received: list[dict[str, Any]] = field(default_factory=list)

    async def send(self, *events: Mapping[str, Any] | str) -> None:
        """Send events, or frames as they are."""
        for event in events:
            await self.socket.send(event if isinstance(event, str) else json.dumps(event))

    async def receive(self) -> dict[str, Any]:
        """The client's next event."""
        event: dict[str, Any] = json.loads(await self.socket.recv())
        self.received.append(event)
        return event

    async def receive_all(self) -> None:
        """Read until the client leaves."""
        while True:
            await self.receive()


Script: TypeAlias = Callable[[Conversation], Awaitable[None]]


@dataclass(slots=True)
class Peer:
    """A running peer. `headers` are those of each upgrade, `received` every event of all clients, in order."""

    url: str
    headers: list[Mapping[str, str]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    received: list[dict[str, Any]] = field(default_factory=list)

    @property
    def types(self) -> list[str]:
        """The types of what came in."""
        return [str(event["type"]) for event in self.received]


@contextlib.asynccontextmanager
async def peer(script: Script, *, refuse: tuple[HTTPStatus, str] | None = None) -> AsyncIterator[Peer]:
    """A server that runs `script` for each client, or answers every upgrade with the status and body of `refuse`."""
    running = Peer("")

    async def handle(socket: ServerConnection) -> None:
        with contextlib.suppress(ConnectionClosed):
            await script(Conversation(socket, running.received))

    def admit(socket: ServerConnection, request: Request) -> Response | None:
        running.headers.append(dict(request.headers.raw_items()))
        running.paths.append(request.path)
        return socket.respond(*refuse) if refuse else None

    async with serve(handle, "127.0.0.1", 0, process_request=admit) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        running.url = f"ws://127.0.0.1:{port}/v1"
        yield running


async def silent(talk: Conversation) -> None:
    """Accepts everything and says nothing."""
    await talk.receive_all()


async def greets(talk: Conversation) -> None:
    """A session, and then nothing more."""
    await talk.send(SESSION)
    await talk.receive_all()


async def answers(talk: Conversation) -> None:
    """A session; every response.create is answered by one that says "hello"; updates and items are confirmed."""
    await talk.send(SESSION)
    number = 0
    while True:
        event = await talk.receive()
        number += 1
        await talk.send(*reply_to(event, number))


def reply_to(event: Mapping[str, Any], number: int = 1) -> list[dict[str, Any]]:
    """What a server says to one event of the client."""
    kind = str(event["type"])
    if kind == "session.update":
        return [{"type": "session.updated", "session": {**SESSION["session"], **event["session"]}}]  # type: ignore[dict-item]
    if kind == "conversation.item.create":
        item = {"id": f"item_u{number}", "status": "completed", **event["item"]}
        return [
            {"type": f"conversation.item.{end}", "previous_item_id": None, "item": item} for end in ("added", "done")
        ]
    if kind == "response.create":
        return response(f"resp_{number}", "hello")
    return []


def response(name: str, text: str, status: str = "completed", details: Any = None) -> list[dict[str, Any]]:
    """The events of a whole text response."""
    item = {"id": f"item_{name}", "type": "message", "role": "assistant"}
    done = {**item, "status": "completed", "content": [{"type": "output_text", "text": text}]}
    place = {"response_id": name, "item_id": item["id"], "output_index": 0, "content_index": 0}
    started = {**item, "status": "in_progress", "content": []}
    return [
        {"type": "response.created", "response": {"id": name, "status": "in_progress", "output": []}},
        {"type": "response.output_item.added", "response_id": name, "output_index": 0, "item": started},
        {"type": "conversation.item.added", "previous_item_id": None, "item": started},
        {"type": "response.content_part.added", **place, "part": {"type": "text", "text": ""}},
        {"type": "response.output_text.delta", **place, "delta": text},
        {"type": "response.output_text.done", **place, "text": text},
        {"type": "response.content_part.done", **place, "part": {"type": "text", "text": text}},
        {"type": "conversation.item.done", "previous_item_id": None, "item": done},
        {"type": "response.output_item.done", "response_id": name, "output_index": 0, "item": done},
        {
            "type": "response.done",
            "response": {"id": name, "status": status, "status_details": details, "output": [done]},
        },
    ]


def error(code: str | None, message: str, event_id: str | None = None) -> dict[str, Any]:
    """The server's error event, with its five keys."""
    inner = {"type": "invalid_request_error", "code": code, "message": message, "param": None, "event_id": event_id}
    return {"type": "error", "error": inner}


def refuses(refusal: Mapping[str, Any], code: int, reason: str) -> Script:
    """OpenAI's manner: the upgrade succeeds, then an error and a close frame."""

    async def script(talk: Conversation) -> None:
        await talk.send(refusal)
        await talk.socket.close(code, reason)

    return script


@contextlib.asynccontextmanager
async def plain_listener() -> AsyncIterator[int]:
    """A port where something listens that is no WebSocket server: it hangs up on everybody."""

    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.close()

    async with await asyncio.start_server(hang_up, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]
