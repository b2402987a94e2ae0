"""Compatible servers, one trait each: what they say otherwise than GA, what they refuse, and how they keep silent."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, ClassVar, TypeAlias

from rtcli.protocol.events import value_at
from tests.kit.events import SESSION, Event, error, item_events, text_response
from tests.kit.fake_server import Conversation

Noise: TypeAlias = Event | str | None

TICK = 0.1
"""Seconds between two signs of life of a server that has nothing to say."""


class Peer:
    """A GA server that answers each turn with "Hello there"; a trait overrides what it does otherwise."""

    noise: ClassVar[Noise] = None  # said all the time

    def __init__(self, talk: Conversation) -> None:
        self.talk = talk
        self.session: Event = dict(SESSION)
        self.number = 0

    async def say(self, *events: Mapping[str, Any] | str) -> None:
        await self.talk.send(*events)

    async def run(self) -> None:
        """Until the client leaves."""
        noise = asyncio.ensure_future(self._make_noise())
        try:
            await self.greet()
            while True:
                event = await self.talk.receive()
                self.number += 1
                name = "on_" + str(event["type"]).replace(".", "_")
                await getattr(self, name, self.unknown)(event)
        finally:
            noise.cancel()

    async def _make_noise(self) -> None:
        while self.noise is not None:
            await self.say(self.noise)
            await asyncio.sleep(TICK)

    async def refuse(self, event: Event, code: str | None, message: str, **fields: Any) -> None:
        await self.say(error(code, message, event.get("event_id"), **fields))

    async def greet(self) -> None:
        await self.say({"type": "session.created", "session": self.session})

    async def unknown(self, event: Event) -> None:
        await self.refuse(event, "unknown_event", f"Unknown or invalid event: {event['type']}")

    async def on_session_update(self, event: Event) -> None:
        self.session |= event["session"]
        await self.say({"type": "session.updated", "session": self.session})

    async def on_conversation_item_create(self, event: Event) -> None:
        await self.say(*item_events({"id": f"item_u{self.number}", "status": "completed", **event["item"]}))

    async def on_response_create(self, event: Event) -> None:
        await self.say(*text_response(f"resp_{self.number}", "Hello there"))

    async def on_input_audio_buffer_append(self, event: Event) -> None:
        """Audio is taken and not listened to."""


# -- readiness -------------------------------------------------------------------------------------


class NoSession(Peer):
    """session.created holds no session, nor does session.updated."""

    async def greet(self) -> None:
        await self.say({"type": "session.created", "id": "sess_1", "created": 1})

    async def on_session_update(self, event: Event) -> None:
        await self.say({"type": "session.updated"})


class NullSession(NoSession):
    """The session is null."""

    async def greet(self) -> None:
        await self.say({"type": "session.created", "session": None})


class SpeaksSecond(Peer):
    """Nothing is said before the client speaks."""

    async def greet(self) -> None:
        pass


class SpeaksSecondWithoutSession(NoSession, SpeaksSecond):
    """session.updated is the first event, and holds no session."""

    async def greet(self) -> None:
        pass


class TranscriptionSession(Peer):
    """The session event of the beta's transcription."""

    async def greet(self) -> None:
        await self.say({"type": "transcription_session.created", "session": self.session})


# -- a first session.update that is refused --------------------------------------------------------


class Refusing(Peer):
    """Some settings are refused, and with them the whole update."""

    paths: ClassVar[tuple[str, ...]] = ()

    async def on_session_update(self, event: Event) -> None:
        for path in self.paths:
            if value_at(event["session"], path) is not None:
                await self.say_no(event, path)
                return
        await super().on_session_update(event)

    async def say_no(self, event: Event, path: str) -> None:
        param = f"session.{path}"
        await self.refuse(event, "unknown_parameter", f"Unknown parameter: '{param}'.", param=param)


class RefusesTranscriber(Refusing):
    """By `param`, as the API names it."""

    paths = ("audio.input.transcription.model",)


class RefusesSemanticVad(Refusing):
    """vLLM-Omni: the value is named, and no parameter."""

    paths = ("audio.input.turn_detection",)

    async def say_no(self, event: Event, path: str) -> None:
        if value_at(event["session"], path)["type"] != "semantic_vad":
            await Peer.on_session_update(self, event)
        else:
            await self.refuse(event, "unsupported_turn_detection", "semantic_vad is not supported in duplex mode")


class RefusesAsText(Refusing):
    """The error is text, which names the field."""

    paths = ("audio.output.speed",)

    async def say_no(self, event: Event, path: str) -> None:
        await self.say({"type": "error", "error": "extra fields not permitted: session -> audio -> output -> speed"})


class RefusesType(Refusing):
    """A server of the beta's kind: the session has no `type`."""

    paths = ("type",)


class RefusesEverything(Refusing):
    """It does not say what is wrong, and takes no more than modalities."""

    paths = ("audio",)

    async def say_no(self, event: Event, path: str) -> None:
        await self.refuse(event, "invalid_request", "Invalid session configuration")


class RefusesTwice(Refusing):
    """One setting, and then another."""

    paths = ("audio.input.noise_reduction.type", "audio.input.transcription", "audio.output.speed")


class RefusesBeforeReady(RefusesTranscriber, SpeaksSecond):
    """Neither ready nor willing."""


# -- requests of our own ---------------------------------------------------------------------------


class Listening(Peer):
    """Hears speech and transcribes it: what it does not know is refused."""

    heard = 0

    async def on_input_audio_buffer_append(self, event: Event) -> None:
        self.heard += 1
        if self.heard % 20 == 0:
            await self.hear(f"item_spoken_{self.heard}")

    async def hear(self, item_id: str) -> None:
        at = {"item_id": item_id}
        item = {"id": item_id, "type": "message", "role": "user", "status": "completed"}
        heard = "conversation.item.input_audio_transcription.completed"
        await self.say(
            {"type": "input_audio_buffer.speech_started", **at, "audio_start_ms": 0},
            {"type": "input_audio_buffer.speech_stopped", **at, "audio_end_ms": 1000},
            {"type": "input_audio_buffer.committed", **at, "previous_item_id": None},
            *item_events({**item, "content": [{"type": "input_audio", "transcript": None}]}),
            {"type": heard, **at, "content_index": 0, "transcript": "hello my friend", "usage": None},
        )
        await self.on_response_create({})


class RetrieveUnanswered(Listening):
    """conversation.item.retrieve is passed over in silence."""

    async def on_conversation_item_retrieve(self, event: Event) -> None:
        pass


class RetrieveNotFound(Listening):
    """Items are forgotten at once."""

    async def on_conversation_item_retrieve(self, event: Event) -> None:
        text = f"Item with item_id '{event['item_id']}' not found"
        await self.refuse(event, "item_retrieve_invalid_item_id", text, param="item_id")


class SilentItems(Peer):
    """A client's item is taken without a word; response.done tells that it was."""

    async def on_conversation_item_create(self, event: Event) -> None:
        pass


class OnlyDone(SilentItems):
    """Of a response there is nothing but its end."""

    async def on_response_create(self, event: Event) -> None:
        await self.say(text_response(f"resp_{self.number}", "Hello there")[-1])


# -- signs of life that are no progress ------------------------------------------------------------


class NoAnswer(Peer):
    """Nothing is answered, and nothing said."""

    async def on_response_create(self, event: Event) -> None:
        pass


class Heartbeats(NoAnswer):
    """A heartbeat."""

    noise: ClassVar[Noise] = {"type": "heartbeat"}


class UnknownNoise(NoAnswer):
    """An event that nobody knows."""

    noise: ClassVar[Noise] = {"type": "server.tick", "n": 1}


class RateLimitNoise(NoAnswer):
    """An event of GA that moves nothing."""

    noise: ClassVar[Noise] = {"type": "rate_limits.updated", "rate_limits": []}


class SessionNoise(NoAnswer):
    """The session, again and again."""

    noise: ClassVar[Noise] = {"type": "session.updated", "session": SESSION}


class BrokenNoise(NoAnswer):
    """Frames that are no JSON."""

    noise: ClassVar[Noise] = "{"


class ErrorNoise(NoAnswer):
    """Errors that are about nothing that was sent."""

    noise: ClassVar[Noise] = error("server_busy", "please hold the line", "event_of_somebody_else")


class EmptyNoise(NoAnswer):
    """Deltas without content."""

    noise: ClassVar[Noise] = {
        "type": "response.output_text.delta",
        "response_id": "r",
        "item_id": "i",
        "content_index": 0,
        "delta": "",
    }


class OthersNoise(NoAnswer):
    """What another client of the same call does."""

    noise: ClassVar[Noise] = {"type": "conversation.item.deleted", "item_id": "item_of_nobody"}


class StallsInTheMiddle(Heartbeats):
    """A response begins, and then only the heart beats."""

    async def on_response_create(self, event: Event) -> None:
        await self.say(*text_response("resp_1", "Hello")[:5])


class OneEventThenNothing(NoAnswer):
    """A single event comes in the course of the wait."""

    async def on_response_create(self, event: Event) -> None:
        await asyncio.sleep(0.5)
        await self.say({"type": "server.note"})


class Slow(Peer):
    """An answer that takes long, and always goes on."""

    pause = 0.6
    words = 6

    async def on_response_create(self, event: Event) -> None:
        first, *_, last = whole = text_response("resp_1", "Hello there")
        at = next(e for e in whole if e["type"].endswith("text.delta"))
        await self.say(first)
        for index in range(self.words):
            await asyncio.sleep(self.pause)
            await self.say({**at, "delta": f"{index} "})
        await self.say(last)


class CancelUnanswered(StallsInTheMiddle):
    """A cancel is passed over, as is everything else."""

    noise: ClassVar[Noise] = None

    async def on_response_cancel(self, event: Event) -> None:
        pass
