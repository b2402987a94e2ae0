"""What a session consists of, one record after another; every part that looks at a session is fed with these."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, TypeAlias

DECIMALS = 6
"""Digits behind the point of a moment in seconds: a session and its recording agree on every one of them."""


class Direction(StrEnum):
    """Which way a frame went, as rows, filters and recordings write it."""

    RECEIVED = "<"
    SENT = ">"


# Not frozen, though nothing but `raw` is ever assigned: every message makes one, and that would take six times as long.
@dataclass(slots=True)
class Frame:
    """One message that crossed the wire.

    `number` counts from 1 over both directions. `at` is in seconds, on the transport's clock, or since the moment that
    its `frames.began` names: a session's start. `event` is the decoded event (None: the frame is not an event, then
    `problem` says why). `size` is in bytes. `cause` is what led to a frame of ours ("/respond", "typed text",
    "#12 response.done", ...), as far as it is known. `raw` is what crossed the wire, to be passed on verbatim;
    a log that keeps an event forgets it soon (""). `parent` is the number of the frame that this one answers or was
    caused by, None where that is not known. `binary` says that it came as a binary message. `clean` is the event
    without its piece of a secret that comes in several; None: it has none. What a proxy passed on has `out`, the moment
    at which it went, and `was`, how it came where it was changed on the way ("": as it went).
    """

    number: int
    at: float
    direction: Direction
    event: Mapping[str, Any] | None
    size: int
    cause: str = ""
    problem: str = ""
    raw: str | bytes = field(default="", repr=False, compare=False)
    parent: int | None = None
    binary: bool = False
    clean: Mapping[str, Any] | None = field(default=None, repr=False, compare=False)
    out: float | None = None
    was: str | bytes = field(default="", repr=False)

    @property
    def shown(self) -> Frame:
        """This frame as it is kept and shown: its text as it came is for those alone who pass it on."""
        return self if self.clean is None else replace(self, event=self.clean)

    def with_event(self, event: Mapping[str, Any]) -> Frame:
        """The same frame, to be kept, with less in its event."""
        return Frame(
            self.number,
            self.at,
            self.direction,
            event,
            self.size,
            self.cause,
            self.problem,
            "",
            self.parent,
            self.binary,
            None if self.clean is None else event,
            self.out,
            self.was,
        )


def size_of(raw: str | bytes) -> int:
    """The bytes that a frame takes on the wire."""
    return len(raw) if isinstance(raw, bytes) or raw.isascii() else len(raw.encode(errors="surrogatepass"))


@dataclass(frozen=True, slots=True)
class Heard:
    """So much of an item's audio has been played: written while it plays, at its end, and at every cut.

    `at` is in seconds since the start of the session, here and in every record below.
    """

    at: float
    item_id: str
    content_index: int
    ms: int


GIVE_UP = "give up"
"""What is done where an answer is waited for no longer, by a command or when its time is over."""


@dataclass(frozen=True, slots=True)
class Did:
    """The user did something: `command` is "/interrupt", "typed text" and the like."""

    at: float
    command: str


@dataclass(frozen=True, slots=True)
class Mark:
    """A note of the user between the frames."""

    at: float
    note: str


class Connected(StrEnum):
    """What became of a connection: `closed` says that we ended it, or that it never opened; `lost` that it broke."""

    DIALING = "dialing"
    OPEN = "open"
    CLOSED = "closed"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class Connection:
    """A connection began, stood or ended. `code` and `reason` are those of the close frame; None: there was none."""

    at: float
    state: Connected
    url: str = ""
    code: int | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Device:
    """The audio devices as they are from now on, by name; None: not open. Audio of the input waits `input_ms` here."""

    at: float
    input: str | None
    output: str | None
    muted: bool
    input_ms: int = 0


@dataclass(frozen=True, slots=True)
class Http:
    """A request beside the session: minting a key, answering a call, whatever passed a proxy."""

    at: float
    method: str
    path: str  # without the query, which may hold a key
    status: int | None  # None: nobody answered


@dataclass(frozen=True, slots=True)
class Audio:
    """Decoded audio that crossed beside the events (WebRTC): 100 ms of PCM16, little-endian, mono."""

    at: float
    direction: Direction
    data: bytes = field(repr=False)
    rate: int  # samples a second
    item_id: str | None = None  # the item that it belongs to, where that is known


@dataclass(frozen=True, slots=True)
class End:
    """The session is over; a recording without it was cut off."""

    at: float
    exit_code: int


Record: TypeAlias = Frame | Heard | Did | Mark | Connection | Device | Http | Audio | End
"""Everything that a session consists of."""
