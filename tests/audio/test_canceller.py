"""The echo canceller: the speaker's sound is taken out, a voice over it stays."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from rtcli.audio.canceller import EchoCanceller
from rtcli.audio.device_clock import BlockTime
from rtcli.dsp.levels import rms_db
from rtcli.errors import AudioUnavailableError
from tests.kit import waveforms

PIECE = 960
SECONDS = 5


def cleaned(microphone: bytes, speaker: bytes) -> tuple[bytes, EchoCanceller]:
    canceller, out = EchoCanceller(), bytearray()
    for start in range(0, len(microphone), PIECE):
        time = BlockTime(start / 48_000, True)
        canceller.played(speaker[start : start + PIECE], 24_000, time)
        out += canceller.clean(microphone[start : start + PIECE], time)
    return bytes(out), canceller


def room(speaker: bytes) -> bytes:
    """What a microphone hears of it 80 ms later, with a second reflection."""
    played = np.frombuffer(speaker, "<i2").astype(float)
    heard = np.zeros_like(played)
    for delay, gain in ((1920, 0.5), (2500, 0.2)):
        heard[delay:] += gain * played[:-delay]
    return heard.astype("<i2").tobytes()


def test_the_echo_is_taken_out_and_a_voice_as_loud_stays() -> None:
    """After the first seconds; the figure tells it."""
    pytest.importorskip("pywebrtc_audio")
    speaker = waveforms.noise(SECONDS)
    echo = room(speaker)
    left, canceller = cleaned(echo, speaker)
    tail = slice(-48_000, None)

    assert rms_db(left[tail]) < rms_db(echo[tail]) - 15
    assert canceller.attenuation_db is not None and canceller.attenuation_db > 15

    time = np.arange(len(echo) // 2) / 24_000
    tone = np.sin(2 * np.pi * 500 * time) * (np.sin(2 * np.pi * 3 * time) > 0)  # in syllables
    voice = tone * np.sqrt(np.mean(np.square(np.frombuffer(echo, "<i2").astype(float))) / np.mean(np.square(tone)))
    voice[:-24_000] = 0
    both = (np.frombuffer(echo, "<i2") + voice).clip(-32_768, 32_767).astype("<i2").tobytes()
    assert rms_db(cleaned(both, speaker)[0][tail]) > rms_db(left[tail]) + 6


def test_without_a_sound_from_the_speaker_nothing_is_touched() -> None:
    """The very samples go out."""
    pytest.importorskip("pywebrtc_audio")
    heard = waveforms.noise(1)[: PIECE * 40]
    out, canceller = cleaned(heard, bytes(len(heard)))

    assert out == heard and canceller.attenuation_db is None


def test_a_library_that_cannot_be_loaded_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """With what else there is."""
    monkeypatch.setitem(sys.modules, "pywebrtc_audio", None)
    with pytest.raises(AudioUnavailableError, match="cannot be loaded"):
        EchoCanceller()
