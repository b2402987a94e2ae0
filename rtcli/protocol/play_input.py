"""How much audio a client has sent, in milliseconds: from its events, in the format that it asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rtcli.protocol.audio_formats import PCM16, AudioFormat, base64_length, parse_format
from rtcli.protocol.events import Event, value_at

_APPENDS = frozenset({"input_audio_buffer.append", "session.input_audio_buffer.append"})
_EMPTIES = frozenset({"input_audio_buffer.commit", "input_audio_buffer.clear"})


class InputMeter:
    """Counts the audio of one client."""

    def __init__(self) -> None:
        self.total_ms = 0.0
        self.buffered_ms = 0.0  # since the last commit or clear
        self._format: AudioFormat = PCM16

    def sent(self, event: Event) -> float | None:
        """The client has sent an event: the milliseconds of audio that it appends; None: it is another event."""
        if event["type"] in _APPENDS:
            milliseconds = base64_length(event.get("audio")) * 1000 / self._format.bytes_per_second
            self.add(milliseconds)
            return milliseconds
        if event["type"] == "session.update" and (asked := _format_of(event.get("session"))) is not None:
            self._format = parse_format(asked)
        return None

    def add(self, milliseconds: float) -> None:
        """So much audio came beside the events."""
        self.total_ms += milliseconds
        self.buffered_ms += milliseconds

    def handled(self, event: Event) -> None:
        """The event was looked at: a commit and a clear begin the buffer anew."""
        if event["type"] in _EMPTIES:
            self.buffered_ms = 0.0


def _format_of(session: Any) -> Any:
    """Which format a session.update asks for; None where it leaves that open."""
    if not isinstance(session, Mapping):
        return None
    named = value_at(session, "audio.input.format")
    return named if named is not None else session.get("input_audio_format")
