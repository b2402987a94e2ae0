"""The output audio buffer of a call."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from rtcli.rtc.playout import FRAME_BYTES, SILENCE, BufferEvent, Cut, Happened, Playout

STARTED, STOPPED, CLEARED = BufferEvent


def speech(ms: int, value: int = 1) -> bytes:
    return bytes([value, 0]) * (24 * ms)


def test_a_response_starts_with_its_first_frame_and_stops_after_its_last() -> None:
    """However long its making takes: silence is played while nothing is there."""
    playout = Playout()
    assert playout.frame().pcm == SILENCE
    playout.add("r", "i", 0, speech(30))
    first, waits = playout.frame(), playout.frame()
    playout.add("r", "i", 0, speech(5))
    playout.finish("r")
    last, after = playout.frame(), playout.frame()

    assert (first.pcm, first.happened) == (speech(20), (Happened(STARTED, "r"),))
    assert (waits.pcm, waits.happened) == (SILENCE, ())
    assert (last.pcm, last.happened) == (speech(15) + bytes(48 * 5), (Happened(STOPPED, "r"),))
    assert (after.pcm, after.happened) == (SILENCE, ())
    assert playout.heard_ms("i", 0) == 35


def test_a_response_whose_end_comes_after_its_sound_stops_then() -> None:
    """Its last frame had left before it was done."""
    playout = Playout()
    playout.add("r", "i", 0, speech(20))
    playout.frame()
    assert playout.playing == "r"
    playout.finish("r")

    assert playout.frame().happened == (Happened(STOPPED, "r"),)
    assert playout.playing is None


def test_a_response_without_sound_makes_no_events() -> None:
    """A text answer, or one that calls a function."""
    playout = Playout()
    playout.finish("r")

    assert playout.frame().happened == ()
    assert playout.clear().happened == ()


def test_a_second_response_waits_for_the_first() -> None:
    """They never play at the same time, and the first stops before the second starts."""
    playout = Playout()
    playout.add("a", "i", 0, speech(20, 1))
    playout.add("b", "j", 0, speech(20, 2))
    frames = [playout.frame() for _ in range(3)]
    playout.finish("a")
    playout.finish("b")
    frames.append(playout.frame())

    assert [frame.pcm for frame in frames] == [speech(20, 1), SILENCE, SILENCE, speech(20, 2)]
    assert frames[3].happened == (Happened(STOPPED, "a"), Happened(STARTED, "b"), Happened(STOPPED, "b"))


def test_a_clear_tells_where_each_part_was_cut() -> None:
    """Also for one that was never heard; a response that had not started is not cleared, it never began."""
    playout = Playout()
    playout.add("a", "i", 0, speech(50))
    playout.add("a", "k", 1, speech(30))
    playout.add("b", "j", 0, speech(100))
    playout.frame()
    cleared = playout.clear()

    assert cleared.happened == (Happened(CLEARED, "a"),)
    assert cleared.cuts == (Cut("i", 0, 20, 50), Cut("k", 1, 0, 30), Cut("j", 0, 0, 100))
    assert playout.frame().pcm == SILENCE
    assert playout.clear() == type(cleared)((), ())


def test_what_comes_of_a_cleared_response_is_dropped() -> None:
    """It was being made when the user spoke; after its end the same item may be played in another response."""
    playout = Playout()
    playout.add("a", "i", 0, speech(40))
    playout.frame()
    playout.clear()
    playout.add("a", "i", 0, speech(400))
    assert playout.frame().pcm == SILENCE
    playout.finish("a")
    playout.add("b", "j", 0, speech(20, 2))

    assert playout.frame().pcm == speech(20, 2)
    assert (playout.heard, playout.cleared, playout.waiting) == (48 * 40, 48 * 420, 0)


def test_an_item_that_is_not_known_was_not_heard() -> None:
    """Of a text answer, or of another call."""
    assert Playout().heard_ms("nobody", 0) == 0


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("add"), st.integers(0, 3), st.integers(0, 2), st.integers(0, 2_000)),
        st.tuples(st.just("finish"), st.integers(0, 3)),
        st.tuples(st.just("frame"), st.integers(1, 4)),
        st.tuples(st.just("clear")),
    ),
    max_size=60,
)


def play(steps: list[tuple[str | int, ...]], check: Callable[[Playout], None]) -> list[Happened]:
    playout, finished, happened = Playout(), set[object](), list[Happened]()
    for name, *numbers in steps:
        if name == "add" and numbers[0] not in finished:
            response, item, samples = (int(number) for number in numbers)
            playout.add(f"r{response}", f"i{response}.{item}", 0, b"\1\0" * samples)
        elif name == "finish":
            finished.add(numbers[0])
            playout.finish(f"r{numbers[0]}")
        elif name == "frame":
            for _ in range(int(numbers[0])):
                played = playout.frame()
                assert len(played.pcm) == FRAME_BYTES
                happened += played.happened
        elif name == "clear":
            happened += playout.clear().happened
        check(playout)
    return happened


@given(STEPS)
def test_heard_cleared_and_waiting_are_what_was_added(steps: list[tuple[str | int, ...]]) -> None:
    """At every moment, byte for byte."""

    def check(playout: Playout) -> None:
        assert playout.heard + playout.cleared + playout.waiting == playout.added

    play(steps, check)


@given(STEPS)
def test_a_start_and_an_end_alternate(steps: list[tuple[str | int, ...]]) -> None:
    """started, then stopped or cleared of the same response, then the next one; each response at most once."""
    happened = play(steps, lambda playout: None)

    assert all(one.event is STARTED for one in happened[::2])
    assert all(one.event in {STOPPED, CLEARED} for one in happened[1::2])
    assert all(a.response_id == b.response_id for a, b in pairwise(happened) if a.event is STARTED)
    started = [one.response_id for one in happened[::2]]
    assert len(started) == len(set(started))


def test_a_frame_names_the_item_that_it_begins_with() -> None:
    """Silence names none."""
    playout = Playout()
    playout.add("resp_1", "item_1", 0, bytes(FRAME_BYTES + FRAME_BYTES // 2))
    playout.add("resp_1", "item_2", 0, bytes(FRAME_BYTES))
    playout.finish("resp_1")

    assert [playout.frame().item_id for _ in range(4)] == ["item_1", "item_1", "item_2", None]
