"""Which field of an event holds base64 audio: most of what crosses the wire, and nothing that a reader reads."""

from __future__ import annotations

from collections.abc import Mapping

AUDIO_FIELDS: Mapping[str, str] = {
    "response.output_audio.delta": "delta",
    "session.output_audio.delta": "delta",
    "input_audio_buffer.append": "audio",
    "session.input_audio_buffer.append": "audio",
    "session.input_audio.append": "audio",
    "session.output_audio.fixture.play": "audio",
}
