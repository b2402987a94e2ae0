"""A transport that watches cannot send, whoever asks it to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from rtcli.errors import UsageError
from rtcli.transports import OpenAIRealtimeWebSocket
from tests.kit.fake_server import fake_server, greets
from tests.kit.waiting import DEADLINE, until


@pytest.mark.parametrize(
    "send",
    [
        lambda t: t.send_event({"type": "response.create"}),
        lambda t: t.send_frame("anything"),
        lambda t: t.send_message("hello"),
        lambda t: t.request_response(),
        lambda t: t.send_audio(b"\0\0"),
        lambda t: t.update_session_config({}),
        lambda t: t.reset_history([], [{"item_id": "a", "type": "message", "role": "user", "content": []}]),
    ],
)
async def test_nothing_can_be_sent(send: Callable[[Any], object]) -> None:
    """Not by hand, not by a verb, not by a microphone."""
    async with fake_server(greets) as server:
        t = OpenAIRealtimeWebSocket(url=server.url, headers={}, read_only=True)
        await t.connect(call_id="c", url=server.url)
        await t.wait_ready(DEADLINE)
        with pytest.raises(UsageError, match="watching"):
            send(t)

        assert t.status == "connected"
        t.close()
        await t.wait_closed()
        assert server.types == []


async def test_nothing_is_sent_by_itself() -> None:
    """Neither on joining nor when the user of the call speaks over an answer."""
    async with fake_server(greets) as server:
        t = OpenAIRealtimeWebSocket(url=server.url, headers={}, read_only=True)
        done: list[object] = []
        t.on("response.done", done.append)
        await t.connect(call_id="c", url=server.url)
        await t.wait_ready(DEADLINE)
        await server.send(
            {"type": "response.output_audio.delta", "item_id": "a", "content_index": 0, "delta": "AAAA"},
            {"type": "input_audio_buffer.speech_started", "audio_start_ms": 0, "item_id": "b"},
            {"type": "conversation.item.input_audio_transcription.completed", "item_id": "b", "transcript": "hi"},
            {"type": "response.done", "response": {"id": "r", "status": "completed"}},
        )
        await until(lambda: done)
        t.close()
        await t.wait_closed()
        assert server.types == []


@pytest.mark.parametrize(("joined", "sent"), [(True, []), (False, ["response.cancel", "conversation.item.truncate"])])
async def test_only_a_call_that_was_joined_is_left_alone_when_its_user_speaks_up(joined: bool, sent: list[str]) -> None:
    """A session of one's own is interrupted, also where its settings were left as the server has them."""
    async with fake_server(greets) as server:
        t = OpenAIRealtimeWebSocket(url=server.url, headers={}, auto_tracing=False)
        started: list[object] = []
        t.on("input_audio_buffer.speech_started", started.append)
        await t.connect(call_id="c" if joined else None, url=server.url, send_session=False)
        await t.wait_ready(DEADLINE)
        await server.send(
            {"type": "response.created", "response": {"id": "r", "conversation_id": "c"}},
            {
                "type": "response.output_audio.delta",
                "response_id": "r",
                "item_id": "a",
                "content_index": 0,
                "delta": "A" * 4000,
            },
            {"type": "input_audio_buffer.speech_started", "audio_start_ms": 0, "item_id": "b"},
        )
        await until(lambda: started)
        await t.flush()
        t.close()
        await t.wait_closed()
        await until(lambda: server.closed)
        assert server.types == sent
