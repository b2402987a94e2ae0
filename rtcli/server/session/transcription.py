"""The transcription events of a committed item, and of a turn that goes on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import takewhile

from rtcli.dsp.levels import rms_db
from rtcli.protocol.events import WireObject
from rtcli.server.session import usage
from rtcli.server.session.events import event, obfuscated
from rtcli.server.session.items import ConversationItem

_PREFIX = "conversation.item.input_audio_transcription"
_SILENT_DB = -55.0  # dBFS: below it nobody speaks
_WORDS = re.compile(r"\S+\s*")  # with the white space behind them, so that joined they are the text


STREAMING_MODEL = "gpt-realtime-whisper"
"""The model that transcribes while the user still speaks."""


@dataclass(slots=True)
class Partial:
    """A turn that goes on. What has been sent of it are the words on which two attempts in a row agreed."""

    item_id: str
    sent: str = ""  # by deltas so far
    _last: str = ""  # what the last attempt made of it

    def attempt(self, text: str) -> list[WireObject]:
        """A new transcript of all that was said so far; returns the delta for the words that are certain now."""
        agreed = _common_words(self._last, text)
        self._last = text
        if not agreed.startswith(self.sent) or agreed == self.sent:
            return []
        delta, self.sent = agreed[len(self.sent) :], agreed
        place = {"item_id": self.item_id, "content_index": 0}
        return [obfuscated(event(f"{_PREFIX}.delta", **place, delta=delta))]


def _common_words(one: str, other: str) -> str:
    pairs = zip(_WORDS.findall(one), _WORDS.findall(other), strict=False)
    agreed = takewhile(lambda pair: pair[0].strip() == pair[1].strip(), pairs)  # the last word has no space yet
    return "".join(word for _, word in agreed)


def events(item: ConversationItem, model: str, transcript: str | None, sent: str = "") -> Iterator[WireObject]:
    """Deltas and `completed`, or `failed` where there is no recognizer (None) and the audio is not silence.

    `sent` went out in deltas before; where it turned out wrong, `completed` alone says what is right.
    """
    place = {"item_id": item.id, "content_index": 0}
    pcm = b"".join(item.audio.values())
    if transcript is None and rms_db(pcm) > _SILENT_DB:  # of silence an empty transcript is true, of speech it is not
        yield event(f"{_PREFIX}.failed", **place, error=_failure(item.id))
        return
    transcript = transcript or ""
    rest = transcript[len(sent) :] if transcript.startswith(sent) else ""
    for word in _WORDS.findall(rest):
        yield obfuscated(event(f"{_PREFIX}.delta", **place, delta=word))
    count = usage.transcription_usage(model, len(pcm), transcript)
    yield event(f"{_PREFIX}.completed", **place, transcript=transcript, usage=count)
    item.wire = {**item.wire, "content": [_with(part, transcript) for part in item.wire["content"]]}


def _with(part: WireObject, transcript: str) -> WireObject:
    return {**part, "transcript": transcript} if part["type"] == "input_audio" else part


def _failure(item_id: str) -> WireObject:
    """No `param`: the JavaScript agents SDK refuses a null there, and it has no other value."""
    why = "this server has no recognizer (its voice is tone, or rtcli[voice] is not installed)"
    return {
        "type": "server_error",
        "code": "transcriber_unavailable",
        "message": f"Input transcription failed for item '{item_id}': {why}.",
    }
