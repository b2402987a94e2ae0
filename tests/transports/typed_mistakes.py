"""Listeners as users write them, right and wrong.

A strict type checker finds each line that says what is ignored, for an ignored error that is none is an error; and it
finds no other line.
"""

from __future__ import annotations

from typing import Any, assert_type

from rtcli.protocol.items import Item
from rtcli.protocol.payloads import ErrorPayload, FunctionCall, ResponseDone, TransportAudio, Usage
from rtcli.transports import OpenAIRealtimeSIP, OpenAIRealtimeWebSocket
from rtcli.transports.sockets import CreateWebSocket, WebSocketLike


def nothing() -> None: ...
def text(value: str) -> None: ...
def number(value: int) -> None: ...
def audio(value: TransportAudio) -> None: ...
def item(value: Item) -> None: ...
def usage(value: Usage) -> None: ...
def done(value: ResponseDone) -> None: ...
def call(value: FunctionCall) -> None: ...
def error(value: ErrorPayload) -> None: ...
def event(value: dict[str, Any]) -> None: ...
def anything(*values: object) -> None: ...
def two(one: str, other: str) -> None: ...


async def audio_later(value: TransportAudio) -> None: ...
async def event_later(value: dict[str, Any]) -> None: ...


def listen(t: OpenAIRealtimeWebSocket) -> None:
    """Each event hands its listener what it carries."""
    t.on("connected", nothing).on("disconnected", nothing).on("audio_done", nothing).on("audio_interrupted", nothing)
    t.on("connection_change", text).on("error", error).on("audio", audio).on("item_update", item)
    t.on("usage_update", usage).on("turn_done", done).on("function_call", call).once("audio", audio_later)
    t.on("audio", anything).on("connected", anything).on("response.done", anything)
    t.on("audio", lambda a: number(a.content_index))
    t.on("function_call", lambda c: text(c.call_id))

    t.on("audio", lambda a: number(a.data))  # type: ignore[attr-defined]
    t.on("audio", lambda a: text(a.transcript))  # type: ignore[attr-defined]
    t.on("audio", nothing)  # type: ignore[arg-type]
    t.on("audio", number)  # type: ignore[arg-type]
    t.on("audio", call)  # type: ignore[arg-type]
    t.on("connected", text)  # type: ignore[arg-type]
    t.on("connected", two)  # type: ignore[arg-type]
    t.on("connection_change", nothing)  # type: ignore[arg-type]
    t.on("connection_change", number)  # type: ignore[arg-type]
    t.on("error", usage)  # type: ignore[arg-type]
    t.on("item_update", done)  # type: ignore[arg-type]
    t.once("turn_done", nothing)  # type: ignore[arg-type]
    t.once("function_call", item)  # type: ignore[arg-type]
    t.on("audio", 5)  # type: ignore[call-overload]


def listen_to_the_wire(t: OpenAIRealtimeSIP) -> None:
    """Any other name is an event of the wire, known or not, and carries the decoded dict."""
    t.on("response.done", event).on("brand.new", event).on("*", event).once("session.updated", event_later)
    t.on("response.done", lambda e: text(e["response"]["id"]))
    name: str = "response." + "done"
    t.on(name, event).off(name, event)
    assert_type(t.on("response.done", event), OpenAIRealtimeSIP)
    assert_type(t.once("audio", audio), OpenAIRealtimeSIP)

    t.on("response.done", nothing)  # type: ignore[arg-type]
    t.on("response.done", audio)  # type: ignore[arg-type]
    t.on("response.done", text)  # type: ignore[arg-type]
    t.once(name, done)  # type: ignore[arg-type]


class Socket:
    """A WebSocket of one's own."""

    close_code: int | None = None
    close_reason: str | None = None

    async def recv(self) -> str | bytes:
        return ""

    async def send(self, message: str, /) -> None: ...
    async def close(self, code: int = 1000, reason: str = "") -> None: ...


class NoSocket(Socket):
    """One that says no text."""

    async def send(self, message: int, /) -> None: ...  # type: ignore[override]


async def create(url: str, headers: dict[str, str]) -> Socket:
    return Socket()


async def create_less(url: str) -> Socket:
    return Socket()


async def create_wrong(url: str, headers: dict[str, str]) -> NoSocket:
    return NoSocket()


def dial() -> None:
    """The seam to a socket is typed as well."""
    makes: CreateWebSocket = create
    socket: WebSocketLike = Socket()
    OpenAIRealtimeWebSocket(create_websocket=create)
    OpenAIRealtimeWebSocket(create_websocket=create_less)  # type: ignore[arg-type]
    OpenAIRealtimeWebSocket(create_websocket=create_wrong)  # type: ignore[arg-type]
    anything(makes, socket)
