"""Sound and images in a few words."""

from __future__ import annotations

import json

import pytest

from rtcli.protocol.audio_formats import PCMU
from rtcli.protocol.audio_levels import level_db
from rtcli.render.media import MediaElider, audio_note, image_note
from tests.render.frames import base64_of, tone


def test_sound_is_bytes_milliseconds_and_level() -> None:
    """A full-scale sine is -3 dBFS, half of it -9."""
    assert audio_note(base64_of(tone(200, 1.0))) == "<9600 B audio, 200 ms, -3 dBFS>"
    assert audio_note(base64_of(tone(200, 0.5))) == "<9600 B audio, 200 ms, -9 dBFS>"
    assert audio_note(base64_of(bytes(4800))) == "<4800 B audio, 100 ms, silence>"


def test_g711_has_its_level_too() -> None:
    """As loud as the samples that its codes stand for; mu-law's silence is silence."""
    assert audio_note(base64_of(b"\xff" * 800), PCMU) == "<800 B audio, 100 ms, silence>"
    assert audio_note(base64_of(b"\x80" * 800), PCMU) == "<800 B audio, 100 ms, 0 dBFS>"


def test_the_level_of_long_sound_is_measured_in_part() -> None:
    """A minute takes no longer than ten seconds, and the figure is the same within a decibel."""
    assert level_db(tone(60_000, 0.5)) == pytest.approx(-9.03, abs=1)
    assert level_db(b"") is None


def test_what_is_no_base64_says_so() -> None:
    """A broken field is shown, not raised."""
    assert audio_note("!!!") == "<3 characters that are not base64 audio>"


def test_an_image_is_its_type_and_size() -> None:
    """A data URI; another URI stays."""
    assert image_note(f"data:image/png;base64,{base64_of(bytes(999))}") == "<999 B image/png>"
    assert image_note("data:,hello") == "data:,hello"


def test_a_summary_replaces_all_that_is_long_and_nothing_else() -> None:
    """Deltas of sound, content parts with audio, images, any other base64; texts and figures stay."""
    sound = base64_of(tone(100))
    event = {
        "type": "conversation.item.retrieved",
        "item": {
            "type": "message",
            "content": [
                {"type": "output_audio", "audio": sound, "transcript": "hello"},
                {"type": "input_image", "image_url": f"data:image/jpeg;base64,{sound}"},
                {"type": "unknown", "blob": sound, "count": 3},
            ],
        },
    }
    delta = {"type": "response.output_audio.delta", "delta": sound}
    text = {"type": "response.output_text.delta", "delta": "A" * 100}
    shown = json.dumps(MediaElider().of([event, delta, text]))

    assert sound[:40] not in shown
    assert shown.count("4800 B audio, 100 ms") == 2
    assert "<4800 B image/jpeg>" in shown
    assert "<4800 B base64>" in shown
    assert "A" * 100 in shown
    assert event["item"]["content"][0]["audio"] == sound  # type: ignore[index]  # the event itself is untouched
