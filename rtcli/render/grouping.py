"""The summary of the event view: the pieces of one stream become one row, which counts while it is open.

    frame              no stream open        stream open
    piece (a delta)    open it               count it
    end (its .done)    a row of its own      the stream's row, closed
    closer (see below) a row of its own      closes the streams it ends, then a row of its own
    anything else      a row of its own      a row of its own; streams stay open

A stream is named by item, part and type; of audio that is sent, there is one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, TypeAlias

from rtcli.protocol.audio_formats import base64_length
from rtcli.protocol.filters import type_of
from rtcli.protocol.record import Frame


class FrameRole(Enum):
    """What a frame is to a stream."""

    PIECE = auto()
    END = auto()
    CLOSER = auto()
    SINGLE = auto()


@dataclass(slots=True)
class Stream:
    """The pieces of one stream so far. `size` is the bytes of its frames, `tail` the end of its text."""

    name: str
    first: Frame  # names the item and tells when it began
    last: Frame  # its number and time are those of the row
    count: int = 0  # pieces, without the end
    size: int = 0
    audio_bytes: int = 0  # of decoded audio
    characters: int = 0
    tail: str = ""
    closed: bool = False  # its end came; a row without it keeps an ellipsis

    def add(self, record: Frame) -> None:
        """Count one more piece."""
        self.last = record
        self.count += 1
        self.size += record.size
        event = record.event or {}
        # audio that is sent carries it in `audio`, everything received in `delta`
        text = event.get("audio", event.get("delta"))
        if not isinstance(text, str):
            return
        if self.name in _AUDIO_STREAMS:
            self.audio_bytes += base64_length(text)
        else:
            self.characters += len(text)
            self.tail = (self.tail + text)[-120:]


Entry: TypeAlias = Frame | Stream

_MAX_OPEN = 64  # a server has a handful at a time

_APPEND = ("input_audio_buffer.append", "session.input_audio_buffer.append", "session.input_audio.append")
_AUDIO_STREAMS = frozenset({"response.output_audio", "session.output_audio", *_APPEND})
_END_SUFFIXES = (".done", ".completed", ".failed")
_INPUT_CLOSERS = frozenset(
    {
        "input_audio_buffer.commit",
        "input_audio_buffer.committed",
        "input_audio_buffer.clear",
        "input_audio_buffer.cleared",
    }
)


@dataclass(frozen=True, slots=True)
class _Key:
    name: str
    item_id: str = ""
    index: int = 0


class EventGrouper:
    """Takes every frame, gives the rows that are finished; `open` are the streams that still count."""

    def __init__(self) -> None:
        self._open: dict[_Key, Stream] = {}

    @property
    def open(self) -> tuple[Stream, ...]:
        """The streams that are under way, the oldest first."""
        return tuple(self._open.values())

    def feed(self, record: Frame) -> list[Entry]:
        """One frame in; out come the rows that it finishes, in order."""
        part, key = self._read(record)
        return list(_ACTIONS[part](self, record, key))

    def close(self) -> list[Entry]:
        """The streams that never saw their end, as rows."""
        left = list(self._open.values())
        self._open.clear()
        return [*left]

    def _read(self, record: Frame) -> tuple[FrameRole, _Key]:
        event, type_ = record.event or {}, type_of(record)
        if type_ in _APPEND:
            return FrameRole.PIECE, _Key(type_)
        # by the name's end, so that types of later versions are folded, too
        if type_.endswith(".delta"):
            return FrameRole.PIECE, _key(type_.removesuffix(".delta"), event)
        if type_ in ("response.done", "session.closed") or type_ in _INPUT_CLOSERS:
            return FrameRole.CLOSER, _Key(type_)
        for suffix in _END_SUFFIXES:
            key = _key(type_.removesuffix(suffix), event)
            # an end without pieces (a .done alone) is a row like any other
            if type_.endswith(suffix) and key in self._open:
                return FrameRole.END, key
        return FrameRole.SINGLE, _Key(type_)

    def _piece(self, record: Frame, key: _Key) -> Iterator[Entry]:
        if key not in self._open:
            if len(self._open) >= _MAX_OPEN:  # a server that ends none of them: the oldest is shown as it stands
                yield self._open.pop(next(iter(self._open)))
            self._open[key] = Stream(key.name, record, record)
        self._open[key].add(record)

    def _end(self, record: Frame, key: _Key) -> Iterator[Entry]:
        stream = self._open.pop(key)
        stream.last, stream.closed = record, True
        yield stream

    def _closer(self, record: Frame, key: _Key) -> Iterator[Entry]:
        for open_key, stream in list(self._open.items()):
            if _closes(record, stream):
                stream.closed = stream.name in _APPEND  # an interrupted answer keeps the mark of being cut
                yield self._open.pop(open_key)
        yield record

    def _single(self, record: Frame, key: _Key) -> Iterator[Entry]:
        yield record


_ACTIONS = {
    FrameRole.PIECE: EventGrouper._piece,
    FrameRole.END: EventGrouper._end,
    FrameRole.CLOSER: EventGrouper._closer,
    FrameRole.SINGLE: EventGrouper._single,
}


def _key(name: str, event: Mapping[str, Any]) -> _Key:
    # arguments of a call have no content_index
    index = event.get("content_index", event.get("output_index", 0))
    return _Key(name, str(event.get("item_id", "")), index if isinstance(index, int) else 0)


def _closes(record: Frame, stream: Stream) -> bool:
    if type_of(record) == "session.closed":
        return True
    if type_of(record) in _INPUT_CLOSERS:
        return stream.name in _APPEND
    response = (record.event or {}).get("response")
    ended = response.get("id") if isinstance(response, Mapping) else None
    # "" is not an id: pieces without one close with a response that has none
    return bool((stream.first.event or {}).get("response_id", "") == ended)
