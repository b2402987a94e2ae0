"""Answers of commands, and pieces of the conversation."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rtcli.protocol.occurrences import Occurrence
    from rtcli.protocol.record import Frame
    from rtcli.views.notices import Notice


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under headings; every cell is text. `warned` are the cells, by row and column, that ask for attention."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    title: str = ""
    warned: frozenset[tuple[int, int]] = frozenset()


@dataclass(frozen=True, slots=True)
class Json:
    """A JSON value; base64 audio and images in it are summarized unless `full`."""

    value: Any
    title: str = ""
    full: bool = False


@dataclass(frozen=True, slots=True)
class FrameRows:
    """Frames that have been, and what happened between them, each a row as the event view has it; no filter applies."""

    frames: tuple[Frame | Occurrence, ...]
    title: str = ""


@dataclass(frozen=True, slots=True)
class ImagePreview:
    """A small image: `pixels` are rows of red, green, blue, a byte each, from the top left."""

    width: int
    height: int
    pixels: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class SpeechDelta:
    """A piece of text that is being made, to be appended to the stream named by (role, item_id, content_index).

    `role` is "assistant" or "user" (input transcription); `spoken` says that the text is a transcript of audio.
    """

    role: str
    item_id: str
    content_index: int
    delta: str
    spoken: bool = False


@dataclass(frozen=True, slots=True)
class SpeechDone:
    """A stream of text is finished: `text` is the whole of it.

    `heard` is None, or (after an interruption) the number of characters of `text` that were really heard.
    """

    role: str
    item_id: str
    content_index: int
    text: str
    spoken: bool = False
    heard: int | None = None


@dataclass(frozen=True, slots=True)
class Labeled:
    """A view of one session among several; the label stands before each of its rows."""

    label: str
    view: Notice | Frame | Occurrence
