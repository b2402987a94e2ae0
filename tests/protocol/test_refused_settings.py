"""What an error says of a session.update is found in the update, whatever the server's way to say it."""

from __future__ import annotations

from typing import Any

import pytest

from rtcli.protocol.error_attribution import possible_event_types
from rtcli.protocol.events import value_at
from rtcli.protocol.refused_settings import refused_setting, without

SESSION: dict[str, Any] = {
    "type": "realtime",
    "model": "gpt-realtime",
    "output_modalities": ["audio"],
    "audio": {
        "input": {
            "format": {"type": "audio/pcm", "rate": 24_000},
            "noise_reduction": None,
            "transcription": {"model": "gpt-transcribe"},
            "turn_detection": {"type": "semantic_vad", "eagerness": "auto"},
        },
        "output": {"speed": 1, "voice": "marin"},
    },
    "tools": [{"type": "function", "name": "get_weather"}],
}


@pytest.mark.parametrize(
    ("error", "path"),
    [
        ({"param": "session.audio.output.voice"}, "audio.output.voice"),
        ({"param": "audio.output.voice"}, "audio.output.voice"),
        ({"param": "voice"}, "audio.output.voice"),
        ({"param": "session.type"}, "type"),
        ({"param": "session.audio.input.turn_detection.type"}, "audio.input.turn_detection"),
        ({"param": "session.audio.input.turn_detection.eagerness"}, "audio.input.turn_detection.eagerness"),
        ({"param": "session.audio.input.transcription.language"}, "audio.input.transcription"),
        ({"param": "session.tools[0].name"}, "tools"),
        ({"param": "session['tools'][0]"}, "tools"),
        ({"message": "Unknown parameter: 'session.audio.input.noise_reduction'."}, "audio.input.noise_reduction"),
        ({"message": "body -> session -> audio -> output -> speed: extra field"}, "audio.output.speed"),
        ({"message": "/session/audio/output/speed: not allowed"}, "audio.output.speed"),
        ({"message": "noise_reduction is not supported"}, "audio.input.noise_reduction"),
        ({"message": 'unknown field "speed"'}, "audio.output.speed"),
        (
            {"message": "Invalid value: 'semantic_vad'. Supported values are: 'server_vad'."},
            "audio.input.turn_detection",
        ),
        ({"message": "no such model: gpt-transcribe"}, "audio.input.transcription.model"),
        ({"message": "not in duplex mode", "code": "unsupported_turn_detection"}, "audio.input.turn_detection"),
        ({"message": "Invalid value 'x'. Supported values are: 'voice', 'speed'"}, None),
        ({"message": "Invalid session configuration"}, None),
        ({"message": "the input audio is in a format that this realtime model does not take"}, None),
        ({"param": "session.audio.output.pitch"}, None),
        ({"param": "session"}, None),
        ({"param": 7, "message": None, "code": ["x"]}, None),
        ({}, None),
    ],
)
def test_the_setting_that_is_meant(error: dict[str, Any], path: str | None) -> None:
    """By the parameter, a name or a value in the message, or the code; and else none."""
    assert refused_setting(error, SESSION) == path


def test_a_session_without_a_setting() -> None:
    """It alone is gone, with what would be left empty; the original stays as it is."""
    left = without(SESSION, "audio.input.turn_detection")

    assert value_at(left, "audio.input.turn_detection") is None
    assert value_at(left, "audio.input.transcription.model") == "gpt-transcribe"
    assert "transcription" not in without(SESSION, "audio.input.transcription.model")["audio"]["input"]
    assert without({"audio": {"output": {"voice": "marin"}}}, "audio.output.voice") == {}
    assert value_at(SESSION, "audio.input.turn_detection.type") == "semantic_vad"


@pytest.mark.parametrize("path", ["nothing", "audio.nothing.at", "type.of", "tools.0"])
def test_what_was_not_said_cannot_be_left_out(path: str) -> None:
    """The session is the same."""
    assert without(SESSION, path) == SESSION


@pytest.mark.parametrize("text", ["a", "a.", " ", "[", "_a", "'", "../"])
@pytest.mark.parametrize("name", ["code", "message", "param"])
def test_an_error_of_a_megabyte_is_read_as_fast_as_a_short_one(name: str, text: str) -> None:
    """A pattern that tries each beginning against all the rest would take hours."""
    error = {"type": "x", "code": None, "message": "m", "param": None, name: text * (2**20 // len(text))}

    assert refused_setting(error, {"type": "realtime", "audio": {"output": {"voice": "marin"}}}) is None
    assert isinstance(possible_event_types(error), frozenset)
