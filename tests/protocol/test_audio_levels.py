"""Levels of wire formats, against the samples that their codes stand for."""

from __future__ import annotations

import math

import pytest

from rtcli.dsp.g711 import alaw_to_pcm, pcm_to_alaw, pcm_to_ulaw, ulaw_to_pcm
from rtcli.protocol.audio_formats import PCM16, PCMA, PCMU, AudioFormat
from rtcli.protocol.audio_levels import level_db
from tests.kit.told import tone


@pytest.mark.parametrize(("form", "decode"), [(PCMU, ulaw_to_pcm), (PCMA, alaw_to_pcm)])
def test_each_code_is_as_loud_as_its_sample(form: AudioFormat, decode: object) -> None:
    """All 256, as the codec decodes them."""
    assert callable(decode)
    for code in range(256):
        data = bytes([code]) * 4
        assert level_db(data, form) == level_db(decode(data), PCM16)


@pytest.mark.parametrize(("form", "encode"), [(PCMU, pcm_to_ulaw), (PCMA, pcm_to_alaw), (PCM16, bytes)])
def test_a_tone_is_as_loud_in_every_format(form: AudioFormat, encode: object) -> None:
    """A sine of a quarter of full scale is at -15 dBFS."""
    assert callable(encode)
    expected = 20 * math.log10(0.25) - 10 * math.log10(2)

    assert level_db(encode(tone(1.0, rate=8000)), form) == pytest.approx(expected, abs=0.1)


def test_silence_and_nothing_have_no_level() -> None:
    """A-law has no zero: its softest is all that it can say."""
    assert level_db(b"") is None and level_db(bytes(100)) is None and level_db(b"\1") is None
    assert level_db(b"\xff" * 100, PCMU) is None
    assert (level_db(b"\xd5" * 100, PCMA) or 0) < -70


def test_a_format_that_nobody_knows_is_measured_as_pcm() -> None:
    """As everything else takes it."""
    assert level_db(tone(0.1), AudioFormat("audio/new", 24_000, 2)) == level_db(tone(0.1))
