"""A session without a socket for the tests: client events in, what went out as a list."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from rtcli.protocol.audio_formats import encode_base64
from rtcli.protocol.events import WireObject
from rtcli.rtc.playout import Playout
from rtcli.server.engines import Engines
from rtcli.server.session.core import ServerCore
from rtcli.server.session.effects import FeedAudio, ServerEffect, StartResponse, Transcribe
from rtcli.server.session.items import ConversationItem
from rtcli.server.session.response import Response
from rtcli.server.session.state import realtime_session, transcription_session
from rtcli.server.voice.basic_engines import basic_engines

MODEL = "gpt-realtime"
ENGINES: Engines = basic_engines()


def silence(seconds: float) -> bytes:
    return bytes(2 * int(24_000 * seconds))


def voice(seconds: float) -> bytes:
    time = np.arange(int(24_000 * seconds)) / 24_000
    return bytes((8_000 * np.sin(2 * np.pi * 200 * time)).astype("<i2").tobytes())


def user(text: str, **fields: Any) -> WireObject:
    return {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}], **fields}


def types(effects: Iterable[ServerEffect]) -> list[str]:
    """The wire types of the events among the effects."""
    return [effect["type"] for effect in effects if isinstance(effect, dict)]


def only(effects: Iterable[ServerEffect], type_: str) -> WireObject:
    """The one event of that type."""
    found = [effect for effect in effects if isinstance(effect, dict) and effect["type"] == type_]
    assert len(found) == 1, f"{len(found)} events of type {type_} in {types(effects)}"
    return found[0]


class Playbook:
    """Drives a ServerCore by hand. Audio is fed in 20 ms pieces, as clients send it."""

    def __init__(self, session: WireObject | None = None, playout: Playout | None = None, /, **update: Any) -> None:
        session = session or realtime_session("sess_1", MODEL)
        self.core = ServerCore(session, lambda: ENGINES.detector, playout=playout)
        if update:
            kind = self.core.state.config["type"]
            assert types(self.send("session.update", session={"type": kind, **update}))[0] == "session.updated"

    @classmethod
    def call(cls, **update: Any) -> Playbook:
        return cls(None, Playout(), **update)

    @classmethod
    def transcription(cls, **update: Any) -> Playbook:
        return cls(transcription_session("sess_1"), **update)

    def send(self, type_: str, **fields: Any) -> list[ServerEffect]:
        effects = self.core.receive({"type": type_, **fields})
        feeds = [effect for effect in effects if isinstance(effect, FeedAudio)]
        return [*effects, *(more for feed in feeds for more in self._feed(b"".join(feed.pieces)))]

    def refused(self, type_: str, **fields: Any) -> WireObject:
        """The `error` object of an event that is refused; nothing else may come of it."""
        effects = self.core.receive({"type": type_, "event_id": "mine", **fields})
        assert types(effects) == ["error"], types(effects)
        error: WireObject = only(effects, "error")["error"]
        assert list(error) == ["type", "code", "message", "param", "event_id"]
        assert error["event_id"] == "mine"
        return error

    def append_audio(self, pcm: bytes) -> list[ServerEffect]:
        """Append audio, 20 ms in each event."""
        return [
            effect
            for start in range(0, len(pcm), 960)
            for effect in self.send("input_audio_buffer.append", audio=encode_base64(pcm[start : start + 960]))
        ]

    def say(self, text: str, **fields: Any) -> str:
        """A user message; returns its id."""
        added = only(self.send("conversation.item.create", item=user(text), **fields), "conversation.item.added")
        return str(added["item"]["id"])

    def start(self, **response: Any) -> Response:
        """A response that is in progress."""
        return started(self.send("response.create", response=response))

    def answer(self, text: str = "All right.", pcm: bytes = b"", **response: Any) -> WireObject:
        """A whole response; returns the item that it made."""
        running = self.start(**response)
        running.say(text)
        if pcm:
            running.add_audio(pcm)
        item: WireObject = only(self.core.response_ended(running), "response.output_item.done")["item"]
        return item

    def items(self) -> list[str]:
        return [item.id for item in self.core.conversation]

    def _feed(self, pcm: bytes) -> list[ServerEffect]:
        return [e for start in range(0, len(pcm), 960) for e in self.core.audio_appended(pcm[start : start + 960])]


def started(effects: Iterable[ServerEffect]) -> Response:
    """The response that was started."""
    return next(effect.response for effect in effects if isinstance(effect, StartResponse))


def to_transcribe(effects: Iterable[ServerEffect]) -> ConversationItem:
    """The item that was handed to the recognizer."""
    return next(effect.item for effect in effects if isinstance(effect, Transcribe))
