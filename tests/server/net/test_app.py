"""The server over a real socket: sessions, joining, bounds, and what strangers can do to it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from rtcli.protocol.audio_formats import decode_base64, encode_base64
from rtcli.server import RealtimeServer
from rtcli.server.session.core import ServerCore
from tests.server.client import MODEL, dial, said, session
from tests.server.playbook import silence, voice

TEXT: dict[str, Any] = {"output_modalities": ["text"]}


@pytest.fixture
async def server() -> AsyncIterator[RealtimeServer]:
    async with RealtimeServer(pace=0, voice="tone") as running:
        yield running


async def test_a_session_begins_with_session_created(server: RealtimeServer) -> None:
    """On every path, with the model of the URL, and an end an hour away."""
    for path in ("/v1/realtime", "/realtime", "/openai/v1/realtime"):
        url = server.url.replace("/v1/realtime", path)
        async with connect(f"{url}{MODEL}") as connection:
            created = json.loads(await connection.recv())

        assert created["type"] == "session.created"
        assert created["session"]["model"] == "gpt-realtime"


async def test_a_text_turn(server: RealtimeServer) -> None:
    """Text in, text out, streamed in several deltas."""
    async with session(server, **TEXT) as client:
        answer = await client.ask("Say: the quick brown fox")

    assert said(answer) == "the quick brown fox"
    assert client.types().count("response.output_text.delta") == 4


async def test_a_spoken_turn_streams_words_and_audio_together(server: RealtimeServer) -> None:
    """The transcript runs ahead of the audio and interleaves with it; the audio is 24 kHz PCM16 in small pieces."""
    async with session(server) as client:
        await client.ask("Count to 12")
        deltas = [event for event in client.seen if event["type"].endswith("audio.delta")]
        order = [e["type"].split(".")[1] for e in client.seen if e["type"].endswith("delta")]
        pieces = [decode_base64(event["delta"]) for event in deltas]

    assert order[0] == "output_audio_transcript"
    assert order[-1] == "output_audio"
    assert order.index("output_audio") < len(order) - 1 - order[::-1].index("output_audio_transcript")
    assert max(map(len, pieces)) <= 9_600
    assert 2 < sum(map(len, pieces)) / 48_000 < 8


async def test_push_to_talk(server: RealtimeServer) -> None:
    """Sound, commit, response; without a recognizer the answer says so."""
    async with session(server, audio={"input": {"turn_detection": None}}, **TEXT) as client:
        await client.append_audio(voice(1.2))
        await client.send("input_audio_buffer.commit")
        await client.send("response.create")
        done = await client.until("response.done")

    assert said(done["response"]) == (
        "I heard 1.2 seconds of audio, but I have no recognizer, so I cannot tell what was said."
    )


async def test_server_vad_turn_in_one_frame(server: RealtimeServer) -> None:
    """Seconds of audio in a single event are heard like many small ones."""
    async with session(server) as client:
        pcm = silence(1) + voice(1) + silence(1)
        await client.send("input_audio_buffer.append", audio=encode_base64(pcm))
        await client.until("response.done")

    assert client.types()[1:7] == [
        "input_audio_buffer.speech_started",
        "input_audio_buffer.speech_stopped",
        "input_audio_buffer.committed",
        "conversation.item.added",
        "conversation.item.done",
        "response.created",
    ]


async def test_speech_interrupts_an_answer_at_once() -> None:
    """Not a delta follows the end of the response that was cut."""
    async with RealtimeServer(voice="tone") as server, session(server) as client:
        await client.say("Count to 100")
        await client.until("response.output_audio.delta")
        await client.append_audio(silence(1) + voice(0.6) + silence(1))
        done = await client.until("response.done")
        await client.until("response.created")
        cut = client.types().index("response.done")

    assert done["response"]["status_details"] == {"type": "cancelled", "reason": "turn_detected"}
    assert [e for e in client.seen[cut:] if e.get("response_id") == done["response"]["id"]] == []


async def test_cancel_stops_an_answer() -> None:
    """It ends cancelled, having said less than all."""
    async with RealtimeServer(voice="tone") as server, session(server, **TEXT) as client:
        await client.say("Count to 100")
        await client.until("response.output_text.delta")
        await client.send("response.cancel")
        done = (await client.until("response.done"))["response"]
        await client.send("response.create", response={"instructions": "x"})
        await client.until("response.done")

    assert done["status_details"]["reason"] == "client_cancelled"
    assert not said(done).endswith("100.")


async def test_a_function_call_round_trip(server: RealtimeServer) -> None:
    """Arguments from the message, the output in the answer."""
    tool = {
        "type": "function",
        "name": "get_weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    }
    async with session(server, tools=[tool], **TEXT) as client:
        call = (await client.ask("What is the weather in Paris?"))["output"][0]
        output = {"type": "function_call_output", "call_id": call["call_id"], "output": '{"degrees": 21}'}
        await client.send("conversation.item.create", item=output)
        await client.send("response.create")
        done = await client.until("response.done")

    assert (call["name"], json.loads(call["arguments"])) == ("get_weather", {"city": "Paris"})
    assert said(done["response"]) == "get_weather says degrees: 21."


async def test_an_mcp_call_is_played(server: RealtimeServer) -> None:
    """Listed, called, answered within one response."""
    tool = {
        "type": "mcp",
        "server_label": "docs",
        "server_url": "https://docs.example",
        "allowed_tools": ["search"],
        "require_approval": "never",
    }
    async with session(server, tools=[tool], **TEXT) as client:
        done = await client.ask('search "cats"')
        await client.send("response.create")
        answered = await client.until("response.done")

    assert done["output"][0]["type"] == "mcp_call"
    assert "response.mcp_call.completed" in client.types()
    assert said(answered["response"]).startswith("search says")


async def test_max_output_tokens_ends_an_answer(server: RealtimeServer) -> None:
    """incomplete, with its reason."""
    async with session(server, **TEXT) as client:
        done = await client.ask("Count to 500", max_output_tokens=20)

    assert done["status_details"] == {"type": "incomplete", "reason": "max_output_tokens"}
    assert done["usage"]["output_tokens"] <= 22


async def test_a_quota_that_is_spent_fails_responses() -> None:
    """No error event: response.done says it."""
    async with RealtimeServer(pace=0, voice="tone", faults=["connect:quota"]) as server, session(server) as client:
        done = await client.ask("Hello")

    assert done["status"] == "failed"
    assert done["status_details"]["error"]["code"] == "insufficient_quota"
    assert done["usage"]["total_tokens"] == 0
    assert "error" not in client.types()


async def test_bad_frames_do_no_harm(server: RealtimeServer) -> None:
    """Not JSON, no object, no type, binary: one error each, and the session goes on."""
    async with session(server, **TEXT) as client:
        for frame, code in (
            ("{oops", "invalid_json"),
            ("[1]", "invalid_event"),
            ("{}", "invalid_event"),
            (b"\x00\x01", "invalid_event"),
        ):
            await client.connection.send(frame)
            error = (await client.until("error"))["error"]
            assert (error["code"], error["param"]) == (code, None)
            if isinstance(frame, bytes):
                assert error["message"] == "Expected a text WebSocket message; binary frames are not supported."
        deep = json.dumps({"type": "session.update", "session": {"type": "realtime", "prompt": {"id": "x"}}})
        nested = deep.replace('"x"', '"x","variables":{"v":' + "[" * 900 + "]" * 900 + "}")
        await client.connection.send(nested)
        refused = (await client.until("error"))["error"]
        assert (refused["code"], refused["param"]) == ("invalid_type", "session.prompt.variables.v")

        assert said(await client.ask("Say: still here")) == "still here"


async def test_session_close_ends_the_session(server: RealtimeServer) -> None:
    """In order."""
    async with session(server) as client:
        await client.send("session.close")

        assert await client.closed() == (1000, "")


async def test_a_session_expires() -> None:
    """An error, then close 1001 with the same words."""
    async with RealtimeServer(expires_after=0.05, voice="tone") as server, dial(server) as client:
        code, reason = await client.closed()

    assert client.types() == ["session.created", "error"]
    assert client.seen[1]["error"]["code"] == "session_expired"
    assert client.seen[1]["error"]["event_id"] is None
    assert (code, reason) == (1001, client.seen[1]["error"]["message"])


async def test_idle_time_makes_the_server_speak(server: RealtimeServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """After an answer and its playback, silence is committed as the user's turn."""
    async with session(server, **TEXT) as client:
        core = next(iter(server.sessions)).core
        assert isinstance(core, ServerCore)
        turn = core.state.input["turn_detection"]
        monkeypatch.setitem(turn, "idle_timeout_ms", 20)  # the protocol's least is five seconds
        await client.append_audio(silence(0.2))
        await client.ask("Hello")
        await client.until("input_audio_buffer.timeout_triggered")
        monkeypatch.setitem(turn, "idle_timeout_ms", None)
        await client.until("response.done")

    assert client.types().count("input_audio_buffer.committed") == 1


# joining a call -------------------------------------------------------------------------------------------------------


async def test_a_sideband_joins_a_running_session(server: RealtimeServer) -> None:
    """It sees no session.created and no audio; it can change the session, and errors are its own."""
    async with session(server) as client:
        (call_id,) = server.calls
        assert call_id == "rtc_" + client.seen[0]["session"]["id"].removeprefix("sess_")
        async with dial(server, f"?call_id={call_id}") as sideband:
            await sideband.send("session.update", session={"type": "realtime", "instructions": "Joined."})
            updated = await sideband.until("session.updated")
            assert sideband.types() == ["session.updated"]
            assert updated["session"]["instructions"] == "Joined."
            assert (await client.until("session.updated"))["session"] == updated["session"]
            await sideband.send("response.cancel")
            await sideband.until("error")
            await client.ask("Hello")
            await sideband.until("response.done")
        assert said(await client.ask("Say: still here")) == "still here"

    assert "error" not in client.types()
    assert "response.output_audio.delta" in client.types()
    assert "response.output_audio.delta" not in sideband.types()
    assert "response.output_audio_transcript.delta" in sideband.types()


async def test_a_session_id_joins_too(server: RealtimeServer) -> None:
    """Every client knows it from session.created. When the session ends, so does whoever joined it."""
    async with session(server) as client, dial(server, f"?call_id={client.seen[0]['session']['id']}") as sideband:
        await sideband.send("response.create")
        await sideband.until("response.done")
        await client.until("response.done")
        await client.connection.close()

        assert (await sideband.closed())[0] == 1000
    assert server.calls == ()


async def test_a_call_that_is_over_is_not_found(server: RealtimeServer) -> None:
    """HTTP 404."""
    with pytest.raises(InvalidStatus) as caught:
        async with dial(server, "?call_id=rtc_gone"):
            pass

    assert caught.value.response.status_code == 404
