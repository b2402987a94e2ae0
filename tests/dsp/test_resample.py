"""Sample rate conversion as a stream."""

from __future__ import annotations

import numpy as np
import pytest

from rtcli.dsp.levels import rms_db
from rtcli.dsp.resample import Resampler, resample


def tone(rate: int, seconds: float, frequency: float = 440.0) -> bytes:
    time = np.arange(int(rate * seconds)) / rate
    return bytes((10_000 * np.sin(2 * np.pi * frequency * time)).astype("<i2").tobytes())


@pytest.mark.parametrize(("source", "target"), [(8_000, 24_000), (24_000, 8_000), (48_000, 24_000), (24_000, 16_000)])
def test_a_stream_in_pieces_is_the_whole(source: int, target: int) -> None:
    """Pieces of any size, odd ones too, give the samples that one piece gives; their number is what the rates say."""
    pcm = tone(source, 0.5)
    converter = Resampler(source, target)
    pieces = [converter.process(pcm[start : start + 333]) for start in range(0, len(pcm), 333)]
    stream = b"".join(pieces) + converter.flush()

    assert abs(len(stream) // 2 - target // 2) <= 1
    assert stream == resample(pcm, source, target)


def test_a_tone_stays_as_loud() -> None:
    """Conversion changes no level."""
    assert abs(rms_db(resample(tone(8_000, 1), 8_000, 24_000)) - rms_db(tone(24_000, 1))) < 0.2


def test_after_a_flush_a_new_stream_begins() -> None:
    """What came before a flush does not leak into what comes after."""
    converter = Resampler(8_000, 24_000)
    converter.process(tone(8_000, 0.2))
    converter.flush()

    silence = converter.process(bytes(3_200)) + converter.flush()

    assert set(silence) == {0}


def test_equal_rates_pass_whole_samples_at_once() -> None:
    """Nothing is held back but half a sample."""
    converter = Resampler(24_000, 24_000)

    assert [converter.process(b"\x01\x02\x03"), converter.process(b"\x04")] == [b"\x01\x02", b"\x03\x04"]


def test_a_rate_of_nothing_is_refused() -> None:
    """Rates are positive."""
    with pytest.raises(ValueError, match="0 samples"):
        Resampler(24_000, 0)


@pytest.mark.parametrize("rate", [44_100, 48_000])
def test_a_quick_stream_keeps_the_voice_and_waits_less(rate: int) -> None:
    """What is spoken comes through, and nothing above half the lower rate is heard as something else."""
    pcm = tone(rate, 1, 8_000)
    quick, thorough = Resampler(rate, 24_000, quick=True), Resampler(rate, 24_000)
    waits: dict[Resampler, list[float]] = {converter: [] for converter in (quick, thorough)}
    for start in range(0, len(pcm), rate // 50 * 2):
        for converter, found in waits.items():
            converter.process(pcm[start : start + rate // 50 * 2])
            found.append(converter.held)
    kept = Resampler(rate, 24_000, quick=True).process(tone(rate, 1, 8_000))
    folded = Resampler(rate, 24_000, quick=True).process(tone(rate, 1, 14_000))

    assert max(waits[quick][5:]) < max(waits[thorough][5:])
    assert abs(rms_db(kept[4_800:]) - rms_db(tone(24_000, 1, 8_000))) < 0.5
    assert rms_db(folded[4_800:]) < -80
