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


def test_what_waits_can_be_taken_back() -> None:
    """It was said before the user turned to somebody else."""
    queue = SendQueue()
    queue.write(bytes(960))
    queue.clear()

    assert queue.frame() is None
    assert queue.dropped_bytes == 0


def test_what_always_waits_is_delay_and_goes() -> None:
    """A burst at the beginning, or a clock that runs ahead, must not be heard late for the rest of the call."""
    queue = SendQueue()
    queue.write(bytes(960) * 5)
    for _ in range(60):
        queue.write(b"\1\0" * 480)
        assert queue.frame() is not None

    assert queue.waiting_ms == 20
    assert queue.dropped_bytes == 4 * 960


def test_a_file_that_comes_in_larger_pieces_is_whole() -> None:
    """100 ms at a time, as much as is taken in between."""
    queue = SendQueue()
    taken = 0
    for _ in range(50):
        queue.write(b"\1\0" * 2_400)
        taken += sum(len(queue.frame() or b"") for _ in range(5))

    assert taken == 50 * 4_800
    assert queue.dropped_bytes == 0


def test_pieces_that_come_unevenly_make_no_gaps() -> None:
    """Once a cushion is there, a piece may be 20 ms late: neither silence nor a drop comes of it."""
    queue, given = SendQueue(), []
    for number in range(200):
        for _ in range((1, 0, 2, 1)[number % 4]):
            queue.write(b"\1\0" * 480)
        given.append(queue.frame())

    assert None not in given[4:]
    assert queue.dropped_bytes == 0


def test_the_last_of_what_is_said_is_sent() -> None:
    """Though less than the cushion is left of it."""
    queue = SendQueue()
    queue.write(b"\1\0" * 480)

    assert [queue.frame() for _ in range(4)] == [None, None, b"\1\0" * 480, None]
