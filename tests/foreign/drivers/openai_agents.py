"""The official `openai-agents` package, unmodified: its realtime model over a socket, and its session with an agent."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from agents import function_tool
from agents.realtime import (
    OpenAIRealtimeWebSocketModel,
    RealtimeAgent,
    RealtimeModelSendAudio,
    RealtimeModelSendInterrupt,
    RealtimeModelSendRawMessage,
    RealtimeModelSendSessionUpdate,
    RealtimeModelSendToolOutput,
    RealtimeModelSendUserInput,
    RealtimeRunner,
    RealtimeSession,
)

from tests.foreign.drivers.harness import Setup, check, chunks, image, main, silence

MODEL = "gpt-realtime-2.1"
LONG_ANSWER = "Please count to 100."
VAD = {"type": "server_vad", "silence_duration_ms": 1500, "interrupt_response": True}


class Listener:
    """Keeps what a model or a session emits, in order; raw events pass the typed models."""

    def __init__(self, setup: Setup) -> None:
        self.setup = setup
        self.events: list[Any] = []
        self._read = 0
        self._news = asyncio.Event()

    async def on_event(self, event: Any) -> None:
        """Called by the model, in order."""
        if event.type == "raw_server_event":
            self.setup.saw(event.data)
        self.events.append(event)
        self._news.set()

    async def until(self, kind: str, fits: Callable[[Any], bool] = lambda _event: True) -> Any:
        """The next event of a type, behind the one that was waited for last. An exception of the client is raised."""
        while True:
            while self._read < len(self.events):
                event = self.events[self._read]
                self._read += 1
                if event.type == "exception":
                    raise event.exception
                if event.type == kind and fits(event):
                    return event
            self._news.clear()
            await self._news.wait()

    async def have(self, *kinds: str) -> None:
        """Until there has been an event of each of these types, in any order."""
        while not {event.type for event in self.events}.issuperset(kinds):
            self._news.clear()
            await self._news.wait()

    async def raw(self, kind: str) -> dict[str, Any]:
        """The next event of the wire of a type."""
        event = await self.until("raw_server_event", lambda event: event.data["type"] == kind)
        data: dict[str, Any] = event.data
        return data

    def of(self, kind: str) -> list[Any]:
        return [event for event in self.events if event.type == kind]

    def raw_types(self) -> list[str]:
        return [event.data["type"] for event in self.of("raw_server_event")]


@asynccontextmanager
async def model(setup: Setup, **settings: Any) -> AsyncIterator[tuple[OpenAIRealtimeWebSocketModel, Listener]]:
    """A connected model; leaving it checks that the client found nothing wrong with what the server sent."""
    connection = OpenAIRealtimeWebSocketModel()
    listener = Listener(setup)
    connection.add_listener(listener)
    url = f"{setup.websocket_url}?model={MODEL}"
    await connection.connect(
        {"url": url, "api_key": "none", "initial_model_settings": {"model_name": MODEL, **settings}}
    )
    try:
        await listener.raw("session.updated")
        yield connection, listener
    finally:
        await connection.close()
    assert not listener.of("exception"), listener.of("exception")


async def send_raw(connection: Any, kind: str, **fields: Any) -> None:
    await connection.send_event(RealtimeModelSendRawMessage(message={"type": kind, "other_data": fields}))


async def hear(connection: Any, pcm: bytes) -> None:
    for chunk in chunks(pcm):
        await connection.send_event(RealtimeModelSendAudio(audio=chunk))


@check
async def a_text_turn(setup: Setup) -> None:
    """Text in, text out: deltas, usage, and the end of the turn."""
    async with model(setup, output_modalities=["text"]) as (connection, listener):
        await connection.send_event(RealtimeModelSendUserInput("Hello there."))
        await listener.until("turn_started")
        await listener.until("turn_ended")
        assert "".join(event.delta for event in listener.of("output_text_delta"))
        assert listener.of("usage")[0].usage.output_tokens > 0
        assert not listener.of("error"), listener.of("error")


@check
async def an_audio_turn(setup: Setup) -> None:
    """Text in, speech out: sound, transcript, and the sound's end."""
    async with model(setup) as (connection, listener):
        await connection.send_event(RealtimeModelSendUserInput("Hello there."))
        done = await listener.until("audio_done")
        await listener.until("turn_ended")
        assert sum(len(event.data) for event in listener.of("audio")) > 0.3 * 48_000
        assert "".join(event.delta for event in listener.of("transcript_delta"))
        assert {event.item_id for event in listener.of("audio")} == {done.item_id}
        assert not listener.of("error"), listener.of("error")


@check
async def push_to_talk(setup: Setup) -> None:
    """Sound with a commit, no turn detection, then a response that is asked for."""
    async with model(setup, turn_detection=None) as (connection, listener):
        await hear(connection, setup.speech[:-4800])
        await connection.send_event(RealtimeModelSendAudio(audio=setup.speech[-4800:], commit=True))
        await listener.raw("input_audio_buffer.committed")
        await send_raw(connection, "response.create")
        await listener.until("turn_ended")
        assert "input_audio_buffer.speech_started" not in listener.raw_types()
        assert not listener.of("error"), listener.of("error")


@check
async def speech_is_detected_and_transcribed(setup: Setup) -> None:
    """A person's words start a turn; their transcript, if there is one, reaches the client, and so does the answer."""
    settings = {"audio": {"input": {"turn_detection": VAD, "transcription": {"model": "gpt-4o-mini-transcribe"}}}}
    async with model(setup, **settings) as (connection, listener):
        await hear(connection, silence(0.5) + setup.speech + silence(2))
        await listener.raw("input_audio_buffer.speech_started")
        await listener.raw("input_audio_buffer.speech_stopped")
        await listener.have("turn_ended")
        if setup.recognizer:
            await listener.have("input_audio_transcription_completed")
            [completed] = listener.of("input_audio_transcription_completed")
            assert "fail better" in completed.transcript.lower(), completed
        assert not listener.of("error"), listener.of("error")


@check
async def an_image(setup: Setup) -> None:
    """An image in a message is accepted and answered."""
    async with model(setup, output_modalities=["text"]) as (connection, listener):
        content = [{"type": "input_text", "text": "What is this?"}, {"type": "input_image", "image_url": image()}]
        await connection.send_event(RealtimeModelSendUserInput({"type": "message", "role": "user", "content": content}))
        updated = await listener.until("item_updated")
        assert [part.type for part in updated.item.content] == ["input_text", "input_image"]
        await listener.until("turn_ended")
        assert not listener.of("error"), listener.of("error")


def weather(city: str) -> str:
    """The weather in a city."""
    return f"In {city} it has 21 degrees."


def time(city: str) -> str:
    """The time in a city."""
    return f"In {city} it is noon."


get_weather = function_tool(weather, name_override="get_weather")
get_time = function_tool(time, name_override="get_time")


@check
async def a_function_call(setup: Setup) -> None:
    """A call, its output, and an answer that uses it."""
    async with model(setup, output_modalities=["text"], tools=[get_weather]) as (connection, listener):
        await connection.send_event(RealtimeModelSendUserInput("What is the weather in Paris?"))
        call = await listener.until("function_call")
        assert call.name == "get_weather"
        assert "paris" in json.loads(call.arguments)["city"].lower()
        await connection.send_event(
            RealtimeModelSendToolOutput(tool_call=call, output="21 degrees", start_response=True)
        )
        await listener.until("turn_ended")
        await listener.until("turn_ended")
        assert "21" in "".join(event.delta for event in listener.of("output_text_delta"))
        assert not listener.of("error"), listener.of("error")


@check
async def cancel(setup: Setup) -> None:
    """interrupt() without server-side interruption: the sound is cut, the response cancelled, the item truncated."""
    async with model(setup, turn_detection=None) as (connection, listener):
        await connection.send_event(RealtimeModelSendUserInput(LONG_ANSWER))
        await listener.until("audio")
        await connection.send_event(RealtimeModelSendInterrupt())
        interrupted = await listener.until("audio_interrupted")
        assert interrupted.item_id == listener.of("audio")[0].item_id
        done = await listener.raw("response.done")
        assert done["response"]["status_details"]["reason"] == "client_cancelled"
        if "conversation.item.truncated" not in listener.raw_types():
            await listener.raw("conversation.item.truncated")
        assert not listener.of("error"), listener.of("error")


@check
async def barge_in(setup: Setup) -> None:
    """Speech during an answer: the client hears of it, truncates, and the server cancels by itself."""
    async with model(setup, turn_detection=VAD | {"silence_duration_ms": 500}) as (connection, listener):
        await connection.send_event(RealtimeModelSendUserInput(LONG_ANSWER))
        await listener.until("audio")
        await hear(connection, setup.phrase + silence(1.5))
        await listener.until("audio_interrupted")
        done = await listener.raw("response.done")
        assert done["response"]["status_details"]["reason"] == "turn_detected"
        again = await listener.raw("response.done")
        assert again["response"]["status"] == "completed", again
        assert "conversation.item.truncated" in listener.raw_types()
        assert not listener.of("error"), listener.of("error")


@check
async def delete_and_retrieve(setup: Setup) -> None:
    """Raw events of the client reach the server, and their answers its listeners."""
    async with model(setup, output_modalities=["text"]) as (connection, listener):
        await connection.send_event(RealtimeModelSendUserInput("Hello."))
        await listener.until("turn_ended")
        item = next(event.item.item_id for event in listener.of("item_updated"))
        await send_raw(connection, "conversation.item.retrieve", item_id=item)
        assert (await listener.raw("conversation.item.retrieved"))["item"]["id"] == item
        await send_raw(connection, "conversation.item.delete", item_id=item)
        assert (await listener.until("item_deleted")).item_id == item


@check
async def refusals_name_the_event(setup: Setup) -> None:
    """An error arrives as one, with the id of the event that it answers."""
    async with model(setup) as (connection, listener):
        await send_raw(connection, "conversation.item.delete", item_id="item_nobody", event_id="mine")
        error = (await listener.until("error")).error
        assert (error.code, error.event_id) == ("item_delete_invalid_item_id", "mine"), error


@check
async def requests_are_sequenced(setup: Setup) -> None:
    """Three messages at once are answered without a single refusal: the client waits for each response.done."""
    async with model(setup, output_modalities=["text"]) as (connection, listener):
        for text in ("One.", "Two.", "Three."):
            await connection.send_event(RealtimeModelSendUserInput(text))
        await listener.until("turn_ended")
        while sum(kind == "conversation.item.done" for kind in listener.raw_types()) < 4:
            await listener.raw("conversation.item.done")
        assert not listener.of("error"), listener.of("error")


@check
async def out_of_band(setup: Setup) -> None:
    """A response beside the conversation comes back with its metadata."""
    async with model(setup) as (connection, listener):
        await send_raw(
            connection,
            "response.create",
            response={"conversation": "none", "output_modalities": ["text"], "metadata": {"topic": "side"}},
        )
        done = await listener.raw("response.done")
        assert done["response"]["metadata"] == {"topic": "side"}
        assert done["response"]["conversation_id"] is None


@check
async def settings_change(setup: Setup) -> None:
    """A later update reaches the session whole."""
    async with model(setup) as (connection, listener):
        settings: Any = {"instructions": "Be brief.", "tools": [get_weather]}
        await connection.send_event(RealtimeModelSendSessionUpdate(session_settings=settings))
        updated = await listener.until(
            "raw_server_event",
            lambda event: event.data["type"] == "session.updated" and event.data["session"]["tools"] != [],
        )
        assert updated.data["session"]["instructions"] == "Be brief."


class Watched:
    """A running session of an agent, its events kept by the same kind of listener as a model's."""

    def __init__(self, session: RealtimeSession, listener: Listener) -> None:
        self.session = session
        self.listener = listener


@asynccontextmanager
async def session(setup: Setup, agent: RealtimeAgent, **settings: Any) -> AsyncIterator[Watched]:
    """RealtimeRunner's session with an agent."""
    runner = RealtimeRunner(agent, config={"model_settings": {"model_name": MODEL, **settings}})
    url = f"{setup.websocket_url}?model={MODEL}"
    raw, listener = Listener(setup), Listener(setup)
    async with await runner.run(model_config={"url": url, "api_key": "none"}) as running:
        running.model.add_listener(raw)

        async def read() -> None:
            async for event in running:
                await listener.on_event(event)

        reading = asyncio.ensure_future(read())
        try:
            yield Watched(running, listener)
        finally:
            reading.cancel()
    assert not listener.of("error"), listener.of("error")
    assert not raw.of("exception"), raw.of("exception")


@check
async def an_agent_uses_its_tool(setup: Setup) -> None:
    """The session runs the agent's function, sends what it returned, and the history has the answer."""
    agent = RealtimeAgent(name="guide", instructions="Help.", tools=[get_weather])
    async with session(setup, agent, output_modalities=["text"]) as watched:
        await watched.session.send_message("What is the weather in Paris?")
        ended = await watched.listener.until("tool_end")
        assert "21 degrees" in str(ended.output)
        await watched.listener.until("history_updated", lambda event: _answered(event.history, "21"))


@check
async def an_agent_uses_two_tools(setup: Setup) -> None:
    """Parallel calls are both run, and their outputs answered (the client asks once for each of them)."""
    agent = RealtimeAgent(name="guide", instructions="Help.", tools=[get_weather, get_time])
    async with session(setup, agent, output_modalities=["text"]) as watched:
        await watched.session.send_message("Both, please: the weather in Paris and the time in Oslo.")
        ended = {(await watched.listener.until("tool_end")).tool.name for _ in range(2)}
        assert ended == {"get_weather", "get_time"}
        await watched.listener.until(
            "history_updated", lambda event: _answered(event.history) and _says(event.history, "noon", "21")
        )


@check
async def an_agent_speaks(setup: Setup) -> None:
    """A session's audio events, and their end."""
    async with session(setup, RealtimeAgent(name="guide", instructions="Help.")) as watched:
        await watched.session.send_message("Hello there.")
        await watched.listener.until("audio_end")
        await watched.listener.until("agent_end")
        assert sum(len(event.audio.data) for event in watched.listener.of("audio")) > 0.3 * 48_000


@check
async def an_agent_listens(setup: Setup) -> None:
    """A person's speech becomes a user's message, with its transcript if there is one, and is answered."""
    settings = {"audio": {"input": {"turn_detection": VAD, "transcription": {"model": "whisper-1"}}}}
    async with session(setup, RealtimeAgent(name="guide", instructions="Help."), **settings) as watched:
        for chunk in chunks(setup.speech + silence(2)):
            await watched.session.send_audio(chunk)
        await watched.listener.until("agent_end")
        updates = [event.history for event in watched.listener.of("history_updated")]
        if setup.recognizer and not any(_says(history, "fail better") for history in updates):
            await watched.listener.until("history_updated", lambda event: _says(event.history, "fail better"))


@check
async def an_agent_hands_over(setup: Setup) -> None:
    """A handoff is a call like any other: the second agent's settings arrive, voice and all."""
    second = RealtimeAgent(name="expert", instructions="You are the expert.")
    first = RealtimeAgent(name="guide", instructions="Help.", handoffs=[second])
    async with session(setup, first, output_modalities=["text"], tool_choice="required") as watched:
        await watched.session.send_message("Please hand me over.")
        handed = await watched.listener.until("handoff")
        assert handed.to_agent.name == "expert"
        await watched.listener.until("agent_end")


def _answered(history: list[Any], *words: str) -> bool:
    """Whether the assistant has said something, and all of these words."""
    answers = [item for item in history if getattr(item, "role", "") == "assistant"]
    return bool(answers) and _says(answers, *words)


def _says(history: list[Any], *words: str) -> bool:
    """Whether all words are in what was said, by anybody, in a session's history."""
    said = json.dumps([item.model_dump() for item in history]).lower()
    return all(word in said for word in words)


if __name__ == "__main__":
    main()
