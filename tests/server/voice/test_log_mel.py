"""The spectrogram that the recognizer reads."""

from __future__ import annotations

import numpy as np
import pytest

from rtcli.server.voice.log_mel import BANDS, RATE, log_mel


@pytest.mark.parametrize("seconds", [0.0, 0.5, 3.0])
def test_audio_is_cut_or_padded_to_the_window(seconds: float) -> None:
    """The shape is the window's, whatever comes in."""
    noise = np.random.default_rng(1).standard_normal(int(seconds * RATE)).astype(np.float32)

    assert log_mel(noise, 100).shape == (BANDS, 100)


def test_a_tone_is_loudest_in_its_own_band_while_it_lasts() -> None:
    """1 kHz is mel 15 of about 45.2 that 8 kHz has; the second half, silence, lies at the floor."""
    tone = np.sin(2 * np.pi * 1000 * np.arange(RATE // 2) / RATE).astype(np.float32)

    mel = log_mel(tone, 100)

    assert abs(int(mel[:, 10].argmax()) - round(15 / 45.2456 * (BANDS + 1)) + 1) <= 1
    assert mel[:, 60:].max() == mel.min()


def test_the_range_is_eight_powers_of_ten() -> None:
    """(log10 + 4) / 4 of at most eight decades spans two."""
    click = np.zeros(RATE, np.float32)
    click[8000] = 1.0

    mel = log_mel(click, 100)

    assert mel.max() - mel.min() == pytest.approx(2.0)
