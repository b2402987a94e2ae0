"""The queue of the speaker, as arithmetic over samples."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtcli.audio.playout import PlayQueue, State

RATE = 1000  # a frame is a millisecond
A, B = ("item_a", 0), ("item_b", 0)


def sound(frames: int, value: int = 1000) -> bytes:
    return np.full(frames, value, "<i2").tobytes()


def frames(block: bytes) -> list[int]:
    return [int(value) for value in np.frombuffer(block, "<i2")]


def queue(jitter_ms: int = 0, fade_ms: int = 4) -> PlayQueue:
    return PlayQueue(RATE, jitter_ms=jitter_ms, fade_ms=fade_ms)


def test_sound_comes_out_in_order_and_silence_where_there_is_none() -> None:
    """Nothing is lost or doubled at the borders of blocks and parts."""
    q = queue()
    q.put(A, sound(5, 1))
    q.put(B, sound(2, 2))

    assert frames(q.read(3, 0.0)) == [1, 1, 1]
    assert frames(q.read(6, 0.0)) == [1, 1, 2, 2, 0, 0]
    assert frames(q.read(2, 0.0)) == [0, 0]


def test_only_what_left_the_device_counts_as_heard() -> None:
    """Frames in the device's own buffer are read, and not heard yet."""
    q = queue()
    q.latency = 4
    q.put(A, sound(10))

    assert q.heard(A) == 0
    q.read(5, 0.0)
    assert q.heard(A) == 1
    q.read(5, 0.0)
    assert q.heard(A) == 6
    q.read(5, 0.0)
    assert q.heard(A) == 10
    assert q.heard(B) is None, "nobody ever played that"


def test_parts_that_alternate_are_counted_apart() -> None:
    """One response may hold several spoken items."""
    q = queue()
    for key, count in ((A, 3), (B, 4), (A, 2)):
        q.put(key, sound(count))
    q.read(8, 0.0)

    assert (q.heard(A), q.heard(B)) == (4, 4)


def test_it_waits_for_a_little_sound_before_it_begins() -> None:
    """A first delta alone would run dry at once."""
    q = queue(jitter_ms=6)
    q.put(A, sound(4))
    assert frames(q.read(3, 0.0)) == [0, 0, 0]
    q.put(A, sound(4))
    assert frames(q.read(3, 0.0)) == [1000] * 3
    assert q.heard(A) == 3


def test_short_sound_is_not_kept_waiting_for_more() -> None:
    """After as long as the buffer is deep, or when the server says that this was all."""
    waiting, finished = queue(jitter_ms=6), queue(jitter_ms=6)
    for q in (waiting, finished):
        q.put(A, sound(4))
    finished.finish(A)

    assert frames(finished.read(4, 0.0)) == [1000] * 4
    waiting.read(6, 0.0)
    assert frames(waiting.read(4, 0.0)) == [1000] * 4


def test_running_dry_is_counted_when_more_was_to_come() -> None:
    """An underrun is a fault of the network; the end of an answer is not."""
    q = queue()
    q.put(A, sound(2))
    q.read(4, 0.0)
    q.put(A, sound(2))
    q.finish(A)
    q.read(4, 0.0)

    assert q.underruns == 1


def test_stopping_fades_and_drops_the_rest() -> None:
    """A few milliseconds fall to silence, so that it does not click; nothing of another part is let through."""
    q = queue(fade_ms=4)
    q.put(A, sound(3))
    q.put(A, sound(100))
    q.put(B, sound(100))
    q.read(1, 0.0)
    q.stop()
    tail = frames(q.read(10, 0.0))

    assert tail[0] == 1000 and tail[:4] == sorted(tail[:4], reverse=True) and tail[3:] == [0] * 7
    assert (q.heard(A), q.heard(B), q.queued) == (5, 0, 0)
    assert not q.audible


def test_the_fade_ends_with_the_part_that_is_heard() -> None:
    """What is left of it is shorter than the fade: the next part stays silent all the same."""
    q = queue(fade_ms=4)
    q.put(A, sound(3))
    q.put(B, sound(100))
    q.read(1, 0.0)
    q.stop()

    assert frames(q.read(6, 0.0))[2:] == [0] * 4
    assert q.heard(B) == 0


def test_stopping_before_it_began_is_silence() -> None:
    """Nothing was heard, so nothing has to fade."""
    q = queue(jitter_ms=50)
    q.stop()
    q.put(A, sound(5))
    q.stop()

    assert q.state is State.IDLE
    assert frames(q.read(5, 0.0)) == [0] * 5
    assert q.heard(A) == 0


def test_it_is_audible_until_the_device_has_given_it_all_out() -> None:
    """An echo guard and a waiting script need the truth about the room."""
    q = queue()
    q.latency = 5
    q.put(A, sound(3))
    assert q.audible
    q.read(3, 0.0)
    assert q.audible and q.queued == 0
    q.read(5, 0.0)
    assert not q.audible


def test_it_knows_whose_sound_is_heard_now() -> None:
    """Behind the device's latency, not at the reading end."""
    q = queue()
    q.latency = 4
    q.put(A, sound(4))
    q.put(B, sound(8))
    heard = [q.current]
    for frames_more in (6, 3):
        q.read(frames_more, 0.0)
        heard.append(q.current)

    assert heard == [A, A, B]


def test_the_moment_of_the_first_sample_is_kept() -> None:
    """Latencies end where a sample is heard, to the frame."""
    q = queue()
    q.put(A, sound(3))
    q.put(B, sound(3))
    q.read(6, 7.0)

    assert q.first_heard_at(A) == 7.0
    assert q.first_heard_at(B) == pytest.approx(7.003)
    assert q.first_heard_at(("c", 0)) is None


def test_parts_of_long_ago_are_forgotten() -> None:
    """A day of talk does not grow without end."""
    q = queue()
    for number in range(400):
        q.put((f"item_{number}", 0), sound(1))
        q.read(1, 0.0)

    assert q.heard(("item_0", 0)) is None
    assert q.heard(("item_399", 0)) == 1


@given(
    st.lists(st.tuples(st.sampled_from([A, B]), st.integers(0, 40)), max_size=12),
    st.lists(st.integers(1, 50), max_size=12),
    st.integers(0, 30),
    st.integers(0, 30),
)
def test_nothing_is_heard_that_was_not_given(
    parts: list[tuple[tuple[str, int], int]], reads: list[int], latency: int, jitter: int
) -> None:
    """For every way to fill and read: heard only grows, and never beyond what was put."""
    q = queue(jitter_ms=jitter)
    q.latency = latency
    given_frames = {A: 0, B: 0}
    before = {A: 0, B: 0}
    for number, length in enumerate(reads):
        if number < len(parts):
            key, count = parts[number]
            q.put(key, sound(count))
            given_frames[key] += count
        assert len(q.read(length, 0.0)) == 2 * length
        for key in (A, B):
            now = q.heard(key) or 0
            assert before[key] <= now <= given_frames[key]
            before[key] = now
