"""The levels of the microphone's last seconds."""

from __future__ import annotations

import pytest

from rtcli.session.level_history import SECONDS, LevelHistory


def filled(*pieces: tuple[float, float], held_back: bool = False) -> LevelHistory:
    history = LevelHistory()
    for begin, level_db in pieces:
        history.add(begin, 0.02, level_db, held_back=held_back)
    return history


def test_pieces_that_follow_on_each_other_are_one_run() -> None:
    """A byte for each 10 ms, decibels above -96 dBFS; a little late is not a gap."""
    (run,) = filled((1.0, -96.0), (1.02, -26.0), (1.05, 0.0)).runs(0)

    assert run.start == 1.0 and run.levels == bytes([0, 0, 70, 70, 96, 96])


def test_a_muted_microphone_leaves_a_gap() -> None:
    """And so does what was not captured."""
    assert [run.start for run in filled((1.0, -20.0), (3.0, -20.0)).runs(0)] == [1.0, 3.0]


def test_what_was_held_back_is_a_run_of_its_own() -> None:
    """It was captured, and silence went out for it."""
    history = filled((1.0, -20.0))
    history.add(1.02, 0.02, -20.0, held_back=True)

    assert [(run.start, run.held_back) for run in history.runs(0)] == [(1.0, False), (1.02, True)]


def test_only_the_last_seconds_are_kept() -> None:
    """However long a session lasts."""
    history = filled(*((index * 0.02, -20.0) for index in range(5000)))

    assert len(b"".join(run.levels for run in history.runs(0))) == pytest.approx(SECONDS * 100, abs=4)
    assert history.runs(99.9)[0].start >= 99.9


@pytest.mark.parametrize("level_db", [-200.0, 40.0, float("-inf")])
def test_any_level_is_a_level(level_db: float) -> None:
    """A float device may be louder than full scale."""
    assert len(filled((0.0, level_db)).runs(0)[0].levels) == 2
