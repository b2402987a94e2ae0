"""Frames of the wire for tests of what shows them."""

from __future__ import annotations

import base64
import math
import struct
from collections.abc import Iterator
from typing import Any

from rtcli.protocol.record import Direction, Frame


class Wire:
    """Numbers frames and moves a clock on by `step` seconds for each."""

    def __init__(self, step: float = 0.05) -> None:
        self.number, self.now, self._step = 0, 0.0, step

    def frame(self, type_: str, direction: str = "<", *, size: int = 100, cause: str = "", **fields: Any) -> Frame:
        self.number += 1
        self.now += self._step
        return Frame(self.number, self.now, Direction(direction), {"type": type_, **fields}, size, cause)


def tone(milliseconds: int, amplitude: float = 0.5, rate: int = 24_000) -> bytes:
    """A sine as PCM16."""
    count = milliseconds * rate // 1000
    return struct.pack(f"<{count}h", *(int(32767 * amplitude * math.sin(i * 0.1)) for i in range(count)))


def base64_of(data: bytes) -> str:
    return base64.b64encode(data).decode()


def spoken_answer(wire: Wire, seconds: float = 5.0) -> Iterator[Frame]:
    """The frames of one spoken answer in the order of the API: transcript and 200 ms of sound in turn."""
    ids: dict[str, Any] = {"response_id": "resp_AAAAAAAAAAAAAAAAAAAAA", "output_index": 0}
    part: dict[str, Any] = {**ids, "item_id": "item_BBBBBBBBBBBBBBBBBBBBB", "content_index": 0}
    item = {"id": part["item_id"], "type": "message", "role": "assistant", "content": []}
    sound = base64_of(bytes(9600))
    words = [f"word{number} " for number in range(int(seconds * 5))]
    text = "".join(words).strip()
    response = {"id": ids["response_id"], "status": "in_progress", "conversation_id": "conv_1"}
    yield wire.frame("response.created", response=response)
    yield wire.frame("response.output_item.added", **ids, item=item)
    yield wire.frame("conversation.item.added", item=item)
    yield wire.frame("response.content_part.added", **part, part={"type": "audio", "transcript": ""})
    for word in words:
        yield wire.frame("response.output_audio_transcript.delta", **part, delta=word)
        yield wire.frame("response.output_audio.delta", size=13_000, **part, delta=sound)
    yield wire.frame("response.output_audio.done", **part)
    yield wire.frame("response.output_audio_transcript.done", **part, transcript=text)
    yield wire.frame("response.content_part.done", **part, part={"type": "audio", "transcript": text})
    done = {**item, "content": [{"type": "output_audio", "transcript": text}]}
    yield wire.frame("conversation.item.done", item=done)
    yield wire.frame("response.output_item.done", **ids, item=done)
    usage = {"total_tokens": 90, "input_tokens": 31, "output_tokens": 59}
    yield wire.frame("response.done", response={**response, "status": "completed", "output": [done], "usage": usage})
    limit = {"name": "tokens", "limit": 100, "remaining": 90, "reset_seconds": 1}
    yield wire.frame("rate_limits.updated", rate_limits=[limit])
