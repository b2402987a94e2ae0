"""What a session's core wants done: events to send, and commands to whoever runs it, in the order of the wire."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

from rtcli.server.session.items import Item
from rtcli.server.session.response import Response

Json: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True)
class StartResponse:
    """Make what this response says."""

    response: Response


@dataclass(frozen=True, slots=True)
class FeedAudio:
    """Feed these pieces of sound (24 kHz PCM16) to `heard`, letting others run in between."""

    pieces: Iterator[bytes]


@dataclass(frozen=True, slots=True)
class Transcribe:
    """Transcribe the sound of this item and hand the text to `recognised`."""

    item: Item


@dataclass(frozen=True, slots=True)
class TranscribePartial:
    """Transcribe what was said so far of a turn that goes on, and hand the text to `partly_recognised`."""

    item_id: str
    pcm: bytes


@dataclass(frozen=True, slots=True)
class EvaluatePause:
    """Transcribe this sound and hand the text to `judged`: is the sentence complete?"""

    pcm: bytes


@dataclass(frozen=True, slots=True)
class SetIdleTimer:
    """Call `idle_elapsed` after so many seconds beyond the playback of the response; None: do not."""

    seconds: float | None


@dataclass(frozen=True, slots=True)
class Close:
    """End the connection."""

    code: int
    reason: str


Command: TypeAlias = StartResponse | FeedAudio | Transcribe | TranscribePartial | EvaluatePause | SetIdleTimer | Close
Effect: TypeAlias = Json | Command
