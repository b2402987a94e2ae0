"""What the server says of the user's speech: transcription events for a committed item."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import takewhile
from typing import Any, TypeAlias

from rtcli.dsp.levels import rms_db
from rtcli.server.session import usage
from rtcli.server.session.events import event, obfuscated
from rtcli.server.session.items import Item

Json: TypeAlias = dict[str, Any]

_PREFIX = "conversation.item.input_audio_transcription"
_SILENT_DB = -55.0
_WORDS = re.compile(r"\S+\s*")


STREAMING_MODEL = "gpt-realtime-whisper"
"""The one that transcribes while somebody still speaks."""


@dataclass(slots=True)
class Partial:
    """What was told of a turn that is still spoken: the words on which two attempts in a row agreed."""

    item_id: str
    told: str = ""
    _last: str = ""

    def attempt(self, text: str) -> list[Json]:
        """A new transcript of all that was said so far; returns the delta for the words that are certain now."""
        agreed = _common_words(self._last, text)
        self._last = text
        if not agreed.startswith(self.told) or agreed == self.told:
            return []
        delta, self.told = agreed[len(self.told) :], agreed
        place = {"item_id": self.item_id, "content_index": 0}
        return [obfuscated(event(f"{_PREFIX}.delta", **place, delta=delta))]


def _common_words(one: str, other: str) -> str:
    pairs = zip(_WORDS.findall(one), _WORDS.findall(other), strict=False)
    agreed = takewhile(lambda pair: pair[0].strip() == pair[1].strip(), pairs)  # the last word has no space yet
    return "".join(word for _, word in agreed)


def events(item: Item, model: str, transcript: str | None, told: str = "") -> Iterator[Json]:
    """Deltas and `completed`, or `failed` where there is no recogniser (None) and somebody spoke.

    `told` was sent in deltas before; where it turned out wrong, `completed` alone says what is right.

    Without a recogniser an empty transcript would be a lie about speech; about silence it is true.
    """
    place = {"item_id": item.id, "content_index": 0}
    pcm = b"".join(item.audio.values())
    if transcript is None and rms_db(pcm) > _SILENT_DB:
        yield event(f"{_PREFIX}.failed", **place, error=_failure(item.id))
        return
    transcript = transcript or ""
    rest = transcript[len(told) :] if transcript.startswith(told) else ""
    for word in _WORDS.findall(rest):
        yield obfuscated(event(f"{_PREFIX}.delta", **place, delta=word))
    count = usage.transcription_usage(model, len(pcm), transcript)
    yield event(f"{_PREFIX}.completed", **place, transcript=transcript, usage=count)
    item.wire = {**item.wire, "content": [_with(part, transcript) for part in item.wire["content"]]}


def _with(part: Json, transcript: str) -> Json:
    return {**part, "transcript": transcript} if part["type"] == "input_audio" else part


def _failure(item_id: str) -> Json:
    """No `param`: the JavaScript agents SDK refuses a null there, and it has no other value."""
    why = "this server has no recogniser (pip install 'rtcli[voice]')"
    return {
        "type": "server_error",
        "code": "transcriber_unavailable",
        "message": f"Input transcription failed for item '{item_id}': {why}.",
    }
