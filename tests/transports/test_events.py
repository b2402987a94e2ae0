"""What a connected transport emits, over a real WebSocket: nothing that comes in can stop it."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect

from rtcli.protocol.items import MessageItem
from rtcli.protocol.record import Frame
from rtcli.transports.sockets import CreateWebSocket, WebSocketLike
from tests.kit.events import error, response_event
from tests.kit.linked import Link, linked
from tests.kit.waiting import until

IMAGE = {
    "id": "item_i",
    "type": "message",
    "role": "user",
    "status": "completed",
    "content": [{"type": "input_image", "image_url": "data:image/png;base64,AA==", "detail": "auto", "new": 1}],
}
CALL = {"id": "item_f", "type": "function_call", "status": "completed", "call_id": "call_1", "name": "f"}
TEXT_DELTA = {"type": "response.output_text.delta", "item_id": "i", "response_id": "r", "delta": "hi"}


async def is_alive(link: Link) -> bool:
    """Whether events still come through."""
    link.forget()
    await link.say(TEXT_DELTA)
    return [payload.delta for payload in link.payloads("output_text_delta")] == ["hi"]


@pytest.mark.parametrize("exception", [ValueError("boom"), asyncio.CancelledError("a task's"), RecursionError("deep")])
@pytest.mark.parametrize("name", ["*", "response.output_text.delta", "output_text_delta", "error"])
async def test_an_exception_in_a_listener_stops_neither_the_reader_nor_another_listener(
    name: str, exception: BaseException
) -> None:
    """It is reported as `error`, and everything goes on."""

    def fails(*_: Any) -> None:
        raise exception

    heard: list[str] = []
    async with linked() as link:
        link.t.on(name, fails).on(name, lambda *_: heard.append(name))
        await link.say(TEXT_DELTA if name != "error" else error("x", "y"))

        assert heard
        assert (exception in link.errors) is (name != "error")
        link.t.off(name, fails)
        assert await is_alive(link)


async def test_a_coroutine_function_may_listen_and_its_exception_is_reported() -> None:
    """It runs as a task; the reader does not wait for it."""
    boom, done = ValueError("boom"), asyncio.Event()

    async def fails(_: Any) -> None:
        await asyncio.sleep(0)
        done.set()
        raise boom

    async with linked() as link:
        link.t.on("output_text_delta", fails)
        await link.say(TEXT_DELTA)
        await done.wait()
        await link.settle()

        assert boom in link.errors


async def test_an_error_without_a_listener_is_logged_and_harmless(caplog: pytest.LogCaptureFixture) -> None:
    """A mere error event of the server kills nobody."""
    async with linked(listen=()) as link:
        with caplog.at_level(logging.ERROR, "rtcli.transports"):
            await link.say(error("invalid_value", "the server says no"))

        assert "the server says no" in caplog.text
        assert link.t.status == "connected"


@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        ("nonsense", "not JSON"),
        ("", "not JSON"),
        ('{"type":"response.done"', "not JSON"),
        ("[" * 50_000, "not JSON"),
        (b"\x00\xff\xfe", "not JSON"),
        ("null", "not an object"),
        ('{"no":"type"}', "type"),
    ],
)
async def test_a_frame_that_is_no_event_is_shown_to_the_observer_and_survived(frame: str | bytes, reason: str) -> None:
    """Nothing is emitted for it; whoever watches the wire sees it with the reason."""
    seen: list[tuple[str, str | bytes, str]] = []
    async with linked() as link:
        link.t.attach_wire(lambda frame: seen.append((frame.direction, frame.raw, frame.problem)))
        await link.say(frame)

        raw = frame.encode() if isinstance(frame, str) else frame
        assert any(direction == "<" and got == raw and reason in problem for direction, got, problem in seen)
        assert link.emitted == []
        assert await is_alive(link)


async def test_invalid_utf8_in_a_text_frame_is_one_bad_frame() -> None:
    """And not the end of the connection, as it is in most libraries."""
    problems: list[str] = []
    async with linked() as link:
        link.t.attach_wire(lambda frame: problems.append(frame.problem))
        await link.server.connections[-1].send(b'{"type":"x","y":"\xff"}', text=True)

        assert await is_alive(link)
        assert any("not JSON" in problem for problem in problems)


class OwnSocket:
    """A WebSocket of the caller's own, of which no more is known than its few methods."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self.recv, self.send, self.close = socket.recv, socket.send, socket.close

    @property
    def close_code(self) -> int | None:
        return self._socket.close_code

    @property
    def close_reason(self) -> str | None:
        return self._socket.close_reason


async def as_dialed(url: str, headers: dict[str, str]) -> WebSocketLike:
    return await connect(url, additional_headers=headers)


async def after_a_while(url: str, headers: dict[str, str]) -> WebSocketLike:
    """The server's first event has arrived when the transport gets the socket."""
    socket = await connect(url, additional_headers=headers)
    await until(lambda: len(socket.recv_messages.frames) > 0, "the first event is there")
    return socket


async def of_ones_own(url: str, headers: dict[str, str]) -> WebSocketLike:
    return OwnSocket(await connect(url, additional_headers=headers))


@pytest.mark.parametrize("create", [None, as_dialed, after_a_while, of_ones_own])
async def test_json_in_a_binary_message_is_read_alike_and_told(create: CreateWebSocket | None) -> None:
    """Other clients may not read it: whoever watches sees it. However the socket came about, whole or in fragments."""
    frames: list[Frame] = []
    async with linked(create_websocket=create) as link:
        link.t.attach_wire(frames.append)
        event = {"type": "brand.new", "n": 1}
        text = json.dumps(event)
        await link.server.send(text, text.encode())
        await link.server.connections[-1].send([text[:9], text[9:]])
        await link.server.connections[-1].send([text[:9].encode(), b"", text[9:].encode()])
        await link.say(text, b"\xff", text.encode())

        seen = [frame for frame in frames if frame.direction == "<" and (frame.event == event or frame.problem)]
        assert [frame.binary for frame in seen] == [False, True, False, True, False, True, True]
        assert link.payloads("*").count(event) == 6


async def test_a_wire_observer_that_raises_harms_nobody() -> None:
    """It only watches."""

    def fails(*_: Any) -> None:
        raise ValueError("boom")

    async with linked() as link:
        link.t.attach_wire(fails)
        assert await is_alive(link)


async def test_the_wildcard_carries_every_field_known_or_not() -> None:
    """The dict is the decoded event, and an unknown type comes under its own name as well."""
    event = {"type": "brand.new", "event_id": None, "deep": {"er": [1, 2.5, "€", None]}}
    async with linked() as link:
        link.listen("brand.new")
        await link.say(event)

        assert link.emitted == [("*", (event,)), ("brand.new", (event,))]


@pytest.mark.parametrize("name", ["audio", "connected", "disconnected", "function_call", "error_like", "*"])
async def test_a_wire_type_cannot_pretend_to_be_a_semantic_event(name: str) -> None:
    """An event typed "audio" is a strange event of the server and no sound."""
    async with linked() as link:
        await link.say({"type": name, "data": 1})

        assert [entry[0] for entry in link.emitted] == ["*"]


async def test_image_items_come_back_as_item_update() -> None:
    """With every field of the part."""
    async with linked() as link:
        await link.say({"type": "conversation.item.added", "previous_item_id": None, "item": IMAGE})

        (item,) = link.payloads("item_update")
        assert isinstance(item, MessageItem)
        assert item.content == IMAGE["content"]


async def test_a_known_event_with_an_odd_unused_field_still_does_its_work() -> None:
    """A new status of a response must not leave the turn open, nor block the next request."""
    async with linked() as link:
        link.t.request_response()
        await link.say(response_event("created"))
        link.t.request_response()
        await link.say({**response_event("done", status="brand_new", usage={"input_tokens": 1}), "event_id": 17})

        assert [done.response.status for done in link.payloads("turn_done")] == ["brand_new"]
        assert link.sent_types == ["response.create", "response.create"]


async def test_a_tool_without_description_does_not_lose_the_list() -> None:
    """One MCP tool that nobody described."""
    tools = [{"name": "a", "input_schema": {}}, {"name": "b", "description": "x", "input_schema": {}}]
    item = {"id": "i", "type": "mcp_list_tools", "server_label": "s", "tools": tools}
    async with linked() as link:
        await link.say({"type": "conversation.item.done", "item": item})

        assert [listed.tools for listed in link.payloads("mcp_tools_listed")] == [tools]


async def test_a_function_call_is_emitted_once() -> None:
    """Though the server may report it completed when it is added and again when it is done."""
    item = {**CALL, "arguments": "{}"}
    async with linked() as link:
        for stage in ("added", "done"):
            await link.say({"type": f"response.output_item.{stage}", "response_id": "r", "item": item})

        assert [call.call_id for call in link.payloads("function_call")] == ["call_1"]


async def test_function_calls_of_two_items_are_two_calls() -> None:
    """Told apart by their call_id."""
    async with linked() as link:
        for number in (1, 2):
            item = {**CALL, "call_id": f"call_{number}", "id": f"item_{number}"}
            await link.say({"type": "response.output_item.done", "response_id": "r", "item": item})

        assert [call.call_id for call in link.payloads("function_call")] == ["call_1", "call_2"]


async def test_bad_base64_costs_one_delta() -> None:
    """It is reported, and the next delta is heard."""
    delta = {"type": "response.output_audio.delta", "item_id": "i", "response_id": "r", "content_index": 0}
    async with linked() as link:
        await link.say({**delta, "delta": "*garbage*"}, {**delta, "delta": "AAAA"})

        assert [audio.data for audio in link.payloads("audio")] == [b"\0\0\0"]
        assert any("base64" in str(problem) for problem in link.errors)


async def test_a_listener_that_closes_ends_the_event_with_the_connection() -> None:
    """Nothing of the old connection is emitted after `disconnected`."""
    async with linked() as link:
        link.t.on("usage_update", lambda _: link.t.close())
        await link.server.send(response_event("done"))
        await until(lambda: link.payloads("disconnected"))

        names = [name for name, _ in link.emitted]
        assert "turn_done" not in names
        assert names[-1] == "disconnected"


async def test_an_item_that_changed_is_asked_for() -> None:
    """The transcription and a truncation do not say how the item looks now."""
    async with linked() as link:
        for kind in ("conversation.item.input_audio_transcription.completed", "conversation.item.truncated"):
            await link.say({"type": kind, "item_id": "item_a"}, {"type": kind, "item_id": None})

        assert link.sent == [{"type": "conversation.item.retrieve", "item_id": "item_a"}] * 2


async def test_a_large_frame_comes_in_whole() -> None:
    """There is no limit on a frame's size: a retrieved item may hold minutes of audio."""
    async with linked() as link:
        await link.say(json.dumps({"type": "large.event", "data": "x" * 5_000_000}))

        assert len(link.payloads("*")[0]["data"]) == 5_000_000
