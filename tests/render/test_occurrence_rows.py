"""Rows for what happened between the frames, and the end of rows that were open."""

from __future__ import annotations

import pytest

from rtcli.protocol.occurrences import Occurrence, interleaved, of_connection, of_devices
from rtcli.protocol.record import Connected, Connection, Device, Direction, Frame
from rtcli.render.presenter import Presenter
from rtcli.render.styles import Color
from rtcli.views import DisplaySettings

LOST = Occurrence(1.5, 2, "connection", "lost: close code 1006", ends=True, failed=True)


def delta(number: int) -> Frame:
    return Frame(
        number, 1.0, Direction.RECEIVED, {"type": "response.output_text.delta", "item_id": "i", "delta": "x"}, 9
    )


def test_a_drop_ends_every_row_that_is_open() -> None:
    """They leave into the scrollback, marked as unfinished, before the row of the drop."""
    presenter = Presenter(DisplaySettings(events="summary"), Color.NONE)
    presenter.lines(delta(1), 80)
    presenter.lines(delta(2), 80)
    assert len(presenter.open_rows(80)) == 1
    stream, drop = presenter.lines(LOST, 80)

    assert presenter.open_rows(80) == []
    assert stream.rstrip().endswith("…") and "×2" in stream
    assert drop.strip() == "+1.500s · connection lost: close code 1006"


@pytest.mark.parametrize(
    ("display", "rows"),
    [
        (DisplaySettings(events="off"), 0),
        (DisplaySettings(events="all"), 1),
        (DisplaySettings(events="all", filter="response.*"), 0),
    ],
)
def test_an_occurrence_is_shown_where_events_are(display: DisplaySettings, rows: int) -> None:
    """And not among the events that a filter asks for."""
    occurrence = Occurrence(0.1, 0, "device", "muted")

    assert len(Presenter(display, Color.NONE).lines(occurrence, 80)) == rows


def test_a_lost_connection_is_shown_whatever_the_filter() -> None:
    """Nothing of what is asked for will come."""
    display = DisplaySettings(events="all", filter="response.*")

    assert len(Presenter(display, Color.NONE).lines(LOST, 80)) == 1


def test_narrow_terminals_keep_the_words() -> None:
    """The row is cut at the width, not wrapped."""
    (line,) = Presenter(DisplaySettings(events="all"), Color.NONE).lines(LOST, 30)

    assert len(line) <= 30 and "lost" in line


def test_a_connection_says_where_without_a_key() -> None:
    """The query may hold one."""
    url = "wss://user:secret@h:1/v1/realtime?model=m&api-key=k"
    first = of_connection(Connection(0, Connected.DIALING, url), 0, again=False)
    again = of_connection(Connection(0, Connected.DIALING, url), 0, again=True)

    assert (first.words, again.words) == ("dialing h:1/v1/realtime", "dialing again h:1/v1/realtime")
    assert not of_connection(Connection(0, Connected.CLOSED, url), 9, again=True).failed


@pytest.mark.parametrize(
    ("before", "now", "words"),
    [
        (None, Device(0, None, None, muted=True), None),
        (None, Device(0, "a", "b", muted=True), "microphone a, muted, speaker b"),
        (Device(0, "a", "b", muted=True), Device(0, "a", "b", muted=False), "live"),
        (Device(0, "a", "b", muted=False), Device(0, "c", "b", muted=False), "microphone c, live"),
        (Device(0, "a", "b", muted=False), Device(0, None, None, muted=True), "microphone a closed, speaker b gone"),
        (Device(0, "a", "b", muted=True), Device(1, "a", "b", muted=True), None),
    ],
)
def test_only_what_changed_about_the_devices_is_said(before: Device | None, now: Device, words: str | None) -> None:
    """The record repeats all of it."""
    found = of_devices(now, before, 0)

    assert (found.words if found else None) == words


def test_occurrences_stand_behind_the_frame_that_came_before_them() -> None:
    """Also before the first and behind the last."""
    frames = [delta(1), delta(2), delta(3)]
    occurrences = [
        Occurrence(0, 0, "a", ""),
        Occurrence(0, 2, "b", ""),
        Occurrence(0, 2, "c", ""),
        Occurrence(0, 3, "d", ""),
    ]
    order = [one.kind if isinstance(one, Occurrence) else str(one.number) for one in interleaved(frames, occurrences)]

    assert order == ["a", "1", "2", "b", "c", "3", "d"]
