"""Where an interruption cuts: never beyond what arrived, always an integer."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtcli.protocol.audio_formats import PCM16, PCMU
from rtcli.protocol.playback import Playback, Truncation

A, B = ("item_a", 0), ("item_b", 0)
SECOND = PCM16.bytes_per_second


def received(*arrivals: tuple[tuple[str, int], int, float]) -> Playback:
    """Playback after (part, milliseconds, moment) each."""
    playback = Playback()
    for key, milliseconds, now in arrivals:
        playback.receive(key, "resp", SECOND * milliseconds // 1000, PCM16, now)
    return playback


def ends(cuts: list[Truncation]) -> list[tuple[str, int, int | None]]:
    return [(cut.item_id, cut.content_index, cut.audio_end_ms) for cut in cuts]


def test_audio_counts_in_the_format_in_which_it_came() -> None:
    """A session that changes its format in the middle of a part changes nothing about what had arrived."""
    playback = Playback()
    playback.receive(A, "resp", PCM16.byte_length(300), PCM16, 0.0)
    playback.receive(A, "resp", 0, PCMU, 1.0)
    assert playback.received_ms(*A) == 300

    playback.receive(A, "resp", PCMU.byte_length(50), PCMU, 1.0)
    playback.receive(A, "resp", PCM16.byte_length(20), PCM16, 1.0)
    assert playback.received_ms(*A) == 370
    assert ends(playback.interrupt(9.0, None)) == [("item_a", 0, 370)]


@pytest.mark.parametrize(
    ("after", "end"),
    [(0.0, 0), (0.25, 250), (0.9999, 999), (1.0, 1000), (7.0, 1000), (-3.0, 0)],
)
def test_without_a_player_the_time_since_the_first_audio_counts(after: float, end: int) -> None:
    """Clamped to what arrived, and to zero when a clock goes back."""
    playback = received((A, 1000, 64.0))

    assert ends(playback.interrupt(64.0 + after, None)) == [("item_a", 0, end)]
    assert playback.item_id is None


def test_before_any_audio_there_is_nothing_to_interrupt() -> None:
    """And a second interruption finds nothing either."""
    assert Playback().interrupt(0.0, None) == []
    playback = received((A, 1000, 0.0))
    playback.interrupt(0.5, None)
    assert playback.interrupt(0.6, None) == []


def test_what_was_heard_to_its_end_is_not_truncated() -> None:
    """Finished and played: nothing to cut, though there was something to interrupt."""
    playback = received((A, 1000, 0.0))
    playback.finish(A)

    assert ends(playback.interrupt(1.0, None)) == [("item_a", 0, None)]


def test_the_done_of_another_item_does_not_cancel_the_truncation() -> None:
    """The first item's audio.done may follow the second's first deltas."""
    playback = received((A, 100, 0.0), (B, 1000, 0.1))
    playback.finish(A)

    assert ends(playback.interrupt(5.0, None)) == [("item_b", 0, 1000)]


def test_late_audio_of_a_cut_item_counts_for_nothing() -> None:
    """It is told apart, not measured, and never truncated a second time at a wrong place."""
    playback = received((A, 1000, 0.0))
    playback.interrupt(0.5, None)

    assert playback.receive(A, "resp", SECOND, PCM16, 0.6) is False
    assert playback.received_ms(*A) == 1000
    assert ends(playback.interrupt(0.7, None)) == [("item_a", 0, None)]


def test_another_part_of_the_same_item_is_measured_on_its_own() -> None:
    """An item may hold several audio parts."""
    playback = received((A, 1000, 0.0), (("item_a", 1), 500, 1.0))

    assert ends(playback.interrupt(1.25, None)) == [("item_a", 1, 250)]


@pytest.mark.parametrize(("now", "end"), [(1.5, 1500), (9.0, None)])
def test_audio_after_a_done_counts_and_the_done_stays(now: float, end: int | None) -> None:
    """As in the reference: what follows is cut where it was not heard to its end."""
    playback = received((A, 1000, 0.0))
    playback.finish(A)
    playback.receive(A, "resp", SECOND, PCM16, 0.1)

    assert ends(playback.interrupt(now, None)) == [("item_a", 0, end)]


@pytest.mark.parametrize(("again", "now", "end"), [(5.0, 5.5, 1500), (0.0, 0.0, 0), (0.4, 0.6, 600)])
def test_a_part_that_goes_on_after_another_continues_its_measurement(again: float, now: float, end: int) -> None:
    """What was played of it before stays counted, and nothing is played faster than time goes."""
    playback = received((A, 1000, 0.0), (B, 1000, again), (A, 1000, again))

    assert ends(playback.interrupt(now, None)) == [("item_a", 0, end)]


def test_a_player_knows_what_was_heard_of_each_part() -> None:
    """Parts that wait in the player are cut at zero, those heard to the end are left alone."""
    playback = received((A, 1000, 0.0), (B, 1000, 0.1), (("item_c", 0), 1000, 0.2))
    playback.finish(A)
    heard = {"item_a": 1000, "item_b": 300, "item_c": 0}

    cuts = playback.interrupt(99.0, lambda item_id, _: heard[item_id])

    assert ends(cuts) == [("item_b", 0, 300), ("item_c", 0, 0)]


def test_a_player_that_is_still_speaking_is_interrupted_after_all_audio_arrived() -> None:
    """Audio arrives faster than it is heard: the end of the stream is not the end of the speech."""
    playback = received((A, 5000, 0.0))
    playback.finish(A)

    assert ends(playback.interrupt(0.4, lambda *_: 400)) == [("item_a", 0, 400)]


def test_parts_that_the_player_does_not_know_are_left_alone_but_for_the_arriving_one() -> None:
    """For that one the clock has to do."""
    playback = received((A, 1000, 0.0), (B, 1000, 1.0))

    assert ends(playback.interrupt(1.25, lambda *_: None)) == [("item_b", 0, 250)]


def test_a_position_with_a_fraction_is_still_cut_at_an_integer() -> None:
    """The API refuses decimals; a player that reports floats must not cause them."""
    playback = received((A, 1000, 0.0))

    (cut,) = playback.interrupt(0.0, lambda *_: 333.7)  # type: ignore[arg-type]

    assert cut.audio_end_ms == 333
    assert type(cut.audio_end_ms) is int


def test_g711_is_measured_by_its_own_bytes() -> None:
    """8,000 bytes a second."""
    playback = Playback()
    playback.receive(A, "resp", 8_000, PCMU, 0.0)

    assert playback.current == ("item_a", 0, 1000)


def test_only_so_many_parts_are_remembered() -> None:
    """An hour of conversation does not grow the memory; the oldest parts are long played."""
    playback = received(*((("item", index), 10, float(index)) for index in range(1000)))

    assert playback.received_ms("item", 0) == 0
    assert playback.received_ms("item", 999) == 10


KEYS = st.tuples(st.sampled_from(["a", "b"]), st.integers(0, 1))
TIMES = st.floats(-1e6, 1e6)
ACTIONS = st.lists(
    st.one_of(
        st.tuples(st.just("receive"), KEYS, st.integers(0, 10_000), TIMES),
        st.tuples(st.just("finish"), KEYS, st.just(0), st.just(0.0)),
        st.tuples(st.just("interrupt"), KEYS, st.integers(-10_000, 10_000), TIMES),
    ),
    max_size=30,
)


def _player(kind: int, position: int) -> Callable[[str, int], int | None] | None:
    """No player, one that knows nothing, one that knows a position."""
    players: list[Callable[[str, int], int | None] | None] = [None, lambda *_: None, lambda *_: position]
    return players[kind]


@given(ACTIONS, st.integers(0, 2))
def test_a_cut_lies_between_nothing_and_what_arrived(
    actions: list[tuple[str, tuple[str, int], int, float]], kind: int
) -> None:
    """0 <= audio_end_ms <= received, whatever arrives and whatever clock or player say; no part is cut twice."""
    playback, cut_before = Playback(), set[tuple[str, int]]()
    for what, key, number, now in actions:
        if what == "receive":
            in_time = playback.receive(key, "resp", number, PCM16, now)
            assert not (in_time and key in cut_before)
        elif what == "finish":
            playback.finish(key)
        else:
            for cut in playback.interrupt(now, _player(kind, number)):
                place = (cut.item_id, cut.content_index)
                if cut.audio_end_ms is not None:
                    assert type(cut.audio_end_ms) is int
                    assert 0 <= cut.audio_end_ms <= playback.received_ms(*place)
                    assert place not in cut_before
                cut_before.add(place)
            assert playback.current is None


def test_an_interruption_also_ends_what_had_not_begun_to_sound() -> None:
    """A part without audio yet has no place to cut, and what comes of it afterwards is late all the same."""
    playback = Playback()
    assert playback.receive(("a", 0), "resp", 0, PCM16, 0.0)
    assert playback.receive(("b", 0), "resp", 4_800, PCM16, 0.0)

    assert [cut.item_id for cut in playback.interrupt(0.0, lambda *_: 50)] == ["b"]

    assert not playback.receive(("a", 0), "resp", 4_800, PCM16, 0.0)


def test_audio_of_an_item_without_a_name_is_not_interrupted() -> None:
    """As in the reference: the server could not be told which item to cut."""
    playback = received((("", 0), 1000, 0.0))

    assert playback.interrupt(0.5, None) == []
    assert playback.item_id == ""
