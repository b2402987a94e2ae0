"""Between 24 and 48 kHz, a frame for a frame."""

from __future__ import annotations

import numpy as np
import pytest

from rtcli.dsp.halfband import Doubler, Halver
from rtcli.dsp.levels import rms_db


def tone(rate: int, frequency: float, seconds: float = 0.5) -> bytes:
    time = np.arange(int(rate * seconds)) / rate
    return bytes((10_000 * np.sin(2 * np.pi * frequency * time)).astype("<i2").tobytes())


@pytest.mark.parametrize("size", [2, 62, 960])
def test_a_piece_in_is_one_piece_out(size: int) -> None:
    """No sample is held back, whatever the size of the pieces, and pieces give what the whole gives."""
    pcm = tone(24_000, 440)
    pieces = [pcm[start : start + size] for start in range(0, len(pcm), size)]
    doubler, halver = Doubler(), Halver()
    doubled = [doubler.process(piece) for piece in pieces]

    assert [len(piece) for piece in doubled] == [2 * len(piece) for piece in pieces]
    assert b"".join(doubled) == Doubler().process(pcm)
    assert b"".join(halver.process(piece) for piece in doubled) == Halver().process(Doubler().process(pcm))


@pytest.mark.parametrize("frequency", [100, 1_000, 8_000])
def test_a_tone_of_a_voice_keeps_its_level(frequency: int) -> None:
    """There and back."""
    pcm = tone(24_000, frequency)

    assert abs(rms_db(Halver().process(Doubler().process(pcm))[2_000:]) - rms_db(pcm)) < 0.2


def test_what_24_khz_cannot_hold_is_gone() -> None:
    """A tone of 16 kHz would come back as one of 8 kHz."""
    assert rms_db(Halver().process(tone(48_000, 16_000))[2_000:]) < rms_db(tone(48_000, 16_000)) - 55


def test_channels_are_mixed() -> None:
    """A sound on one side is half as loud; the same on both sides is as it was."""
    mono = np.frombuffer(tone(48_000, 440), "<i2")
    left = np.stack((mono, np.zeros_like(mono)), axis=1).tobytes()
    both = np.stack((mono, mono), axis=1).tobytes()

    assert Halver().process(both, 2) == Halver().process(mono.tobytes())
    assert Halver().process(Doubler().process(mono.tobytes(), 2), 2) == Halver().process(
        Doubler().process(mono.tobytes())
    )
    assert abs(rms_db(Halver().process(left, 2)) - rms_db(Halver().process(both, 2)) + 6) < 0.2


def test_full_scale_does_not_wrap() -> None:
    """A filter overshoots at an edge."""
    edge = (np.repeat([32_767, -32_768], 400)).astype("<i2").tobytes()
    doubled = np.frombuffer(Doubler().process(edge), "<i2")

    assert doubled[200:800].min() > 30_000
    assert doubled[-600:].max() < -30_000
