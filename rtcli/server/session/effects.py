"""What comes of a call of the core: events to send, and commands to the session's runtime, in wire order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

from rtcli.protocol.events import WireObject
from rtcli.server.session.items import ConversationItem
from rtcli.server.session.response import Response


@dataclass(frozen=True, slots=True)
class StartResponse:
    """Let the reply engine make this response, and hand its end to `response_ended`."""

    response: Response  # in progress, `response.created` is among the effects before


@dataclass(frozen=True, slots=True)
class FeedAudio:
    """Hand these pieces of audio (24 kHz PCM16) to `audio_appended`, letting others run in between."""

    pieces: Iterator[bytes]  # lazy: each is decoded when it is asked for


@dataclass(frozen=True, slots=True)
class Transcribe:
    """Transcribe the audio of this item and hand the text to `transcribed`."""

    item: ConversationItem


@dataclass(frozen=True, slots=True)
class TranscribePartial:
    """Transcribe what was said so far of a turn that goes on, and hand the text to `partly_transcribed`."""

    item_id: str
    pcm: bytes  # 24 kHz PCM16, from the start of the turn


@dataclass(frozen=True, slots=True)
class EvaluatePause:
    """Transcribe this audio and hand the text to `pause_transcribed`: is the sentence complete?"""

    pcm: bytes


@dataclass(frozen=True, slots=True)
class SpeakTranslation:
    """Say this sentence, each piece as `said` has its events, and call `spoken` at its end."""

    text: str


@dataclass(frozen=True, slots=True)
class SetIdleTimer:
    """Call `idle_elapsed` so many seconds after the response has been played; None: no longer."""

    seconds: float | None


@dataclass(frozen=True, slots=True)
class Close:
    """End the connection of every client."""

    code: int  # of the close frame
    reason: str


ServerCommand: TypeAlias = (
    StartResponse | FeedAudio | Transcribe | TranscribePartial | EvaluatePause | SpeakTranslation | SetIdleTimer | Close
)
ServerEffect: TypeAlias = WireObject | ServerCommand
