"""The official `openai` package, unmodified, through everything that it offers for the Realtime API."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from openai import AsyncOpenAI, OpenAI

from tests.foreign.drivers.harness import Setup, check, chunks, image, main, silence

MODEL = "gpt-realtime"
WEATHER = {
    "type": "function",
    "name": "get_weather",
    "description": "The weather in a city.",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}
MCP = {"type": "mcp", "server_label": "docs", "server_url": "https://example.com/mcp", "require_approval": "never"}
LONG_ANSWER = "Please count to 100."


class Wire:
    """One connection of the package; every event passes the typed models before the package parses it."""

    def __init__(self, setup: Setup, connection: Any) -> None:
        self.setup = setup
        self.connection = connection
        self.events: list[Any] = []

    async def receive(self) -> Any:
        frame = await self.connection.recv_bytes()
        self.setup.saw(frame)
        event = self.connection.parse_event(frame)
        self.events.append(event)
        return event

    async def until(self, kind: str, **fields: Any) -> Any:
        """Receive up to the next event of a type whose fields have these values."""
        while True:
            event = await self.receive()
            if event.type == kind and all(getattr(event, name) == value for name, value in fields.items()):
                return event

    def of(self, kind: str) -> list[Any]:
        return [event for event in self.events if event.type == kind]

    def types(self) -> list[str]:
        """The types so far, each run of deltas once."""
        types = [event.type for event in self.events]
        return [kind for kind, before in zip(types, [None, *types], strict=False) if kind != before]

    async def say(self, text: str, **response: Any) -> Any:
        """A typed message and its answer: the response of response.done."""
        await self.ask(text)
        await self.connection.response.create(**({"response": response} if response else {}))
        return (await self.until("response.done")).response

    async def ask(self, text: str) -> str:
        """A typed message; returns its item's id."""
        await self.connection.conversation.item.create(
            item={"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}
        )
        return str((await self.until("conversation.item.done")).item.id)

    async def configure(self, **session: Any) -> Any:
        await self.connection.session.update(session={"type": "realtime", **session})
        return (await self.until("session.updated")).session

    async def hear(self, pcm: bytes) -> None:
        for chunk in chunks(pcm):
            await self.connection.input_audio_buffer.append(audio=base64.b64encode(chunk).decode())

    async def refusal(self, event: dict[str, Any]) -> Any:
        """Send an event that has to fail, under an id of its own; returns the error."""
        await self.connection.send({"event_id": "of_the_client", **event})
        error = (await self.until("error")).error
        assert error.event_id == "of_the_client", error
        return error


@asynccontextmanager
async def connected(setup: Setup, **options: Any) -> AsyncIterator[Wire]:
    client = AsyncOpenAI(base_url=setup.url, api_key="none")
    async with client, client.realtime.connect(**({"model": MODEL} | options)) as connection:
        wire = Wire(setup, connection)
        assert (await wire.receive()).type == "session.created"
        yield wire


@asynccontextmanager
async def texting(setup: Setup) -> AsyncIterator[Wire]:
    async with connected(setup) as wire:
        await wire.configure(output_modalities=["text"])
        yield wire


def text_of(response: Any) -> str:
    return "".join(part.text or part.transcript or "" for item in response.output for part in item.content)


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
    """The transcript of a person's words has them and names its usage; a server without a recogniser says so."""
    async with connected(setup) as wire:
        turn_detection = {"type": "server_vad", "silence_duration_ms": 1500, "create_response": False}
        await wire.configure(
            audio={"input": {"turn_detection": turn_detection, "transcription": {"model": "gpt-4o-transcribe"}}}
        )
        await wire.hear(setup.speech + silence(2))
        await expect_transcript(wire)


async def expect_transcript(wire: Wire) -> None:
    """What the session's transcription has to come to."""
    place = "conversation.item.input_audio_transcription"
    if not wire.setup.recogniser:
        failed = await wire.until(f"{place}.failed")
        assert "recogniser" in failed.error.message, failed
        return
    completed = await wire.until(f"{place}.completed")
    heard = completed.transcript.lower()
    assert all(word in heard for word in ("ever tried", "no matter", "fail better")), heard
    assert "".join(event.delta for event in wire.of(f"{place}.delta")).strip() == completed.transcript
    assert completed.usage is not None


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
async def a_function_call(setup: Setup) -> None:
    """The model calls, the client answers, the model uses the answer."""
    async with texting(setup) as wire:
        await wire.configure(tools=[WEATHER], tool_choice="auto")
        response = await wire.say("What is the weather in Paris?")
        [call] = response.output
        assert (call.type, call.name) == ("function_call", "get_weather")
        assert "paris" in json.loads(call.arguments)["city"].lower()
        done = wire.of("response.function_call_arguments.done")[0]
        assert (done.call_id, done.arguments, done.name) == (call.call_id, call.arguments, call.name)
        assert "".join(e.delta for e in wire.of("response.function_call_arguments.delta")) == call.arguments
        await wire.connection.conversation.item.create(
            item={"type": "function_call_output", "call_id": call.call_id, "output": '{"temperature": 21}'}
        )
        await wire.connection.response.create()
        answer = (await wire.until("response.done")).response
        assert "21" in text_of(answer), answer


@check
async def a_required_function(setup: Setup) -> None:
    """tool_choice `required`, or a function's name, makes a call whose arguments fit the schema."""
    async with texting(setup) as wire:
        for choice in ("required", {"type": "function", "name": "get_weather"}):
            await wire.configure(tools=[WEATHER], tool_choice=choice)
            response = await wire.say("Hello.")
            [call] = response.output
            assert isinstance(json.loads(call.arguments)["city"], str)
            await wire.connection.conversation.item.create(
                item={"type": "function_call_output", "call_id": call.call_id, "output": "fine"}
            )
            await wire.until("conversation.item.done")


@check
async def parallel_calls(setup: Setup) -> None:
    """Two calls in one response, each with its own items and index; two outputs, one answer."""
    async with texting(setup) as wire:
        await wire.configure(tools=[WEATHER, WEATHER | {"name": "get_time", "description": "The time in a city."}])
        response = await wire.say("Both, please: the weather in Paris and the time in Oslo.")
        assert sorted(call.name for call in response.output) == ["get_time", "get_weather"], response.output
        assert len({call.call_id for call in response.output}) == 2
        assert [event.output_index for event in wire.of("response.output_item.done")] == [0, 1]
        for call in response.output:
            await wire.connection.conversation.item.create(
                item={"type": "function_call_output", "call_id": call.call_id, "output": "fine"}
            )
        await wire.connection.response.create()
        answer = (await wire.until("response.done")).response
        assert answer.output[0].type == "message", answer


@check
async def cancel(setup: Setup) -> None:
    """response.cancel ends a spoken answer: open parts are closed, the item is incomplete."""
    async with connected(setup) as wire:
        await wire.ask(LONG_ANSWER)
        await wire.connection.response.create()
        await wire.until("response.output_audio.delta")
        await wire.connection.response.cancel()
        response = (await wire.until("response.done")).response
        assert response.status == "cancelled"
        assert response.status_details.reason == "client_cancelled"
        assert [item.status for item in response.output] == ["incomplete"]
        assert len(wire.of("response.output_item.added")) == len(wire.of("response.output_item.done"))
        assert len(wire.of("response.content_part.added")) == len(wire.of("response.content_part.done"))


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
async def truncate(setup: Setup) -> None:
    """What was not heard is forgotten: less sound, no transcript; too late a place is refused."""
    async with connected(setup) as wire:
        response = await wire.say("Hello there.")
        item = response.output[0].id
        await wire.connection.conversation.item.truncate(item_id=item, content_index=0, audio_end_ms=200)
        truncated = await wire.until("conversation.item.truncated")
        assert (truncated.item_id, truncated.content_index, truncated.audio_end_ms) == (item, 0, 200)
        await wire.connection.conversation.item.retrieve(item_id=item)
        [part] = (await wire.until("conversation.item.retrieved")).item.content
        assert len(base64.b64decode(part.audio)) == 200 * 48
        assert not part.transcript
        error = await wire.refusal(
            {"type": "conversation.item.truncate", "item_id": item, "content_index": 0, "audio_end_ms": 57_340}
        )
        assert error.message == "Audio content of 200ms is already shorter than 57340ms", error


@check
async def delete_and_insert(setup: Setup) -> None:
    """Items go and come where the client wants them."""
    async with texting(setup) as wire:
        first = await wire.ask("one")
        third = await wire.ask("three")
        for previous, expected in ((first, first), ("root", None), (third, third)):
            await wire.connection.conversation.item.create(
                previous_item_id=previous,
                item={"type": "message", "role": "system", "content": [{"type": "input_text", "text": "between"}]},
            )
            assert (await wire.until("conversation.item.added")).previous_item_id == expected
        await wire.connection.conversation.item.delete(item_id=first)
        assert (await wire.until("conversation.item.deleted")).item_id == first
        error = await wire.refusal({"type": "conversation.item.delete", "item_id": first})
        assert error.code == "item_delete_invalid_item_id"
        await wire.connection.conversation.item.create(
            item={
                "id": first,
                "type": "message",
                "role": "assistant",
                "content": [{"type": "output_text", "text": "one again"}],
            }
        )
        assert (await wire.until("conversation.item.added")).item.id == first


@check
async def retrieve(setup: Setup) -> None:
    """What the server keeps of a person's speech comes back, byte for byte."""
    async with connected(setup) as wire:
        await wire.configure(audio={"input": {"turn_detection": None}})
        await wire.hear(setup.speech[:48_000])
        await wire.connection.input_audio_buffer.commit()
        item = (await wire.until("conversation.item.done")).item.id
        await wire.connection.conversation.item.retrieve(item_id=item)
        [part] = (await wire.until("conversation.item.retrieved")).item.content
        assert base64.b64decode(part.audio) == setup.speech[:48_000]
        error = await wire.refusal({"type": "conversation.item.retrieve", "item_id": "item_nobody"})
        assert error.code == "item_retrieve_invalid_item_id"


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
async def one_response_at_a_time(setup: Setup) -> None:
    """A second response.create is refused and leaves the first alone."""
    async with connected(setup) as wire:
        await wire.ask(LONG_ANSWER)
        await wire.connection.response.create()
        running = (await wire.until("response.created")).response.id
        error = await wire.refusal({"type": "response.create"})
        assert error.code == "conversation_already_has_active_response"
        assert running in error.message
        await wire.connection.response.cancel()
        assert (await wire.until("response.done")).response.id == running


@check
async def out_of_band(setup: Setup) -> None:
    """A response beside the conversation: its metadata comes back, and the conversation does not know of it."""
    async with texting(setup) as wire:
        await wire.ask("Hello.")
        before = len(wire.of("conversation.item.added"))
        await wire.connection.response.create(
            response={
                "conversation": "none",
                "metadata": {"topic": "side"},
                "input": [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Say hi."}]}],
            }
        )
        created = (await wire.until("response.created")).response
        response = (await wire.until("response.done")).response
        assert created.conversation_id is None
        assert created.metadata == response.metadata == {"topic": "side"}
        assert text_of(response)
        assert len(wire.of("conversation.item.added")) == before


@check
async def two_responses_at_once(setup: Setup) -> None:
    """An out-of-band response runs beside one of the conversation, told apart by their ids."""
    async with connected(setup) as wire:
        await wire.ask(LONG_ANSWER)
        await wire.connection.response.create()
        main_id = (await wire.until("response.created")).response.id
        await wire.connection.response.create(
            response={"conversation": "none", "output_modalities": ["text"], "metadata": {"topic": "side"}}
        )
        side_id = (await wire.until("response.created")).response.id
        assert side_id != main_id
        await wire.connection.response.cancel(response_id=main_id)
        ended = {(await wire.until("response.done")).response.id for _ in range(2)}
        assert ended == {main_id, side_id}


@check
async def a_response_of_its_own(setup: Setup) -> None:
    """Modality, instructions and a limit for one response; reaching the limit is `incomplete`."""
    async with connected(setup) as wire:
        response = await wire.say("Hello.", output_modalities=["text"], instructions="Be brief.")
        assert response.output_modalities == ["text"]
        assert response.output[0].content[0].type == "output_text"
        short = await wire.say(LONG_ANSWER, output_modalities=["text"], max_output_tokens=3)
        assert short.status == "incomplete", short
        assert short.status_details.reason == "max_output_tokens"


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
async def clearing_the_buffer(setup: Setup) -> None:
    """input_audio_buffer.clear throws away what was not committed."""
    async with connected(setup) as wire:
        await wire.configure(audio={"input": {"turn_detection": None}})
        await wire.hear(setup.speech[:48_000])
        await wire.connection.input_audio_buffer.clear()
        await wire.until("input_audio_buffer.cleared")
        error = await wire.refusal({"type": "input_audio_buffer.commit"})
        assert error.code == "input_audio_buffer_commit_empty"


@check
async def mcp_tools(setup: Setup) -> None:
    """A (simulated) MCP server's tools are listed as an item; one that cannot be reached fails to list."""
    async with texting(setup) as wire:
        await wire.configure(tools=[MCP])
        await wire.until("mcp_list_tools.completed")
        done = await wire.until("conversation.item.done")
        assert (done.item.type, done.item.server_label) == ("mcp_list_tools", "docs"), done.item
        assert done.item.tools
        await wire.configure(tools=[MCP | {"server_label": "gone", "server_url": "https://gone.invalid/mcp"}])
        await wire.until("mcp_list_tools.failed")


@check
async def an_mcp_call(setup: Setup) -> None:
    """A call that needs no approval is carried out by the server, its result in the item."""
    async with texting(setup) as wire:
        await wire.configure(tools=[MCP], tool_choice="required")
        response = await wire.say("Hello.")
        [call] = response.output
        assert (call.type, call.server_label) == ("mcp_call", "docs"), call
        arguments = wire.of("response.mcp_call_arguments.done")[0].arguments
        assert arguments == "".join(event.delta for event in wire.of("response.mcp_call_arguments.delta"))
        while not wire.of("response.mcp_call.completed"):
            await wire.receive()
        done = [event.item for event in wire.of("conversation.item.done") if event.item.type == "mcp_call"]
        assert done[-1].output


@check
async def an_mcp_approval(setup: Setup) -> None:
    """A call that needs approval waits for the client's word."""
    async with texting(setup) as wire:
        await wire.configure(tools=[MCP | {"require_approval": "always"}], tool_choice="required")
        response = await wire.say("Hello.")
        [request] = response.output
        assert request.type == "mcp_approval_request", request
        approval = {"type": "mcp_approval_response", "approval_request_id": request.id, "approve": True}
        await wire.connection.send({"type": "conversation.item.create", "item": approval})
        await wire.until("response.mcp_call.completed")


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


if __name__ == "__main__":
    main()
