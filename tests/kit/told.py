"""Tells a session as records: what the user says and what a server answers, at moments that the test chooses."""

from __future__ import annotations

import math
from array import array
from collections.abc import Mapping
from contextvars import copy_context
from typing import Any

from rtcli.protocol.audio_formats import PCM16, encode_base64
from rtcli.protocol.frame_maker import FrameMaker
from rtcli.protocol.record import Connected, Connection, Frame, Heard, Record
from rtcli.timeline.timeline import Timeline, read

PIECE = 0.02
"""Seconds of audio in one append, as a microphone makes them."""


def tone(seconds: float, *, level: float = 0.25, rate: int = PCM16.rate) -> bytes:
    """A voice to any detector: PCM16 of a sine of 300 Hz; level 0 is silence."""
    count = round(seconds * rate)
    return array("h", (int(level * 32767 * math.sin(math.tau * 300 * i / rate)) for i in range(count))).tobytes()


class Told:
    """Makes records one after the other; `now` is the session's clock."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        self.now = 0.0
        self._frames = FrameMaker()

    @property
    def timeline(self) -> Timeline:
        """What the records so far come to."""
        return read(self.records)

    def sends(self, type_: str, **fields: Any) -> Frame:
        """We send an event."""
        return self._frame(self._frames.sent, {"type": type_, **fields})

    def gets(self, type_: str, **fields: Any) -> Frame:
        """The server sends an event."""
        return self._frame(self._frames.received, {"type": type_, **fields})

    def _frame(self, make: Any, event: Mapping[str, Any]) -> Frame:
        frame: Frame = copy_context().run(make, event, "", self.now)
        self.records.append(frame)
        return frame

    def speaks(self, pcm: bytes, *, late: float = 0.0) -> None:
        """The microphone hears this, piece by piece in real time; each piece is sent `late` seconds after its end."""
        size = PCM16.byte_length(PIECE * 1000)
        for start in range(0, len(pcm), size):
            piece = pcm[start : start + size]
            self.now += len(piece) / PCM16.bytes_per_second
            self.now += late
            self.sends("input_audio_buffer.append", audio=encode_base64(piece))
            self.now -= late

    def hears(self, item: str, milliseconds: int, part: int = 0) -> None:
        """The speaker says how far it is."""
        self.records.append(Heard(self.now, item, part, milliseconds))

    def ends_speech(self, item: str = "u") -> None:
        """The server has heard enough."""
        self.gets("input_audio_buffer.speech_stopped", item_id=item)
        self.gets("input_audio_buffer.committed", item_id=item)

    def types(self, words: str = "hello") -> None:
        """The user types a message and asks for an answer."""
        content = [{"type": "input_text", "text": words}]
        self.sends("conversation.item.create", item={"type": "message", "role": "user", "content": content})
        self.sends("response.create")

    def begins(self, response: str) -> None:
        """A response begins."""
        self.gets("response.created", response={"id": response})

    def plays(self, response: str, item: str, pcm: bytes) -> None:
        """Audio of it arrives."""
        self.gets("response.output_audio.delta", response_id=response, item_id=item, delta=encode_base64(pcm))

    def calls(self, response: str, call: str, name: str = "get_weather") -> None:
        """The model calls a function."""
        item = {"type": "function_call", "id": f"item_{call}", "call_id": call, "name": name, "arguments": "{}"}
        self.gets("response.output_item.done", response_id=response, item={**item, "status": "completed"})

    def answers(self, call: str, output: str = "sunny") -> None:
        """We answer a call and ask for what follows."""
        item = {"type": "function_call_output", "call_id": call, "output": output}
        self.sends("conversation.item.create", item=item)
        self.sends("response.create")

    def ends(self, response: str, status: str = "completed", **fields: Any) -> None:
        """A response is over."""
        self.gets("response.done", response={"id": response, "status": status, **fields})

    def loses(self, code: int | None = 1006) -> None:
        """The connection breaks."""
        self.records.append(Connection(self.now, Connected.LOST, code=code))


def spoken_turn_with_a_tool_and_an_interruption() -> Told:
    """The user asks, a function is called, the answer is interrupted after 0.6 s of 2 s."""
    told = Told()
    told.speaks(tone(0.3, level=0) + tone(1.0))
    told.gets("input_audio_buffer.speech_started", item_id="u1")
    told.speaks(tone(0.5, level=0))
    told.ends_speech("u1")
    told.begins("r1")
    told.now += 0.2
    told.calls("r1", "c1")
    told.ends("r1")
    told.now += 0.7
    told.answers("c1")
    told.begins("r2")
    told.now += 0.1
    told.plays("r2", "i2", tone(2.0))
    for milliseconds in (200, 400, 600):
        told.now += 0.2
        told.hears("i2", milliseconds)
    told.gets("input_audio_buffer.speech_started", item_id="u2")
    told.sends("conversation.item.truncate", item_id="i2", content_index=0, audio_end_ms=600)
    told.ends("r2", "cancelled", status_details={"reason": "turn_detected"})
    return told
