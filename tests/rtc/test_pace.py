"""What is to be sent over a track."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from rtcli.rtc.pace import SendQueue


@given(st.lists(st.one_of(st.integers(0, 3_000), st.just(-1)), max_size=50))
def test_nothing_is_lost_but_what_is_counted(steps: list[int]) -> None:
    """Pieces of any size come out as frames, in order; what is older than 200 ms goes, and is counted."""
    queue, written, out = SendQueue(), 0, 0
    for step in steps:
        if step < 0:
            frame = queue.frame()
            out += len(frame or b"")
            assert frame is None or len(frame) == 960
        else:
            queue.write(b"\1\0" * step)
            written += 2 * step
        assert queue.waiting_ms <= 200
        rest = written - out - queue.dropped_bytes
        assert 0 <= rest <= 9_600
        assert rest // 48 == queue.waiting_ms


def test_the_oldest_goes() -> None:
    """A track that did not run for a while goes on with what is said now."""
    queue = SendQueue()
    for value in range(15):
        queue.write(bytes([value, 0]) * 480)

    assert queue.frame() == bytes([5, 0]) * 480
    assert queue.dropped_bytes == 5 * 960


def test_what_waits_is_not_sent_after_a_mute() -> None:
    """It was said before the user turned to somebody else."""
    queue = SendQueue()
    queue.write(bytes(960))
    queue.mute(True)
    queue.write(bytes(960))
    queue.mute(False)

    assert queue.frame() is None
    assert queue.dropped_bytes == 0
