"""What a session's core wants done: events to send, and commands to whoever runs it, in the order of the wire."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

from rtcli.server.items import Item
from rtcli.server.responses import Response

Json: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True)
class StartResponse:
    """Make what this response says."""

    response: Response


@dataclass(frozen=True, slots=True)
class Hear:
    """Feed these pieces of sound (24 kHz PCM16) to `heard`, letting others run in between."""

    pieces: Iterator[bytes]


@dataclass(frozen=True, slots=True)
class Recognise:
    """Transcribe the sound of this item and hand the text to `recognised`."""

    item: Item


@dataclass(frozen=True, slots=True)
class RecognisePartly:
    """Transcribe what was said so far of a turn that goes on, and hand the text to `partly_recognised`."""

    item_id: str
    pcm: bytes


@dataclass(frozen=True, slots=True)
class JudgePause:
    """Transcribe this sound and hand the text to `judged`: is the sentence complete?"""

    pcm: bytes


@dataclass(frozen=True, slots=True)
class ArmIdle:
    """Call `idle_elapsed` after so many seconds beyond the playback of the response; None: do not."""

    seconds: float | None


@dataclass(frozen=True, slots=True)
class Close:
    """End the connection."""

    code: int
    reason: str


Command: TypeAlias = StartResponse | Hear | Recognise | RecognisePartly | JudgePause | ArmIdle | Close
Effect: TypeAlias = Json | Command
