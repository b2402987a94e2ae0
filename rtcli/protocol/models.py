"""Models by name: which one is asked for, which are offered, and the day on which OpenAI switches one off."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

DEFAULT_MODEL = "gpt-realtime-2.1"
DEFAULT_TRANSCRIBER = "gpt-transcribe"
"""What the program asks for. The library keeps the reference's own default, REFERENCE_TRANSCRIBER."""

DEFAULT_TRANSLATOR = "gpt-realtime-translate"
TRANSLATION_TRANSCRIBER = "gpt-realtime-whisper"
"""Writes down what a translation hears; without one only the translation has a transcript."""

DEFAULT_LIVE = "gpt-live-1.1"

WITHOUT_TURN_DETECTION = ("gpt-live-transcribe", "gpt-realtime-whisper")
"""Transcribers that the API refuses turn detection for, in a transcription session."""

REFERENCE_TRANSCRIBER = "gpt-4o-mini-transcribe"

MODELS = (DEFAULT_MODEL, "gpt-realtime-2.1-mini", "gpt-realtime-2", "gpt-realtime-1.5")
TRANSCRIBERS = (DEFAULT_TRANSCRIBER, "gpt-live-transcribe", "gpt-realtime-whisper")


@dataclass(frozen=True, slots=True)
class Shutdown:
    """`name` is a model, or a field of the session, that OpenAI switches off on `day`; `instead` takes its place."""

    name: str
    day: date
    instead: str = ""

    def sentence(self, today: date) -> str:
        """When it happens, or that it has happened, in words."""
        left = (self.day - today).days
        if left <= 0:
            return f"OpenAI switched {self.name} off on {self.day}"
        return f"OpenAI switches {self.name} off on {self.day}, in {left} day{'s' if left > 1 else ''}"


STORED_PROMPTS = Shutdown("stored prompts", date(2026, 11, 30), "put the text into instructions")

_MODELS_OF_2025 = date(2027, 1, 20)
_TRANSCRIBERS_OF_2025 = date(2027, 2, 26)
SHUTDOWNS: Mapping[str, Shutdown] = {
    name: Shutdown(name, day, f"use {instead}")
    for day, instead, names in (
        (_MODELS_OF_2025, DEFAULT_MODEL, "gpt-realtime gpt-4o-realtime-preview gpt-audio gpt-4o-audio-preview"),
        (_MODELS_OF_2025, "gpt-realtime-2.1-mini", "gpt-realtime-mini gpt-4o-mini-realtime-preview gpt-audio-mini"),
        (_TRANSCRIBERS_OF_2025, DEFAULT_TRANSCRIBER, "whisper-1 gpt-4o-transcribe gpt-4o-mini-transcribe"),
        (_TRANSCRIBERS_OF_2025, DEFAULT_TRANSCRIBER, "gpt-4o-transcribe-diarize"),
    )
    for name in names.split()
}
"""As OpenAI's page of deprecations announces them; a dated snapshot goes with its model."""

SHUTDOWNS_DATE = "2026-11-24"
"""The day on which they were looked up."""

_SNAPSHOT = re.compile(r"-\d{4}-\d{2}-\d{2}$")


def without_date(model: str) -> str:
    """The model that a dated snapshot is of."""
    return _SNAPSHOT.sub("", model)


def shutdown_of(model: object) -> Shutdown | None:
    """When this model is switched off, if a day is known."""
    return SHUTDOWNS.get(without_date(model)) if isinstance(model, str) else None


def shutdowns_in(model: str | None, config: Mapping[str, Any]) -> Iterator[Shutdown]:
    """What of a session goes: its model, its transcriber, the stored prompt that it names.

    `config` is a session config in the current shape, or the session as the API writes it.
    """
    audio = config.get("audio")
    source = audio.get("input") if isinstance(audio, Mapping) else None
    transcription = source.get("transcription") if isinstance(source, Mapping) else None
    transcriber = transcription.get("model") if isinstance(transcription, Mapping) else None
    for name in (model, transcriber):
        if shutdown := shutdown_of(name):
            yield shutdown
    # null switches a stored prompt off.
    if config.get("prompt") is not None:
        yield STORED_PROMPTS
