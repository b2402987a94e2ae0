"""Session settings by path."""

from __future__ import annotations

from typing import Any

import pytest

from rtcli.errors import UsageError
from rtcli.session import setting_paths as settings
from rtcli.session.setting_paths import MISSING, Difference

SESSION: dict[str, Any] = {
    "type": "realtime",
    "model": "m",
    "id": "sess_1",
    "instructions": "be kind",
    "max_output_tokens": "inf",
    "tools": [],
    "audio": {
        "input": {
            "turn_detection": {
                "type": "server_vad",
                "threshold": 0.5,
                "silence_duration_ms": 200,
                "idle_timeout_ms": None,
            },
            "transcription": None,
        },
        "output": {"voice": "alloy", "speed": 1.0},
    },
}


@pytest.mark.parametrize(
    ("text", "value"),
    [("0.7", 0.7), ("null", None), ("true", True), ("marin", "marin"), ('{"a": 1}', {"a": 1}), ('"7"', "7")],
)
def test_a_value_is_json_or_else_text(text: str, value: Any) -> None:
    """Nobody has to quote a voice, and a number is a number."""
    assert settings.parse_value(text) == value


def test_a_path_reads_what_is_there_and_tells_missing_from_null() -> None:
    """Null is a value of this API."""
    assert settings.get(SESSION, "audio.output.voice") == "alloy"
    assert settings.get(SESSION, "session.audio.input.transcription") is None
    assert settings.get(SESSION, "audio.nothing") is MISSING
    assert settings.get(SESSION, "instructions.deeper") is MISSING
    assert settings.get(SESSION, "") == SESSION


def test_setting_sends_only_what_changes() -> None:
    """One path is one key, at its depth."""
    assert settings.update_for("audio.output.voice", "marin", session=SESSION) == {
        "audio": {"output": {"voice": "marin"}}
    }


def test_a_part_of_turn_detection_takes_the_rest_along() -> None:
    """The server completes a partial object with defaults, so a lone field would reset its neighbours."""
    update = settings.update_for("audio.input.turn_detection.threshold", 0.7, session=SESSION)

    assert update["audio"]["input"]["turn_detection"] == {
        "type": "server_vad",
        "threshold": 0.7,
        "silence_duration_ms": 200,
    }


def test_another_kind_of_detection_starts_from_its_own_defaults() -> None:
    """A threshold means nothing to semantic_vad, and would have the update refused."""
    update = settings.update_for("audio.input.turn_detection.type", "semantic_vad", session=SESSION)

    assert update["audio"]["input"]["turn_detection"] == {"type": "semantic_vad"}


def test_a_field_of_what_is_off_stands_alone() -> None:
    """Transcription is null: naming a model switches it on."""
    update = settings.update_for("audio.input.transcription.model", "whisper-1", session=SESSION)

    assert update["audio"]["input"]["transcription"] == {"model": "whisper-1"}


@pytest.mark.parametrize("path", ["voice", "turn_detection.threshold", "temperature", "id", "expires_at", "", "a..b"])
def test_what_cannot_be_set_is_refused_with_a_reason(path: str) -> None:
    """Beta names, the server's own fields and no path at all never reach the wire."""
    with pytest.raises(UsageError) as caught:
        settings.update_for(path, 1, session=SESSION)

    assert caught.value.hint or caught.value.why


def test_the_difference_is_what_was_asked_for_and_not_given() -> None:
    """What nobody asked for is no difference; 1 and 1.0 are the same; null and nothing too."""
    wanted = {
        "type": "realtime",
        "instructions": "be brief",
        "audio": {"output": {"voice": "alloy", "speed": 1}, "input": {"noise_reduction": None}},
    }

    assert settings.diff(wanted, SESSION) == [Difference("instructions", "be brief", "be kind")]


def test_an_edited_session_sends_its_changes_alone() -> None:
    """A whole config that was loaded or edited becomes the smallest update."""
    edited = {**SESSION, "id": "sess_2", "audio": {**SESSION["audio"], "output": {"voice": "cedar", "speed": 1.0}}}

    assert settings.changed(edited, SESSION) == {"audio": {"output": {"voice": "cedar"}}}
    assert settings.changed(SESSION, SESSION) == {}


def test_values_are_shown_as_json_and_missing_ones_as_a_dash() -> None:
    """A table cell for every value."""
    assert [settings.show(value) for value in (None, "é", MISSING)] == ["null", '"é"', "-"]


def test_values_that_were_refused_are_as_they_were_before() -> None:
    """What the server has instead, or nothing; and only where the value is still the refused one."""
    config = {"instructions": "a", "audio": {"output": {"voice": "bogus"}}, "colour": "red"}
    refused = {
        "audio.output.voice": Difference("audio.output.voice", "bogus", "cedar"),
        "colour": Difference("colour", "red", MISSING),
        "instructions": Difference("instructions", "b", "c"),
    }

    kept = settings.restored(config, refused)
    assert kept == {"instructions": "a", "audio": {"output": {"voice": "cedar"}}}
    assert settings.restored(config, {}) == config
