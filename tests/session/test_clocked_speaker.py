"""A speaker without a device: what counts as heard, by the clock."""

from __future__ import annotations

import pytest

from rtcli.protocol.audio_formats import PCM16
from rtcli.session.clocked_speaker import ClockedSpeaker


class Clock:
    """Stands still unless it is moved."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def silence(milliseconds: int) -> bytes:
    """So much audio."""
    return bytes(PCM16.byte_length(milliseconds))


@pytest.mark.parametrize(("pace", "heard"), [(1.0, 300), (2.0, 600), (0.5, 150), (0.0, 1000)])
def test_audio_is_heard_as_time_passes(pace: float, heard: int) -> None:
    """So many times as fast; with 0 as soon as it is there."""
    clock = Clock()
    speaker = ClockedSpeaker(clock, pace)
    speaker.play("a", 0, silence(1000))
    clock.now += 0.3

    assert speaker.heard_ms("a", 0) == heard
    assert speaker.audible is (heard < 1000)
    assert speaker.current == ("a", 0)


def test_time_without_audio_is_not_made_up_for() -> None:
    """What comes late begins when it comes."""
    clock = Clock()
    speaker = ClockedSpeaker(clock)
    speaker.play("a", 0, silence(100))
    clock.now += 5
    speaker.play("b", 0, silence(400))
    clock.now += 0.15

    assert (speaker.heard_ms("a", 0), speaker.heard_ms("b", 0)) == (100, 150)
    assert (speaker.first_heard_at("a", 0), speaker.first_heard_at("b", 0)) == (100.0, 105.0)
    assert speaker.current == ("b", 0)


def test_what_is_stopped_is_not_heard_any_more() -> None:
    """What was heard until then stays."""
    clock = Clock()
    speaker = ClockedSpeaker(clock)
    speaker.play("a", 0, silence(400))
    speaker.play("b", 1, silence(400))
    clock.now += 0.25
    speaker.stop()
    clock.now += 9

    assert (speaker.heard_ms("a", 0), speaker.heard_ms("b", 1), speaker.audible) == (250, 0, False)
    assert speaker.first_heard_at("b", 1) is not None or speaker.heard_ms("b", 1) == 0
    assert speaker.heard_ms("c", 0) is None
    speaker.play("c", 0, silence(100))
    clock.now += 0.05
    assert speaker.heard_ms("c", 0) == 50


@pytest.mark.parametrize("pace", [0.0, 1.0])
def test_it_stops_at_its_limit(pace: float) -> None:
    """Until that is raised, the rest waits and is audible."""
    clock = Clock()
    speaker = ClockedSpeaker(clock, pace)
    speaker.limit_ms = 500
    speaker.play("a", 0, silence(1000))
    clock.now += 60

    assert (speaker.heard_ms("a", 0), speaker.audible) == (500, True)
    speaker.limit_ms = None
    clock.now += 60
    assert (speaker.heard_ms("a", 0), speaker.audible) == (1000, False)


def test_nothing_is_nothing() -> None:
    """Empty audio is not a part, and nothing is taken over from elsewhere."""
    speaker = ClockedSpeaker(Clock())
    speaker.play("a", 0, b"")
    speaker.finish("a", 0)

    assert (speaker.heard_ms("a", 0), speaker.first_heard_at("a", 0), speaker.current) == (None, None, None)
    assert list(speaker.export().waiting) == []
