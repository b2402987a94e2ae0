"""Bytes and milliseconds of the wire's audio formats, and base64."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtcli.protocol.audio_formats import (
    PCM16,
    PCMA,
    PCMU,
    AudioFormat,
    base64_length,
    decode_base64,
    encode_base64,
    parse_format,
)

PCM8K = AudioFormat("audio/pcm", 8_000, 2)


@pytest.mark.parametrize(
    ("audio_format", "length", "milliseconds"),
    [
        (PCM16, 48_000, 1000),
        (PCM16, 48_048, 1001),  # 1000.999... in floating point
        (PCM16, 47, 0),
        (PCM16, 48, 1),
        (PCMU, 8_000, 1000),
        (PCMA, 7_999, 999),
        (PCM8K, 16_000, 1000),
        (PCM16, 0, 0),
    ],
)
def test_durations_are_integers_rounded_down(audio_format: AudioFormat, length: int, milliseconds: int) -> None:
    """A position on the wire has to be an integer, and never beyond the audio that arrived."""
    duration = audio_format.milliseconds(length)

    assert duration == milliseconds
    assert type(duration) is int


@given(st.sampled_from([PCM16, PCMU, PCMA, PCM8K]), st.integers(0, 10**9))
def test_the_bytes_of_a_duration_never_exceed_what_it_was_made_of(audio_format: AudioFormat, length: int) -> None:
    """To milliseconds and back loses less than a millisecond, and gives whole samples."""
    back = audio_format.byte_length(audio_format.milliseconds(length))

    assert 0 <= length - back <= audio_format.bytes_per_second / 1000 + audio_format.width
    assert back % audio_format.width == 0


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"type": "audio/pcm", "rate": 24_000}, PCM16),
        ({"type": "audio/pcm", "rate": 8_000}, PCM8K),
        ({"type": "audio/pcm"}, PCM16),
        ({"type": "audio/pcm", "rate": None}, PCM16),
        ({"type": "audio/pcm", "rate": 0}, PCM16),
        ({"type": "audio/pcm", "rate": "fast"}, PCM16),
        ({"type": "audio/pcmu"}, PCMU),
        ({"type": "audio/pcma", "rate": 16_000}, PCMA),
        ({"type": "g711_ulaw"}, PCMU),
        ("g711_ulaw", PCMU),
        ("g711_alaw", PCMA),
        ("g711_other", PCMU),
        ("audio/pcma", PCMA),
        ("pcm16", PCM16),
        ("audio/opus", PCM16),
        (None, PCM16),
        (17, PCM16),
    ],
)
def test_every_spelling_of_a_format_is_read(value: Any, expected: AudioFormat) -> None:
    """Objects of the GA API, texts of the beta, and nonsense, which counts as the API's default."""
    assert parse_format(value) == expected


def test_only_pcm_names_its_rate_on_the_wire() -> None:
    """The API refuses a rate beside G.711."""
    assert PCM16.to_wire() == {"type": "audio/pcm", "rate": 24_000}
    assert PCMU.to_wire() == {"type": "audio/pcmu"}


@given(st.binary(max_size=400))
def test_base64_goes_there_and_back(data: bytes) -> None:
    """Also unpadded and with white space, which the reference accepts too."""
    text = encode_base64(data)

    assert text == base64.b64encode(data).decode()
    assert decode_base64(text) == data
    assert decode_base64(text.rstrip("=")) == data
    assert decode_base64("\n ".join(text)) == data


@pytest.mark.parametrize("text", ["-_-_", "AAAA*", "A", "ÄÖ==", "AA=A"])
def test_what_is_no_base64_is_a_value_error(text: str) -> None:
    """Garbage is reported, not decoded into noise."""
    with pytest.raises(ValueError, match="base64"):
        decode_base64(text)


def test_base64_that_is_no_text_is_a_value_error() -> None:
    """A number where text should be is no crash."""
    with pytest.raises(ValueError, match="base64"):
        decode_base64(17)  # type: ignore[arg-type]


@pytest.mark.parametrize("length", [0, 1, 2, 3, 4, 255, 256])
def test_the_length_behind_base64_is_exact(length: int) -> None:
    """Without decoding it; what is not text stands for nothing."""
    assert base64_length(encode_base64(bytes(length))) == length
    assert base64_length(None) == base64_length(["AAAA"]) == 0
