"""Text streams as they are made, and what of a spoken answer was heard when it was interrupted."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple, TypeAlias

from rtcli.protocol.events import mapping_of
from rtcli.protocol.items import MessageItem
from rtcli.protocol.playback import part_of
from rtcli.protocol.record import GIVE_UP, Connected, Connection, Did, Frame
from rtcli.protocol.remember import remember
from rtcli.session.part import Part, moment, received
from rtcli.views import Level, Notice, SpeechDelta, SpeechDone

_MAX_CHARACTERS_PER_MS = 22 / 1000
"""Characters a millisecond, at most: while audio still arrives, its transcript is ahead of it."""

_MAX_RESPONSES = 64
"""Responses that run at a time, at most; the end of an older one finds its texts no more."""

_MAX_STREAMS = 2000
"""Finished texts that are kept, for the heard part of a late interruption."""

MAX_CHARACTERS = 8 * 2**20
"""Of all texts together; one text that is longer is shown whole, and kept so far."""

_StreamKey: TypeAlias = tuple[str, str, int]
"""Role, item_id, content_index."""


@dataclass(slots=True)
class _Stream:
    pieces: list[str] = field(default_factory=list)
    length: int = 0
    spoken: bool = False
    done: bool = False
    told: int = -1  # its length when it was told as it stood, before its end
    half: str = ""  # of a character that a server cut in two (a surrogate): it waits for the other one
    cut: tuple[int, int, bool] | None = None  # heard and received, and whether the answer was whole by then

    @property
    def is_untold(self) -> bool:
        """It is being made, and has grown since it was told as it stood."""
        return not self.done and self.length > self.told

    @property
    def text(self) -> str:
        if len(self.pieces) > 1:
            self.pieces = ["".join(self.pieces)]
        return self.pieces[0] if self.pieces else ""


def heard_characters(text: str, heard_ms: int, received_ms: int, *, whole: bool) -> int:
    """How many characters of a transcript were heard; an estimate, as the API gives no times for words.

    Proportional to the audio heard of the audio received; at the end of a word. While the answer was still being
    made (`whole` is False) its transcript is ahead of its audio, so the speed of speech bounds it as well.
    """
    if received_ms <= 0 or heard_ms <= 0:
        return 0
    if heard_ms >= received_ms and whole:
        return len(text)
    count = int(len(text) * min(heard_ms / received_ms, 1.0))
    if not whole:
        count = min(count, int(heard_ms * _MAX_CHARACTERS_PER_MS))
    if count >= len(text):
        return len(text)
    while count > 0 and not text[count].isspace():
        count -= 1
    return count


_HALF = re.compile("[\ud800-\udfff]")


def _whole_characters(text: str) -> tuple[str, str]:
    """A text whose halves of characters are joined, and the half at its end that has no other one yet."""
    if not _HALF.search(text):
        return text, ""
    half = text[-1] if "\ud800" <= text[-1] <= "\udbff" else ""
    whole = text.removesuffix(half)
    return whole.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass"), half


class _Source(NamedTuple):
    """Whose text an event is about, the field that holds the whole of it, and whether it is of audio."""

    role: str
    field: str
    spoken: bool


_TEXT = _Source("assistant", "text", spoken=False)
_SPOKEN = _Source("assistant", "transcript", spoken=True)
_USER = _Source("user", "transcript", spoken=True)
_DELTAS = {
    "response.output_text.delta": _TEXT,
    "response.output_audio_transcript.delta": _SPOKEN,
    "conversation.item.input_audio_transcription.delta": _USER,
}
_ENDS = {
    "response.output_text.done": _TEXT,
    "response.output_audio_transcript.done": _SPOKEN,
    "conversation.item.input_audio_transcription.completed": _USER,
}
_DONE_OF = {source: name for name, source in _ENDS.items()}


class TranscriptStreams(Part):
    """Turns the server's text events into `SpeechDelta` and `SpeechDone`, keyed by (role, item, content part)."""

    def __init__(self, max_characters: int = MAX_CHARACTERS) -> None:
        self._streams: dict[_StreamKey, _Stream] = {}
        self._max_characters = max_characters
        self._characters = 0  # of all streams
        self._complete = True  # no text was too long to be kept
        self._responses: dict[str, list[_StreamKey]] = {}  # the texts of each response that runs
        self._candidates: list[Mapping[str, Any]] = []  # items of the assistant since the last response began
        self.last_response_shown = False  # the response that ended last had a text

    def cut(
        self, item_id: str, content_index: int, *, heard_ms: int, received_ms: int, complete: bool = True
    ) -> str | None:
        """An answer was interrupted: remember where. Returns the words not heard of a text that was finished before;

        None otherwise: the `SpeechDone` of one that is still being made says what of it was heard. `complete` is False
        where not all of its audio had arrived when its text was whole.
        """
        stream = self._streams.get(("assistant", item_id, content_index))
        if stream is None or not stream.spoken:
            return None
        stream.cut = (heard_ms, received_ms, stream.done and complete)
        return stream.text[self._heard(stream) :].strip() if stream.done else None

    def heard(self, item_id: str, content_index: int) -> int | None:
        """Characters heard of an interrupted spoken answer; None where it was not interrupted."""
        stream = self._streams.get(("assistant", item_id, content_index))
        return self._heard(stream) if stream and stream.cut else None

    def as_heard(self, item: MessageItem) -> MessageItem:
        """An item whose transcripts end where the user stopped to hear them."""
        content = [self._heard_part(item, index, part) for index, part in enumerate(item.content)]
        return item if content == item.content else replace(item, content=content)

    def _heard_part(self, item: MessageItem, index: int, part: dict[str, Any]) -> dict[str, Any]:
        heard = self.heard(item.item_id, index)
        if heard is None or part.get("text"):
            return part
        return {**part, "transcript": self.text("assistant", item.item_id, index)[:heard].strip()}

    def open_parts(self) -> dict[tuple[str, int], tuple[str, bool]]:
        """Parts of answers that are being made, by item_id and index: the text so far, and whether it is spoken."""
        return {
            (item_id, index): (stream.text, stream.spoken)
            for (role, item_id, index), stream in self._streams.items()
            if role == "assistant" and not stream.done and stream.text
        }

    def text(self, role: str, item_id: str, content_index: int) -> str:
        """The text so far."""
        stream = self._streams.get((role, item_id, content_index))
        return stream.text if stream else ""

    @staticmethod
    def _heard(stream: _Stream) -> int:
        heard_ms, received_ms, whole = stream.cut or (0, 0, False)
        return heard_characters(stream.text, heard_ms, received_ms, whole=whole)

    def _stream(self, source: _Source, event: Mapping[str, Any]) -> tuple[_StreamKey, _Stream]:
        key = (source.role, *part_of(event))
        stream = self._streams.get(key)
        if stream is None:
            if len(self._streams) >= _MAX_STREAMS:
                self._forget(next(iter(self._streams)))
            stream = self._streams[key] = _Stream(spoken=source.spoken)
            if source.role == "assistant":
                response_id = str(event.get("response_id") or "")
                if response_id not in self._responses:
                    remember(self._responses, response_id, [], _MAX_RESPONSES)
                self._responses[response_id].append(key)
        return key, stream

    def _forget(self, key: _StreamKey) -> None:
        self._characters -= self._streams.pop(key).length

    def _keep(self, key: _StreamKey, stream: _Stream, text: str) -> Iterator[Notice]:
        """Add to what is kept of a stream; the texts before it go first, then what is too long itself."""
        stream.pieces.append(text)
        stream.length += len(text)
        self._characters += len(text)
        while self._characters > self._max_characters and (oldest := next(iter(self._streams))) != key:
            self._forget(oldest)
        if stream.length > self._max_characters:
            self._characters -= stream.length - self._max_characters
            stream.pieces = [stream.text[: self._max_characters]]
            stream.length = self._max_characters
            yield from self._too_long()

    def _too_long(self) -> Iterator[Notice]:
        if self._complete:
            self._complete = False
            what = f"a text of more than {self._max_characters // 2**20} MiB: its rest is shown, and not kept"
            yield Notice(what, level=Level.WARNING)

    @received(*_DELTAS)
    def _on_delta(self, event: Mapping[str, Any], _frame: Frame) -> Iterable[SpeechDelta | Notice]:
        delta = event.get("delta")
        if not isinstance(delta, str) or not delta:
            return ()
        source = _DELTAS[event["type"]]
        key, stream = self._stream(source, event)
        if stream.done or stream.cut:  # late pieces of an interrupted answer were never heard
            return ()
        delta, stream.half = _whole_characters(stream.half + delta)
        if not delta:
            return ()
        shown = SpeechDelta(*key, delta, spoken=source.spoken)
        if stream.length >= self._max_characters:
            return (shown, *self._too_long())
        return (shown, *self._keep(key, stream, delta))

    @received(*_ENDS)
    def _on_done(self, event: Mapping[str, Any], _frame: Frame) -> Iterable[SpeechDone | Notice]:
        source = _ENDS[event["type"]]
        key, stream = self._stream(source, event)
        if stream.done:
            return ()
        if not isinstance(whole := event.get(source.field), str):
            return (self._ended(key, stream),)
        self._characters -= stream.length
        stream.pieces, stream.length = [], 0
        told = tuple(self._keep(key, stream, whole))
        return (replace(self._ended(key, stream), text=whole), *told)

    # -- texts that only the final part, item or response has; in GA their streams are done by then ---------------

    @received("response.created")
    def _on_response_created(self, _event: Mapping[str, Any], _frame: Frame) -> None:
        self._candidates = []

    @received("response.content_part.done")
    def _on_content_part_done(self, event: Mapping[str, Any], frame: Frame) -> Iterable[SpeechDone | Notice]:
        part = event.get("part")
        if isinstance(part, Mapping):
            yield from self._whole(str(event.get("response_id") or ""), *part_of(event), part, frame)

    @received("response.output_item.done")
    def _on_output_item_done(self, event: Mapping[str, Any], frame: Frame) -> Iterable[SpeechDone | Notice]:
        yield from self._item(str(event.get("response_id") or ""), event.get("item"), frame)

    @received("conversation.item.added", "conversation.item.done")
    def _on_conversation_item(self, event: Mapping[str, Any], _frame: Frame) -> None:
        item = event.get("item")
        if isinstance(item, Mapping) and item.get("role") == "assistant" and len(self._candidates) < _MAX_RESPONSES:
            self._candidates.append(item)

    @received("response.done")
    def _on_response_done(self, event: Mapping[str, Any], frame: Frame) -> Iterable[SpeechDone | Notice]:
        response = mapping_of(event.get("response"))
        response_id, output = str(response.get("id") or ""), response.get("output")
        for item in output if isinstance(output, list) else ():
            yield from self._item(response_id, item, frame)
        if not self._texts_of(response_id):
            for item in self._candidates:
                yield from self._item(response_id, item, frame)
        keys = self._texts_of(response_id)
        self.last_response_shown = bool(keys)
        for key in keys:
            stream = self._streams.get(key)
            if stream is not None and not stream.done:
                yield self._ended(key, stream)
        self._responses.pop(response_id, None)
        self._responses.pop("", None)
        self._candidates = []

    def _texts_of(self, response_id: str) -> list[_StreamKey]:
        """The texts of a response, with those of which it is not known whose they are."""
        nobodys = self._responses.get("", []) if response_id else []
        return [*self._responses.get(response_id, []), *nobodys]

    def _item(self, response_id: str, item: object, frame: Frame) -> Iterator[SpeechDone | Notice]:
        content = item.get("content") if isinstance(item, Mapping) else None
        if not isinstance(item, Mapping) or item.get("role", "assistant") != "assistant":
            return
        for index, part in enumerate(content if isinstance(content, list) else ()):
            if isinstance(part, Mapping):
                yield from self._whole(response_id, str(item.get("id") or ""), index, part, frame)

    def _whole(
        self, response_id: str, item_id: str, index: int, part: Mapping[str, Any], frame: Frame
    ) -> Iterator[SpeechDone | Notice]:
        """The whole text of a part, if it was not shown yet, under this name or another."""
        spoken = not isinstance(part.get("text"), str)
        text = part.get("transcript" if spoken else "text")
        if not isinstance(text, str) or not text.strip():
            return
        keys, key = self._texts_of(response_id), ("assistant", item_id, index)
        if key not in keys:
            same = [k for k in keys if k in self._streams and self._is_of(self._streams[k], text)]
            key = next(iter(same), key)
        if key in keys and (key not in self._streams or self._streams[key].done):
            return
        if key in self._streams and self._streams[key].done:
            return
        source = _SPOKEN if spoken else _TEXT
        about = {"item_id": key[1], "content_index": key[2], "response_id": response_id, source.field: text}
        yield from self._on_done({"type": _DONE_OF[source], **about}, frame)

    @staticmethod
    def _is_of(stream: _Stream, text: str) -> bool:
        """Whether a text that came under another name is that of a stream."""
        return stream.text.strip() == text.strip() if stream.done else text.startswith(stream.text)

    @moment(Did)
    def _on_did(self, record: Did) -> list[SpeechDone]:
        """What is waited for no longer is told as it stands; what comes of it after all is told too."""
        if record.command != GIVE_UP:
            return []
        mine = [(key, s) for key, s in self._streams.items() if key[0] == "assistant" and s.is_untold]
        return [self._as_it_stands(key, stream) for key, stream in mine]

    @moment(Connection)
    def _on_connection(self, record: Connection) -> list[SpeechDone]:
        """When a connection ends, every text that is being made ends as it stands."""
        self._responses.clear()
        self._candidates = []
        if record.state not in (Connected.CLOSED, Connected.LOST):
            return []
        ended = [self._ended(key, stream) for key, stream in self._streams.items() if stream.is_untold]
        for stream in self._streams.values():
            stream.done = True
        return ended

    def _ended(self, key: _StreamKey, stream: _Stream) -> SpeechDone:
        stream.done = True
        return self._as_it_stands(key, stream)

    def _as_it_stands(self, key: _StreamKey, stream: _Stream) -> SpeechDone:
        stream.told = stream.length
        text = stream.text if stream.length < self._max_characters else ""  # its rest is not known: it was shown
        return SpeechDone(*key, text, stream.spoken, self._heard(stream) if stream.cut else None)
