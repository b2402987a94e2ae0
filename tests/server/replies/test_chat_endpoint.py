"""Replies from a chat endpoint, against a real HTTP server on loopback."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from rtcli.errors import UsageError
from rtcli.server import RealtimeServer
from rtcli.server.replies.base import Call, Fail, OfferedTool, Piece, ReplyRequest, Say
from rtcli.server.replies.chat_endpoint import ChatEndpointReply
from rtcli.server.session.items import ConversationItem, committed_audio, from_client, function_call
from tests.server.client import said, session
from tests.server.playbook import user, voice

WEATHER = OfferedTool("get_weather", "The weather.", {"type": "object"})


class Endpoint:
    """Answers every request with the same stream, and keeps what it was asked."""

    def __init__(self, lines: list[str], status: int = 200) -> None:
        self._lines, self._status = lines, status
        self.head = ""
        self.body: dict[str, Any] = {}
        self.url = ""

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.head = (await reader.readuntil(b"\r\n\r\n")).decode()
        length = next(
            int(line.split(":")[1]) for line in self.head.split("\r\n") if line.lower().startswith("content-l")
        )
        self.body = json.loads(await reader.readexactly(length))
        writer.write(f"HTTP/1.1 {self._status} x\r\nConnection: close\r\n\r\n".encode())
        writer.write("".join(f"{line}\n\n" for line in self._lines).encode())
        await writer.drain()
        writer.close()
        await writer.wait_closed()


def chunk(**delta: Any) -> str:
    return "data: " + json.dumps({"choices": [{"delta": delta}]})


@asynccontextmanager
async def endpoint(*lines: str, status: int = 200) -> AsyncIterator[Endpoint]:
    served = Endpoint(list(lines), status)
    server = await asyncio.start_server(served.answer, "127.0.0.1", 0)
    async with server:
        served.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
        yield served


async def pieces(reply: ChatEndpointReply, *context: ConversationItem, **request: Any) -> list[Piece]:
    return [piece async for piece in reply.reply(ReplyRequest(context, "Be brief.", **request))]


async def test_text_streams_as_it_is_made() -> None:
    """One piece for each delta; anything else is skipped."""
    lines = [chunk(role="assistant"), chunk(content="Hel"), ": ping", "data: {broken", "data: []", chunk(content="lo.")]
    async with endpoint(*lines, 'data: {"choices":[]}', "data: [DONE]") as served:
        made = await pieces(ChatEndpointReply(served.url, "tiny"), from_client(user("Hi")))

    assert made == [Say("Hel"), Say("lo.")]
    assert served.head.startswith("POST /v1/chat/completions ")
    assert (served.body["model"], served.body["stream"]) == ("tiny", True)


async def test_a_conversation_becomes_messages() -> None:
    """Instructions, text, speech with a transcript and without, images, calls and their outputs."""
    understood, not_understood = committed_audio("a", voice(0.1)), committed_audio("b", voice(0.1))
    understood.recognized_text = "open"
    image = {"type": "input_image", "image_url": "data:image/png;base64,AAAA"}
    seen = from_client(user("look") | {"content": [{"type": "input_text", "text": "look"}, image]})
    call = ConversationItem(function_call("f", "call_1", "{}", status="completed"))
    output = from_client({"type": "function_call_output", "call_id": "call_1", "output": "1"})
    async with endpoint("data: [DONE]") as served:
        await pieces(
            ChatEndpointReply(served.url), from_client(user("Hi")), understood, not_understood, seen, call, output
        )

    function = {"name": "f", "arguments": "{}"}
    assert served.body["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Hi"},
        {"role": "user", "content": "open"},
        {"role": "user", "content": "(speech that was not understood)"},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "look"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
            ],
        },
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": "call_1", "type": "function", "function": function}],
        },
        {"role": "tool", "tool_call_id": "call_1", "content": "1"},
    ]


async def test_tools_pass_through_and_calls_come_back_whole() -> None:
    """Arguments arrive in pieces, several calls at once."""

    def part(index: int, **function: str) -> str:
        return chunk(tool_calls=[{"index": index, "function": function}])

    lines = [
        part(0, name="get_weather", arguments='{"city"'),
        part(0, arguments=':"Paris"}'),
        part(1, name="other", arguments=""),
    ]
    async with endpoint(*lines) as served:
        made = await pieces(
            ChatEndpointReply(served.url),
            tools=(WEATHER,),
            tool_choice={"type": "function", "name": "get_weather"},
            max_output_tokens=50,
        )

    assert made == [Call(WEATHER, '{"city":"Paris"}'), Call(OfferedTool("other", "", {}), "{}")]
    assert served.body["tools"][0]["function"]["name"] == "get_weather"
    assert served.body["tool_choice"] == {"type": "function", "function": {"name": "get_weather"}}
    assert served.body["max_tokens"] == 50


async def test_the_key_is_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """RTCLI_REPLY_KEY goes to the endpoint; OPENAI_API_KEY never does."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-openai")
    monkeypatch.delenv("RTCLI_REPLY_KEY", raising=False)
    async with endpoint() as served:
        await pieces(ChatEndpointReply(served.url))
        assert "authorization" not in served.head.lower()
        monkeypatch.setenv("RTCLI_REPLY_KEY", "sk-reply")
        await pieces(ChatEndpointReply(served.url))

    assert "authorization: bearer sk-reply" in served.head.lower()


async def test_what_goes_wrong_at_the_endpoint_fails_the_response() -> None:
    """An HTTP error with its text, or nobody there at all."""
    async with endpoint("model not found", status=404) as served:
        url = served.url
        (refused,) = await pieces(ChatEndpointReply(url))
    (gone,) = await pieces(ChatEndpointReply(url))

    assert isinstance(refused, Fail)
    assert "HTTP 404 Not Found: model not found" in refused.error["message"]
    assert isinstance(gone, Fail)
    assert "failed: Connection refused" in gone.error["message"]


async def test_a_session_is_answered_by_the_endpoint() -> None:
    """Through the server; a stream of nonsense fails that response alone."""
    text: dict[str, Any] = {"output_modalities": ["text"]}
    async with (
        endpoint(chunk(content="From "), chunk(content="afar.")) as served,
        RealtimeServer(pace=0, voice="tone", reply=f"openai:{served.url},tiny") as server,
        session(server, **text) as client,
    ):
        assert said(await client.ask("Hello")) == "From afar."
    async with (
        endpoint(chunk(tool_calls="nonsense")) as served,
        RealtimeServer(pace=0, voice="tone", reply=f"openai:{served.url}") as server,
        session(server, **text) as client,
    ):
        failed = await client.ask("Hello")

        assert failed["status_details"]["error"]["code"] == "reply_failed"


def test_what_is_not_an_address_is_refused() -> None:
    """With how to write it."""
    with pytest.raises(UsageError, match="is not the address"):
        ChatEndpointReply("localhost:11434")
