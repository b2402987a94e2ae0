"""Levels in dBFS."""

from __future__ import annotations

import numpy as np
import pytest

from rtcli.dsp.levels import SILENCE_DB, rms_db

SQUARE = np.array([-32_768] * 100, "<i2").tobytes()
SINE = (16_384 * np.sin(np.linspace(0, 2 * np.pi * 100, 24_000))).astype("<i2").tobytes()


def test_full_scale_is_zero() -> None:
    """A constant at full scale is 0 dBFS."""
    assert rms_db(SQUARE) == pytest.approx(0)


def test_a_sine_is_three_decibels_below_its_peak() -> None:
    """Half of full scale is -6 dB; its mean power 3 dB less."""
    assert rms_db(SINE) == pytest.approx(-9.03, abs=0.02)


@pytest.mark.parametrize("pcm", [b"", b"\x00", bytes(480)])
def test_nothing_is_silence(pcm: bytes) -> None:
    """No samples, half a sample and zeros are the floor, not an error."""
    assert rms_db(pcm) == SILENCE_DB
