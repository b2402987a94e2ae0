"""Fields of the beta API's session that the GA API calls otherwise, or has no more."""

from __future__ import annotations

from collections.abc import Mapping

RENAMED: Mapping[str, str] = {
    "modalities": "output_modalities",
    "voice": "audio.output.voice",
    "speed": "audio.output.speed",
    "input_audio_format": "audio.input.format",
    "output_audio_format": "audio.output.format",
    "input_audio_transcription": "audio.input.transcription",
    "input_audio_noise_reduction": "audio.input.noise_reduction",
    "turn_detection": "audio.input.turn_detection",
    "max_response_output_tokens": "max_output_tokens",
}
"""Where the GA API has them."""

REMOVED: Mapping[str, str] = {"temperature": "the GA API has no temperature for realtime sessions"}
"""What is gone, and why."""


def advice(path: str) -> str:
    """What to do about a session field, given as a dotted path, whose first name the beta API used; or ""."""
    head, _, rest = path.removeprefix("session.").partition(".")
    if head in RENAMED:
        return f"the GA API calls it {RENAMED[head]}" + (f".{rest}" if rest else "")
    return REMOVED.get(head, "")
