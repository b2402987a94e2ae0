"""A session, a proxied connection and what is waited for, at one moment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


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

    @property
    def said(self) -> str:
        """What, and for how long: "cancel sent, no reply for 4 s", or "cancel sent" in the first second."""
        return f"{self.what} {self.age}" if self.age else self.what.removesuffix(", no reply for")

    def __str__(self) -> str:
        said = self.said
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
