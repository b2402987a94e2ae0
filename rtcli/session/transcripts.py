"""Text streams as they are made, and what of a spoken answer was heard when it was interrupted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from rtcli.protocol.items import MessageItem
from rtcli.views import SpeechDelta, SpeechDone

_FASTEST_SPEECH = 22 / 1000
"""Characters a millisecond, at most: while sound still arrives, its transcript is ahead of it."""

_MOST_STREAMS = 2000
"""Finished texts that are kept, for the heard part of a late interruption."""

_Key: TypeAlias = tuple[str, str, int]
"""Role, item_id, content_index."""


@dataclass(slots=True)
class _Stream:
    pieces: list[str] = field(default_factory=list)
    spoken: bool = False
    done: bool = False
    cut: tuple[int, int, bool] | None = None  # heard and received, and whether the answer was whole by then

    @property
    def text(self) -> str:
        if len(self.pieces) > 1:
            self.pieces = ["".join(self.pieces)]
        return self.pieces[0] if self.pieces else ""


def heard_characters(text: str, heard_ms: int, received_ms: int, *, whole: bool) -> int:
    """How many characters of a transcript were heard; an estimate, as the API gives no times for words.

    Proportional to the sound heard of the sound received; at the end of a word. While the answer was still being
    made (`whole` is False) its transcript is ahead of its sound, so the speed of speech bounds it as well.
    """
    if received_ms <= 0 or heard_ms <= 0:
        return 0
    if heard_ms >= received_ms and whole:
        return len(text)
    count = int(len(text) * min(heard_ms / received_ms, 1.0))
    if not whole:
        count = min(count, int(heard_ms * _FASTEST_SPEECH))
    if count >= len(text):
        return len(text)
    while count > 0 and not text[count].isspace():
        count -= 1
    return count


class TranscriptStreams:
    """Turns the server's text events into `SpeechDelta` and `SpeechDone`, keyed by (role, item, content part)."""

    def __init__(self) -> None:
        self._streams: dict[_Key, _Stream] = {}

    def on_event(self, event: Mapping[str, Any]) -> SpeechDelta | SpeechDone | None:
        """The view that an event makes, if it is one of text."""
        row = _TABLE.get(str(event.get("type")))
        return row.act(self, row, event) if row else None

    def cut(self, item_id: str, content_index: int, *, heard_ms: int, received_ms: int) -> str | None:
        """An answer was interrupted: remember where. Returns the words not heard of a text that was finished before;

        None otherwise: the `SpeechDone` of one that is still being made says what of it was heard.
        """
        stream = self._streams.get(("assistant", item_id, content_index))
        if stream is None or not stream.spoken:
            return None
        stream.cut = (heard_ms, received_ms, stream.done)
        return stream.text[self._heard(stream) :].strip() if stream.done else None

    def heard(self, item_id: str, content_index: int) -> int | None:
        """Characters heard of an interrupted spoken answer; None where it was not interrupted."""
        stream = self._streams.get(("assistant", item_id, content_index))
        return self._heard(stream) if stream and stream.cut else None

    def abandon(self) -> list[SpeechDone]:
        """The connection is gone: every text that is being made ends as it stands."""
        ended = []
        for key, stream in self._streams.items():
            if not stream.done:
                stream.done = True
                ended.append(SpeechDone(*key, stream.text, stream.spoken, self._heard(stream) if stream.cut else None))
        return ended

    def as_heard(self, item: MessageItem) -> MessageItem:
        """An item whose transcripts end where the person stopped to hear them."""
        content = [self._heard_part(item, index, part) for index, part in enumerate(item.content)]
        return item if content == item.content else replace(item, content=content)

    def _heard_part(self, item: MessageItem, index: int, part: dict[str, Any]) -> dict[str, Any]:
        heard = self.heard(item.item_id, index)
        if heard is None or part.get("text"):
            return part
        return {**part, "transcript": self.text("assistant", item.item_id, index)[:heard].strip()}

    def text(self, role: str, item_id: str, content_index: int) -> str:
        """The text so far."""
        stream = self._streams.get((role, item_id, content_index))
        return stream.text if stream else ""

    @staticmethod
    def _heard(stream: _Stream) -> int:
        heard_ms, received_ms, whole = stream.cut or (0, 0, False)
        return heard_characters(stream.text, heard_ms, received_ms, whole=whole)

    def _stream(self, row: _Row, event: Mapping[str, Any]) -> tuple[_Key, _Stream]:
        index = event.get("content_index")
        key = (row.role, str(event.get("item_id", "")), index if isinstance(index, int) else 0)
        stream = self._streams.get(key)
        if stream is None:
            if len(self._streams) >= _MOST_STREAMS:
                del self._streams[next(iter(self._streams))]
            stream = self._streams[key] = _Stream(spoken=row.spoken)
        return key, stream

    def _delta(self, row: _Row, event: Mapping[str, Any]) -> SpeechDelta | None:
        delta = event.get("delta")
        if not isinstance(delta, str) or not delta:
            return None
        key, stream = self._stream(row, event)
        if stream.done or stream.cut:  # late pieces of an interrupted answer were never heard
            return None
        stream.pieces.append(delta)
        return SpeechDelta(*key, delta, spoken=row.spoken)

    def _done(self, row: _Row, event: Mapping[str, Any]) -> SpeechDone | None:
        key, stream = self._stream(row, event)
        whole = event.get(row.field)
        if stream.done:
            return None
        if isinstance(whole, str):
            stream.pieces = [whole]
        heard = self._heard(stream) if stream.cut else None
        stream.done = True
        return SpeechDone(*key, stream.text, spoken=row.spoken, heard=heard)


@dataclass(frozen=True, slots=True)
class _Row:
    act: Callable[[TranscriptStreams, _Row, Mapping[str, Any]], SpeechDelta | SpeechDone | None]
    role: str
    field: str
    spoken: bool


_HEARD_FROM_USER = "conversation.item.input_audio_transcription"
_TABLE: Mapping[str, _Row] = {
    "response.output_text.delta": _Row(TranscriptStreams._delta, "assistant", "delta", False),
    "response.output_text.done": _Row(TranscriptStreams._done, "assistant", "text", False),
    "response.output_audio_transcript.delta": _Row(TranscriptStreams._delta, "assistant", "delta", True),
    "response.output_audio_transcript.done": _Row(TranscriptStreams._done, "assistant", "transcript", True),
    f"{_HEARD_FROM_USER}.delta": _Row(TranscriptStreams._delta, "user", "delta", True),
    f"{_HEARD_FROM_USER}.completed": _Row(TranscriptStreams._done, "user", "transcript", True),
}
