"""Turns of text, speech and images."""

from __future__ import annotations

import base64

from tests.foreign.drivers.harness import Setup, check, image, silence
from tests.foreign.drivers.openai_package.wire import LONG_ANSWER, connected, expect_transcript, text_of, texting


@check
async def a_text_turn(setup: Setup) -> None:
    """A typed message is answered in text, in the recorded order."""
    async with texting(setup) as wire:
        del wire.events[:]
        response = await wire.say("Hello there.")
        assert response.status == "completed", response
        deltas = "".join(event.delta for event in wire.of("response.output_text.delta"))
        assert deltas == wire.of("response.output_text.done")[0].text == text_of(response) != ""
        assert response.usage.output_tokens > 0
        await wire.until("rate_limits.updated")
        assert wire.types() == [
            "conversation.item.added",
            "conversation.item.done",
            "response.created",
            "response.output_item.added",
            "conversation.item.added",
            "response.content_part.added",
            "response.output_text.delta",
            "response.output_text.done",
            "response.content_part.done",
            "conversation.item.done",
            "response.output_item.done",
            "response.done",
            "rate_limits.updated",
        ], wire.types()


@check
async def an_audio_turn(setup: Setup) -> None:
    """A typed message is answered in speech, its transcript alongside."""
    async with connected(setup) as wire:
        response = await wire.say("Hello there.")
        transcript = "".join(event.delta for event in wire.of("response.output_audio_transcript.delta"))
        assert transcript == text_of(response) != ""
        sound = b"".join(base64.b64decode(event.delta) for event in wire.of("response.output_audio.delta"))
        assert len(sound) > 0.3 * 48_000
        assert any(sound)
        tail = [event.type for event in wire.events][-6:]
        assert tail == [
            "response.output_audio.done",
            "response.output_audio_transcript.done",
            "response.content_part.done",
            "conversation.item.done",
            "response.output_item.done",
            "response.done",
        ], tail


@check
async def an_image(setup: Setup) -> None:
    """An image is an item like any other, and counts as input."""
    async with texting(setup) as wire:
        content = [{"type": "input_text", "text": "What is this?"}, {"type": "input_image", "image_url": image()}]
        await wire.connection.conversation.item.create(item={"type": "message", "role": "user", "content": content})
        added = await wire.until("conversation.item.added")
        assert [part.type for part in added.item.content] == ["input_text", "input_image"]
        await wire.connection.response.create()
        response = (await wire.until("response.done")).response
        assert response.usage.input_token_details.image_tokens > 0, response.usage


@check
async def push_to_talk(setup: Setup) -> None:
    """Without turn detection nothing happens before commit, no answer before response.create."""
    async with connected(setup) as wire:
        await wire.configure(audio={"input": {"turn_detection": None, "transcription": {"model": "whisper-1"}}})
        await wire.hear(setup.speech)
        await wire.connection.input_audio_buffer.commit()
        committed = await wire.until("input_audio_buffer.committed")
        added = await wire.until("conversation.item.added")
        assert added.item.id == committed.item_id
        assert added.item.content[0].type == "input_audio"
        await wire.connection.response.create()
        await wire.until("response.done")
        assert not wire.of("input_audio_buffer.speech_started")


@check
async def speech_is_detected(setup: Setup) -> None:
    """server_vad finds a person's words in the stream, commits them and answers."""
    async with connected(setup) as wire:
        detection = {"type": "server_vad", "silence_duration_ms": 1500}
        await wire.configure(audio={"input": {"turn_detection": detection}})
        await wire.hear(silence(1) + setup.speech + silence(2))
        started = await wire.until("input_audio_buffer.speech_started")
        stopped = await wire.until("input_audio_buffer.speech_stopped")
        committed = await wire.until("input_audio_buffer.committed")
        assert started.item_id == stopped.item_id == committed.item_id
        assert 500 <= started.audio_start_ms <= 1_600, started
        assert 9_000 <= stopped.audio_end_ms <= 12_500, stopped
        done = await wire.until("response.done")
        assert done.response.status == "completed", done.response


@check
async def speech_is_transcribed(setup: Setup) -> None:
    """The transcript of a person's words has them and names its usage; a server without a recognizer says so."""
    async with connected(setup) as wire:
        turn_detection = {"type": "server_vad", "silence_duration_ms": 1500, "create_response": False}
        await wire.configure(
            audio={"input": {"turn_detection": turn_detection, "transcription": {"model": "gpt-4o-transcribe"}}}
        )
        await wire.hear(setup.speech + silence(2))
        await expect_transcript(wire)


@check
async def semantic_turns(setup: Setup) -> None:
    """semantic_vad answers a person too."""
    async with connected(setup) as wire:
        await wire.configure(audio={"input": {"turn_detection": {"type": "semantic_vad", "eagerness": "high"}}})
        await wire.hear(setup.speech + silence(10))
        await wire.until("input_audio_buffer.speech_stopped")
        await wire.until("response.done")


@check
async def detection_without_an_answer(setup: Setup) -> None:
    """create_response false: speech is found and committed, and the answer is the client's to ask for."""
    async with connected(setup) as wire:
        turn_detection = {"type": "server_vad", "create_response": False, "interrupt_response": False}
        await wire.configure(audio={"input": {"turn_detection": turn_detection}})
        await wire.hear(setup.phrase + silence(2))
        await wire.until("input_audio_buffer.committed")
        await wire.until("conversation.item.done")
        await wire.connection.response.create()
        await wire.until("response.done")
        assert len(wire.of("response.created")) == 1


@check
async def barge_in(setup: Setup) -> None:
    """A person who speaks stops the answer; the client tells what was heard; the turn is answered."""
    async with connected(setup) as wire:
        turn_detection = {"type": "server_vad", "silence_duration_ms": 500}
        await wire.configure(audio={"input": {"turn_detection": turn_detection}})
        await wire.ask(LONG_ANSWER)
        await wire.connection.response.create()
        speaking = await wire.until("response.output_audio.delta")
        await wire.hear(setup.phrase + silence(1.5))
        await wire.until("input_audio_buffer.speech_started")
        await wire.connection.conversation.item.truncate(item_id=speaking.item_id, content_index=0, audio_end_ms=80)
        interrupted = await wire.until("response.done")
        assert interrupted.response.id == speaking.response_id
        assert interrupted.response.status == "cancelled"
        assert interrupted.response.status_details.reason == "turn_detected"
        if not wire.of("conversation.item.truncated"):
            await wire.until("conversation.item.truncated", item_id=speaking.item_id)
        answered = await wire.until("response.done")
        assert answered.response.status == "completed", answered.response


@check
async def silence_is_answered(setup: Setup) -> None:
    """idle_timeout_ms after an answer the silence itself becomes the user's turn."""
    async with texting(setup) as wire:
        turn_detection = {"type": "server_vad", "idle_timeout_ms": 5000}
        await wire.configure(audio={"input": {"turn_detection": turn_detection}})
        await wire.say("Hello.")
        await wire.hear(silence(1))
        timed_out = await wire.until("input_audio_buffer.timeout_triggered")
        committed = await wire.until("input_audio_buffer.committed")
        assert timed_out.item_id == committed.item_id
        await wire.until("response.done")


@check
async def telephone_sound(setup: Setup) -> None:
    """G.711 both ways: a byte for a sample, 8,000 of them a second."""
    async with connected(setup) as wire:
        ulaw = {"type": "audio/pcmu"}
        await wire.configure(audio={"input": {"format": ulaw, "turn_detection": None}, "output": {"format": ulaw}})
        await wire.connection.input_audio_buffer.append(audio=base64.b64encode(b"\xff" * 8_000).decode())
        await wire.connection.input_audio_buffer.commit()
        item = (await wire.until("conversation.item.done")).item.id
        response = await wire.say("Hello there.")
        sound = b"".join(base64.b64decode(event.delta) for event in wire.of("response.output_audio.delta"))
        assert len(sound) > 0.3 * 8_000
        error = await wire.refusal(
            {
                "type": "conversation.item.truncate",
                "item_id": response.output[0].id,
                "content_index": 0,
                "audio_end_ms": 10**6,
            }
        )
        assert f"{len(sound) // 8}ms" in error.message, (len(sound), error)
        assert item


@check
async def clearing_the_buffer(setup: Setup) -> None:
    """input_audio_buffer.clear throws away what was not committed."""
    async with connected(setup) as wire:
        await wire.configure(audio={"input": {"turn_detection": None}})
        await wire.hear(setup.speech[:48_000])
        await wire.connection.input_audio_buffer.clear()
        await wire.until("input_audio_buffer.cleared")
        error = await wire.refusal({"type": "input_audio_buffer.commit"})
        assert error.code == "input_audio_buffer_commit_empty"
