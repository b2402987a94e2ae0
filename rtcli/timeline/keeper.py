"""What wants the audio of a session itself, as the timeline places it in time."""

from __future__ import annotations

from typing import Protocol

from rtcli.protocol.audio_formats import AudioFormat
from rtcli.timeline.turns import SpokenPart


class AudioKeeper(Protocol):
    """Gets each piece of audio, in the format of the wire."""

    def on_said(self, data: bytes, audio_format: AudioFormat) -> None:
        """The user's next piece; when it was spoken is told later."""

    def on_placed(self, at: float) -> None:
        """The oldest piece that was not placed yet began at this moment."""

    def on_answered(self, part: SpokenPart, data: bytes) -> None:
        """More of a part of an answer arrived; `part.heard` says in the end when it was heard."""
