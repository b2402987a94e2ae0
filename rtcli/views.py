"""What commands, the session and outcomes hand to the writers: frozen values that know nothing of a terminal."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeAlias

from rtcli.errors import ExitCode
from rtcli.protocol.occurrences import Occurrence
from rtcli.protocol.record import Frame


def counted(count: int, noun: str, plural: str = "") -> str:
    """A number and its noun: `1 item`, `2 items`, `1,200 items`."""
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"


class Level(StrEnum):
    """How much a notice asks for attention."""

    INFO = "info"
    OK = "ok"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Notice:
    """One line to a user: what, why, and what to do."""

    what: str
    why: str = ""
    hint: str = ""
    level: Level = Level.INFO


@dataclass(frozen=True, slots=True)
class Text:
    """Finished plain text, one or several lines."""

    text: str


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


class BarLook(StrEnum):
    """What a bar of a chart stands for."""

    VOICE = "voice"
    WAITING = "waiting"
    RESPONSE = "response"
    TOOL = "tool"
    RECEIVED = "audio arrives"
    SILENCE = "the server is silent"


class MarkSign(StrEnum):
    """What a mark in a chart stands for."""

    TYPED = "typed"
    STARTED = "speech_started"
    STOPPED = "speech_stopped"
    COMMIT = "committed"
    DELTA = "first delta"
    CUT = "cut"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class ChartBar:
    """A bar from one moment to another, in seconds; it ends with the chart where `end` is None."""

    start: float
    end: float | None
    look: BarLook


@dataclass(frozen=True, slots=True)
class ChartWave:
    """Levels of audio from a moment on: a byte for each 10 ms, decibels above -96 dBFS.

    `bright`: it was heard; what else is drawn otherwise, `Chart.dim` says why.
    """

    start: float
    levels: bytes = field(repr=False)
    bright: bool = True
    role: str = "assistant"

    @property
    def end(self) -> float:
        """When it is over."""
        return self.start + len(self.levels) / 100


@dataclass(frozen=True, slots=True)
class ChartLane:
    """One line of a chart; what comes later in it is drawn over what comes before, marks over all."""

    label: str
    bars: tuple[ChartBar, ...] = ()
    waves: tuple[ChartWave, ...] = ()
    marks: tuple[tuple[float, MarkSign], ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class Chart:
    """Lanes over one axis of time, in seconds. `figures` are short texts, each with whether it asks for attention.

    `again` draws it anew, of something that goes on; it gives a chart without one when that is over.
    """

    title: str
    start: float
    end: float
    lanes: tuple[ChartLane, ...]
    figures: tuple[tuple[str, bool], ...] = ()
    again: Callable[[], Chart] | None = field(default=None, repr=False, compare=False)
    dim: str = "not heard"


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


@dataclass(frozen=True, slots=True)
class Quit:
    """The user asked to leave."""

    code: ExitCode = ExitCode.OK


@dataclass(slots=True)
class DisplaySettings:
    """What the user wants to see; changed by commands and keys, read by the renderer.

    `events` is "off", "summary" (one row for each stream and item) or "all" (one row for each frame); `filter` an
    expression of `protocol.filters`; `metrics` shows figures in the toolbar.
    """

    events: str = "off"
    filter: str = ""
    metrics: bool = False


View: TypeAlias = (
    Notice
    | Text
    | Table
    | Json
    | Chart
    | FrameRows
    | ImagePreview
    | Frame
    | Occurrence
    | SpeechDelta
    | SpeechDone
    | Labeled
    | Quit
)

Views: TypeAlias = View | Sequence[View] | None
"""What a command answers: one view, several or none. None itself: what it sent is named, if it sent anything."""


@dataclass(frozen=True, slots=True)
class CallStatus:
    """A call of the model's that has no answer yet: what it waits for, and for how many seconds."""

    id: str
    name: str
    state: str
    seconds: float

    @property
    def is_running(self) -> bool:
        """A function works on it; else the user has to."""
        return self.state == "running"


CONNECTING, ANSWERING, CANCELLING = "connecting", "answering", "cancel sent, no reply for"
"""What is waited for, where somebody says it in another way too."""

_SILENCE_SECONDS = 3
"""Seconds without progress from which on it is worth a word."""


def _age(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 60 else f"{int(seconds) // 60}:{int(seconds) % 60:02}"


@dataclass(frozen=True, slots=True)
class Wait:
    """Something that is waited for, and for how many seconds; the last event that moved it on, and how long ago."""

    what: str
    seconds: float
    last: str = ""
    last_seconds: float = 0.0

    @property
    def age(self) -> str:
        """For how long, from a second on: `4 s`, `1:04`."""
        return _age(self.seconds) if self.seconds >= 1 else ""

    def __str__(self) -> str:
        said = f"{self.what} {self.age}".rstrip()
        if self.last_seconds < _SILENCE_SECONDS:
            return said
        return f"{said}, {f'last event {_age(self.last_seconds)} ago: {self.last}' if self.last else 'no event yet'}"


@dataclass(frozen=True, slots=True)
class ProxiedConnection:
    """One connection at this moment. `state` is "open" or how it ended; `held` the type of the frame that is held."""

    number: int
    app: str
    address: str
    model: str
    state: str
    seconds: float  # since it was opened
    sent: int  # messages of the app
    received: int  # messages of the endpoint
    held: str = ""


@dataclass(frozen=True, slots=True)
class ProxyStatus:
    """A proxy at one moment: how many connections are open, in words; which is used; on how many a frame is held."""

    connections: str
    number: int
    held: int


@dataclass(frozen=True, slots=True)
class SessionStatus:
    """A session at one moment, for toolbars and `/status`. None: not known, or does not apply."""

    connection: str = "disconnected"
    endpoint: str = ""
    model: str = ""
    session_id: str | None = None  # the server's
    muted: bool | None = None
    microphone: bool = False
    speaker: bool = False
    push_to_talk: bool = False
    input_level_db: float | None = None  # dBFS
    held_back: bool = False  # the microphone is sent as silence, for it may be an echo
    responding: bool = False
    speaking_item: str | None = None
    heard_ms: int | None = None  # of `speaking_item`, as the speaker has played it
    received_ms: int | None = None  # of `speaking_item`
    expires_in: float | None = None  # seconds
    calls: tuple[CallStatus, ...] = ()
    dropped_audio_ms: int = 0  # of the microphone, in the session so far
    modalities: tuple[str, ...] = ()
    metrics: Mapping[str, str] = field(default_factory=dict)  # names and values, fit to be shown
    replay: bool = False  # the session is looked at in a recording
    recording: bool = False  # it is being written to a file
    proxy: ProxyStatus | None = None  # it is an app's, and passes a proxy
    waits: tuple[Wait, ...] = ()
    queued: int = 0  # messages that wait for the answer before them
