"""The energy detector: where speech starts and stops in audio that is made for the test."""

from __future__ import annotations

import numpy as np
import pytest

from rtcli.dsp.energy_vad import EnergyDetector

RATE = 24_000
_random = np.random.default_rng(7)


def noise(seconds: float, level_db: float) -> bytes:
    samples = _random.standard_normal(int(RATE * seconds)) * 32_768 * 10 ** (level_db / 20)
    return bytes(samples.clip(-32_768, 32_767).astype("<i2").tobytes())


def hum(seconds: float, level: int = 6_000) -> bytes:
    time = np.arange(int(RATE * seconds)) / RATE
    return bytes((level * np.sin(2 * np.pi * 220 * time)).astype("<i2").tobytes())


def ms(changes: list[tuple[bool, int]]) -> list[tuple[bool, int]]:
    return [(speaking, sample * 1000 // RATE) for speaking, sample in changes]


def test_speech_between_silences_has_a_start_and_an_end() -> None:
    """The start is found to within 20 ms, the end to within 60."""
    changes = ms(EnergyDetector().feed(bytes(RATE * 2) + hum(0.8) + bytes(RATE * 2)))

    assert [speaking for speaking, _ in changes] == [True, False]
    assert changes[0][1] == pytest.approx(1_000, abs=20)
    assert changes[1][1] == pytest.approx(1_800, abs=60)


def test_the_size_of_chunks_changes_nothing() -> None:
    """A stream is the same in pieces of 7 ms, 20 ms, or whole."""
    pcm = noise(1, -60) + hum(0.5) + noise(1, -60)

    def changes(size: int) -> list[tuple[bool, int]]:
        detector = EnergyDetector()
        return [c for start in range(0, len(pcm), size) for c in detector.feed(pcm[start : start + size])]

    assert changes(337) == changes(960) == changes(len(pcm))


def test_a_pause_shorter_than_the_silence_ends_nothing() -> None:
    """300 ms of silence in a turn that needs 500."""
    changes = EnergyDetector(silence_ms=500).feed(bytes(48_000) + hum(0.5) + bytes(14_400) + hum(0.5) + bytes(48_000))

    assert [speaking for speaking, _ in changes] == [True, False]


def test_silence_ms_is_what_ends_a_turn() -> None:
    """The same pause ends a turn that needs 200 ms."""
    changes = EnergyDetector(silence_ms=200).feed(bytes(48_000) + hum(0.5) + bytes(14_400) + hum(0.5) + bytes(48_000))

    assert [speaking for speaking, _ in changes] == [True, False, True, False]


@pytest.mark.parametrize("level_db", [-70.0, -45.0, -32.0])
def test_steady_noise_is_no_speech(level_db: float) -> None:
    """The floor follows what lasts."""
    assert EnergyDetector().feed(noise(6, level_db)) == []


def test_speech_is_heard_over_noise() -> None:
    """A voice 20 dB above the noise is found, and its end too."""
    mixed = np.frombuffer(noise(4, -45), "<i2").astype(int)
    voice = np.frombuffer(hum(1.0), "<i2").astype(int)
    mixed[48_000 : 48_000 + len(voice)] += voice
    changes = ms(EnergyDetector().feed(bytes(mixed.astype("<i2").tobytes())))

    assert [speaking for speaking, _ in changes] == [True, False]
    assert changes[0][1] == pytest.approx(2_000, abs=30)


def test_a_click_is_no_speech() -> None:
    """30 ms are too short."""
    assert EnergyDetector().feed(bytes(48_000) + hum(0.03) + bytes(48_000)) == []


def test_an_offset_is_no_speech() -> None:
    """A microphone with a constant offset is silent."""
    assert EnergyDetector().feed(bytes(48_000) + np.full(24_000, 3_000, "<i2").tobytes()) == []


def test_a_higher_threshold_hears_less() -> None:
    """A voice 8 dB over the floor is speech at 0.5, and is none at 1.0."""
    quiet = noise(2, -40) + noise(1, -32) + noise(1, -40)

    assert EnergyDetector(threshold=0.5).feed(quiet)
    assert not EnergyDetector(threshold=1.0).feed(quiet)


def test_reset_forgets_speech_and_keeps_counting() -> None:
    """After a reset, speech that goes on is a new start, at its own place."""
    detector = EnergyDetector()
    detector.feed(bytes(48_000) + hum(0.5))
    detector.reset()

    changes = ms(detector.feed(hum(0.5)))

    assert changes == [(True, 1_500)]
