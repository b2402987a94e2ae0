"""Paths into the session object, what they mean and which values they take; for completion and help alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rtcli.protocol.models import MODELS, STORED_PROMPTS, TRANSCRIBERS
from rtcli.session.setting_paths import UNSENDABLE, flatten

_FORMATS = ('{"type":"audio/pcm","rate":24000}', '{"type":"audio/pcmu"}', '{"type":"audio/pcma"}')
_TRUTH = ("true", "false")
VOICES = ("alloy", "ash", "ballad", "coral", "echo", "sage", "shimmer", "verse", "marin", "cedar")

_PATHS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "model": ("the model; another one needs a new connection: /model", MODELS),
    "output_modalities": ("audio or text, one of the two", ('["audio"]', '["text"]')),
    "instructions": ("the instructions for the model", ()),
    "tools": ("the tools that the model may call; [] clears them", ("[]",)),
    "tool_choice": ("whether the model must call a tool", ("auto", "none", "required")),
    "parallel_tool_calls": ("allow several calls in one response", _TRUTH),
    "max_output_tokens": ("1 to 4096, or inf", ("inf", "4096", "1024")),
    "reasoning.effort": ("reasoning models only", ("minimal", "low", "medium", "high", "xhigh")),
    "truncation": ("what happens when the context is full", ("auto", "disabled")),
    "tracing": ("cannot be changed once it is on; null ends it", ("auto", "null")),
    "prompt": (f"a stored prompt; OpenAI ends them on {STORED_PROMPTS.day}", ("null",)),
    "include": ("more fields in events", ('["item.input_audio_transcription.logprobs"]', "null")),
    "audio.input.format": ("format of the audio that is sent", _FORMATS),
    "audio.input.transcription": ("null: your speech is not transcribed", ("null",)),
    "audio.input.transcription.model": ("the model that transcribes your speech", TRANSCRIBERS),
    "audio.input.transcription.language": ("one ISO 639-1 code", ("en", "de", "fr", "es", "ja", "zh")),
    "audio.input.transcription.prompt": ("words to expect", ()),
    "audio.input.noise_reduction": ("null: none", ('{"type":"near_field"}', '{"type":"far_field"}', "null")),
    "audio.input.noise_reduction.type": ("where the microphone is", ("near_field", "far_field")),
    "audio.input.turn_detection": ("null: you end turns yourself", ("null",)),
    "audio.input.turn_detection.type": ("by level, or by meaning", ("server_vad", "semantic_vad")),
    "audio.input.turn_detection.threshold": ("server_vad: 0 to 1", ("0.5", "0.7")),
    "audio.input.turn_detection.prefix_padding_ms": ("server_vad: audio kept from before speech", ("300",)),
    "audio.input.turn_detection.silence_duration_ms": ("server_vad: silence that ends a turn", ("200", "500", "800")),
    "audio.input.turn_detection.idle_timeout_ms": ("server_vad: respond after this much silence", ("null", "6000")),
    "audio.input.turn_detection.eagerness": ("semantic_vad", ("low", "medium", "high", "auto")),
    "audio.input.turn_detection.create_response": ("answer when a turn ends", _TRUTH),
    "audio.input.turn_detection.interrupt_response": ("speech stops the answer", _TRUTH),
    "audio.output.format": ("format of the audio that is received", _FORMATS),
    "audio.output.voice": ("fixed once the assistant has spoken", VOICES),
    "audio.output.speed": ("0.25 to 1.5, between responses", ("1.0", "1.2")),
}

RESPONSE_FIELDS: Mapping[str, str] = {
    "instructions": "instead of the session's, for this response",
    "output_modalities": '["text"] or ["audio"]',
    "conversation": "none: outside the conversation",
    "input": "items instead of the conversation",
    "metadata": "returned in response.created and response.done",
    "tool_choice": "auto, none, required",
    "tools": "instead of the session's",
    "max_output_tokens": "1 to 4096, or inf",
}
"""What a response.create can override."""

_DETECTION = "audio.input.turn_detection."
DETECTION_FIELDS: Mapping[str, str] = {
    path.removeprefix(_DETECTION): meaning for path, (meaning, _) in _PATHS.items() if path.startswith(_DETECTION)
}
"""What voice detection can be told."""


def known(session: Mapping[str, Any] | None) -> dict[str, str]:
    """Paths of the API and of this session, with their meaning."""
    # Also what this server has and the API does not: a setting must not be hidden because it is news.
    live = [path for path, _ in flatten(session or {}) if path]
    return {path: _PATHS[path][0] if path in _PATHS else "" for path in dict.fromkeys([*_PATHS, *live])}


def settable(session: Mapping[str, Any] | None) -> dict[str, str]:
    """The paths that can be set."""
    # The type and the model of a session are chosen when it is opened.
    fixed = (*UNSENDABLE, "type", "model")
    return {path: meaning for path, meaning in known(session).items() if path.split(".")[0] not in fixed}


def allowed(path: str) -> tuple[str, ...]:
    """The values that a path takes, as far as they can be listed."""
    return _PATHS.get(path.removeprefix("session."), ("", ()))[1]
