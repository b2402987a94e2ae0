"""What is said to a user in a line, and what a user wants to see: all that a prompt needs before there is a session."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from rtcli.errors import ExitCode


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
