"""The outbox: order, its bound, and who gives way."""

from __future__ import annotations

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtcli.errors import OutboxFullError
from rtcli.transports.outbox import Outbox


def drained(outbox: Outbox) -> list[bytes]:
    frames = []
    while (frame := outbox.take()) is not None:
        frames.append(frame)
    return frames


def test_live_audio_gives_way_oldest_first() -> None:
    """Everything else keeps its place; what was dropped is counted in bytes of sound."""
    outbox = Outbox(40)
    for frame, live in ((b"event-0001", 0), (b"audio-0002", 7), (b"audio-0003", 7), (b"event-0004", 0)):
        outbox.put(frame, live)
    outbox.put(b"event-0005")
    outbox.put(b"audio-0006", 7)

    assert outbox.dropped_audio_bytes == 14
    assert drained(outbox) == [b"event-0001", b"event-0004", b"event-0005", b"audio-0006"]


def test_what_is_no_live_audio_raises_rather_than_vanish() -> None:
    """The error says how much waits and what to do; nothing is dropped in vain for it."""
    outbox = Outbox(30)
    outbox.put(b"x" * 20)
    outbox.put(b"audio" * 2, 9)
    with pytest.raises(OutboxFullError, match="30 bytes wait to be sent and 11 more") as caught:
        outbox.put(b"y" * 11)

    assert "max_outbox_bytes" in caught.value.hint
    assert outbox.dropped_audio_bytes == 0
    assert len(drained(outbox)) == 2


def test_audio_that_finds_no_room_at_all_is_dropped_itself() -> None:
    """A microphone never raises."""
    outbox = Outbox(10)
    outbox.put(b"x" * 10)
    outbox.put(b"audio", 3)

    assert outbox.dropped_audio_bytes == 3
    assert drained(outbox) == [b"x" * 10]


def test_a_frame_on_its_way_counts_until_the_next_one_is_taken() -> None:
    """The socket holds it meanwhile: memory is memory."""
    outbox = Outbox(10)
    outbox.put(b"123456")
    assert outbox.take() == b"123456"
    assert outbox.waiting_bytes == 6
    with pytest.raises(OutboxFullError):
        outbox.put(b"78901")
    assert outbox.take() is None
    assert outbox.waiting_bytes == 0


def test_an_hour_of_audio_behind_a_stuck_frame_leaves_nothing_behind() -> None:
    """Dropped frames do not pile up as empty places."""
    outbox = Outbox(20_000)
    outbox.put(b"stuck")
    for _ in range(180_000):
        outbox.put(b"a" * 1_000, 960)

    assert outbox.waiting_bytes <= 20_000
    assert outbox.dropped_audio_bytes == 960 * (180_000 - 19)
    assert sys.getsizeof(outbox._entries) < 20_000
    assert len(drained(outbox)) == 20


FRAMES = st.lists(st.tuples(st.integers(1, 40), st.booleans(), st.booleans()), max_size=60)


@given(FRAMES, st.integers(1, 120))
def test_it_never_holds_more_than_its_bound_and_never_changes_the_order(
    frames: list[tuple[int, bool, bool]], bound: int
) -> None:
    """Whatever is put and taken: the bound holds, what comes out is in order, and only live audio is missing."""
    outbox, out, must_come = Outbox(bound), list[bytes](), list[bytes]()
    for number, (size, live, take) in enumerate(frames):
        frame = number.to_bytes(2, "big") * size
        try:
            outbox.put(frame, size if live else 0)
        except OutboxFullError:
            assert not live
        else:
            must_come += [] if live else [frame]
        assert outbox.waiting_bytes <= bound
        if take and (taken := outbox.take()) is not None:
            out.append(taken)
    out += drained(outbox)

    assert out == sorted(out)
    assert [frame for frame in out if frame in must_come] == must_come
    assert outbox.waiting_bytes == 0


def test_what_was_dropped_lasted_what_it_lasted_when_it_was_sent() -> None:
    """100 ms of one format, and of another that takes six times the bytes."""
    outbox = Outbox(30)
    outbox.put(b"audio-0001" * 2, 800, 0.1)
    outbox.put(b"audio-0002" * 2, 4800, 0.1)
    outbox.put(b"x" * 25)

    assert (outbox.dropped_audio_bytes, outbox.dropped_audio_seconds) == (5600, 0.2)
