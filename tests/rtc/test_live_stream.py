"""What of a call's endless stream goes to a loudspeaker."""

from __future__ import annotations

import pytest

from rtcli.rtc.live_stream import LiveStream

FRAME = 480
LOUD = b"\0\x10" * FRAME
QUIET = bytes(2 * FRAME)


class Line:
    """Feeds frames in their time: 20 ms each, unless told otherwise."""

    def __init__(self) -> None:
        self.stream = LiveStream()
        self.number = 0
        self.now = 0.0

    def push(self, pcm: bytes, *, lost: int = 0, seconds: float = 0.02) -> bytes:
        self.number += lost
        self.now += seconds
        played = self.stream.push(pcm, self.number * FRAME, self.now)
        self.number += 1
        return played


def test_silence_is_not_played_and_speech_is() -> None:
    """A speaker that plays silence would be busy for ever; a pause within speech is kept."""
    line = Line()
    played = [line.push(pcm) for pcm in [QUIET] * 3 + [LOUD] * 2 + [QUIET] * 5 + [LOUD] + [QUIET] * 20]

    assert played[:3] == [b""] * 3
    assert played[3:11] == [LOUD] * 2 + [QUIET] * 5 + [LOUD]
    assert played[11:23] == [QUIET] * 12  # 240 ms
    assert played[23:] == [b""] * 8
    assert not line.stream.is_open


def test_a_lost_packet_is_concealed() -> None:
    """By what came before it, fading; the samples add up, and what is lost is counted."""
    line = Line()
    line.push(LOUD)
    played = line.push(LOUD, lost=2, seconds=0.06)

    assert len(played) == 3 * len(LOUD)
    assert played.endswith(LOUD)
    assert 0 < max(memoryview(played[: 2 * FRAME]).cast("h")) <= 4_096
    assert max(memoryview(played[3 * FRAME : 4 * FRAME]).cast("h")) < 1_100
    assert line.stream.lost_ms == 40


def test_a_long_gap_is_a_gap() -> None:
    """More than 100 ms of what was said would sound like a machine."""
    line = Line()
    line.push(LOUD)

    assert line.push(LOUD, lost=10, seconds=0.22) == LOUD
    assert line.stream.lost_ms == 200


def test_what_comes_in_a_burst_is_cut_down() -> None:
    """After a stall of the network the rest is heard in time again, not half a second later for good."""
    line = Line()
    line.push(LOUD)
    burst = [line.push(LOUD, seconds=0.9 if number == 0 else 0.0) for number in range(45)]
    later = [line.push(LOUD) for _ in range(20)]

    given = sum(1 for played in burst if played)
    assert 10 <= given <= 12  # 200 ms and the frame that is over it
    assert sum(1 for played in later if played) >= 19
    assert line.stream.late_ms == (45 - given + sum(1 for played in later if not played)) * 20


@pytest.mark.parametrize("skew", [0.999, 1.001])
def test_a_clock_that_runs_a_little_differently_costs_nothing(skew: float) -> None:
    """A minute of speech without a pause."""
    line = Line()
    played = [line.push(LOUD, seconds=0.02 * skew) for _ in range(3_000)]

    assert played == [LOUD] * 3_000


def test_after_a_cut_nothing_is_played_until_the_next_speech() -> None:
    """What was on its way is not heard; what is spoken after a silence is."""
    line = Line()
    line.push(LOUD)
    line.stream.cut()
    on_its_way = [line.push(LOUD) for _ in range(5)]
    line.push(QUIET)

    assert on_its_way == [b""] * 5
    assert line.push(LOUD) == LOUD


def test_a_cut_in_silence_leaves_what_comes_alone() -> None:
    """The user stopped an answer that had ended."""
    line = Line()
    line.push(QUIET)
    line.stream.cut()

    assert line.push(LOUD) == LOUD
