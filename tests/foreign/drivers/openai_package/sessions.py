"""Sessions: what they are configured with, how they begin, and the other ways to hold one."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from openai import AsyncOpenAI, OpenAI

from tests.foreign.drivers.harness import Setup, check, silence
from tests.foreign.drivers.openai_package.wire import MODEL, connected, expect_transcript, texting


@check
async def a_session_is_configured(setup: Setup) -> None:
    """session.created comes first; session.update is merged and echoed whole."""
    async with connected(setup) as wire:
        before = wire.events[0].session
        after = await wire.configure(instructions="Be brief.", audio={"output": {"speed": 1.25}})
        assert (after.instructions, after.audio.output.speed) == ("Be brief.", 1.25)
        assert after.audio.output.voice == before.audio.output.voice
        assert after.audio.input.turn_detection == before.audio.input.turn_detection


@check
async def the_voice_is_fixed_by_speech(setup: Setup) -> None:
    """After spoken words another voice is refused whole, the same one is not."""
    async with connected(setup) as wire:
        await wire.configure(audio={"output": {"voice": "cedar"}})
        await wire.say("Hello.")
        update = {"type": "realtime", "instructions": "x", "audio": {"output": {"voice": "marin"}}}
        error = await wire.refusal({"type": "session.update", "session": update})
        assert error.code == "cannot_update_voice"
        session = await wire.configure(audio={"output": {"voice": "cedar"}})
        assert session.instructions != "x"


@check
async def a_transcription_session(setup: Setup) -> None:
    """?intent=transcription: words for sound, and no responses."""
    async with connected(setup, model="", extra_query={"intent": "transcription"}) as wire:
        assert wire.events[0].session.type == "transcription"
        await wire.connection.session.update(
            session={
                "type": "transcription",
                "audio": {
                    "input": {
                        "transcription": {"model": "gpt-4o-transcribe"},
                        "turn_detection": {"type": "server_vad", "silence_duration_ms": 1500},
                    }
                },
            }
        )
        await wire.until("session.updated")
        await wire.hear(setup.speech + silence(2))
        await expect_transcript(wire)
        assert not wire.of("response.created")


@check
async def a_bad_first_step(setup: Setup) -> None:
    """No model: the upgrade succeeds, then come an error and a close with 4000."""
    from websockets.exceptions import ConnectionClosed

    client = AsyncOpenAI(base_url=setup.url, api_key="none")
    async with client, client.realtime.connect(extra_query={"x": "y"}) as connection:
        frame = await connection.recv_bytes()
        setup.saw(frame)
        assert json.loads(frame)["error"]["code"] == "missing_model"
        try:
            await connection.recv_bytes()
        except ConnectionClosed as closed:
            assert closed.rcvd is not None
            assert (closed.rcvd.code, closed.rcvd.reason) == (4000, "invalid_request_error.missing_model")
        else:
            raise AssertionError("the connection stayed open")


@check
async def refusals_name_the_event(setup: Setup) -> None:
    """Each mistake has its code and parameter and the id of the event that made it; the session goes on."""
    async with texting(setup) as wire:
        expected: list[tuple[dict[str, Any], str, str | None]] = [
            ({"type": "nope"}, "invalid_value", "type"),
            (
                {"type": "session.update", "session": {"type": "realtime", "bogus": 1}},
                "unknown_parameter",
                "session.bogus",
            ),
            ({"type": "session.update", "session": {}}, "missing_required_parameter", "session.type"),
            ({"type": "response.cancel"}, "response_cancel_not_active", None),
            ({"type": "input_audio_buffer.commit"}, "input_audio_buffer_commit_empty", None),
            ({"type": "conversation.item.delete", "item_id": "item_x"}, "item_delete_invalid_item_id", None),
            (
                {
                    "type": "conversation.item.create",
                    "item": {"type": "function_call_output", "call_id": "call_x", "output": ""},
                },
                "invalid_tool_call_id",
                None,
            ),
        ]
        for event, code, param in expected:
            error = await wire.refusal(event)
            assert (error.type, error.code, error.param) == ("invalid_request_error", code, param), error
        assert (await wire.say("Hello.")).status == "completed"


@check
async def handlers_are_dispatched(setup: Setup) -> None:
    """The package's own dispatcher: a handler for a type, one for all."""
    client = AsyncOpenAI(base_url=setup.url, api_key="none")
    async with client, client.realtime.connect(model=MODEL) as connection:
        seen: list[str] = []
        finished = asyncio.Event()
        connection.on("event", lambda event: seen.append(event.type))
        connection.on("response.done", lambda _event: finished.set())
        reading = asyncio.ensure_future(connection.dispatch_events())
        await connection.session.update(session={"type": "realtime", "output_modalities": ["text"]})
        content = [{"type": "input_text", "text": "Hello."}]
        await connection.conversation.item.create(item={"type": "message", "role": "user", "content": content})
        await connection.response.create()
        await finished.wait()
        await connection.close()
        await asyncio.wait([reading])
        assert seen[0] == "session.created"
        assert "response.output_text.delta" in seen


@check
async def without_asyncio(setup: Setup) -> None:
    """The blocking client of the package."""

    def turn() -> str:
        with OpenAI(base_url=setup.url, api_key="none") as client, client.realtime.connect(model=MODEL) as connection:
            connection.session.update(session={"type": "realtime", "output_modalities": ["text"]})
            content: Any = [{"type": "input_text", "text": "Hello."}]
            connection.conversation.item.create(item={"type": "message", "role": "user", "content": content})
            connection.response.create()
            for event in connection:
                if event.type == "response.output_text.done":
                    return str(event.text)
        return ""

    assert await asyncio.to_thread(turn)
