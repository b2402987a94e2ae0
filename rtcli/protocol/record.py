"""What a session consists of, one record after another; every part that looks at a session is fed with these."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Direction(StrEnum):
    """Which way a frame went, as rows, filters and recordings write it."""

    RECEIVED = "<"
    SENT = ">"


@dataclass(frozen=True, slots=True)
class Frame:
    """One message that crossed the wire.

    `number` counts from 1 over both directions. `at` is in seconds: on the clock of the transport that reports the
    frame, since the start of the session in a log. `event` is the decoded event (None: the frame is not an event, then
    `problem` says why). `size` is in bytes. `raw` is what crossed the wire, for whoever hands it on verbatim; frames
    that are kept do without (""). `cause` is what led to a frame of ours ("/respond", "typed text", "tracing", ...),
    as far as it is known. `parent` is the number of the frame that this one answers, None where that is not known.
    `binary` says that the frame came as a binary message, where the transport can tell.
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


def size_of(raw: str | bytes) -> int:
    """The bytes that a frame takes on the wire."""
    return len(raw) if isinstance(raw, bytes) or raw.isascii() else len(raw.encode(errors="surrogatepass"))
