"""Which field of an event holds base64 audio: most of what crosses the wire, and nothing that a reader reads."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

AUDIO_FIELDS: Mapping[str, str] = {
    "response.output_audio.delta": "delta",
    "session.output_audio.delta": "delta",
    "input_audio_buffer.append": "audio",
    "session.input_audio_buffer.append": "audio",
}

_SHORT = 512
"""A shorter text costs nothing to look through."""


def around_audio(event: Mapping[str, Any] | None, change: Callable[[str], str]) -> Callable[[str], str]:
    """`change`, for the frame of this event, without looking into its audio."""
    field = AUDIO_FIELDS.get(str(event.get("type"))) if event is not None else None
    audio = event.get(field) if event is not None and field else None
    if not isinstance(audio, str) or len(audio) < _SHORT:
        return change

    def changed(text: str) -> str:
        before, found, after = text.partition(audio)
        return f"{change(before)}{found}{change(after)}" if found else change(text)

    return changed
