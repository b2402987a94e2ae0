"""Views as lines."""

from __future__ import annotations

import pytest

from rtcli.render.presenter import Presenter
from rtcli.render.styles import Color
from rtcli.render.text import cells
from rtcli.views import DisplaySettings, Json, Level, Notice, Quit, Table, Text, View
from tests.render.frames import Wire, base64_of, spoken_answer, tone


def lines(view: View, width: int = 60, color: Color = Color.NONE) -> list[str]:
    return Presenter(DisplaySettings(), color).lines(view, width)


def test_a_notice_says_what_why_and_what_to_do() -> None:
    """The hint stands under it; long ones wrap with an indent, and nothing is cut."""
    notice = Notice("cannot connect", "the server refused the key", "export OPENAI_API_KEY", Level.ERROR)

    assert lines(notice) == ["✗ cannot connect: the server refused the key", "  → export OPENAI_API_KEY"]
    assert lines(notice, 24) == [
        "✗ cannot connect: the",
        "  server refused the key",
        "  → export",
        "    OPENAI_API_KEY",
    ]


@pytest.mark.parametrize(("level", "sign"), [*zip(Level, "·✓!✗", strict=True)])
def test_a_level_is_seen_without_colours(level: Level, sign: str) -> None:
    """A sign of its own for each."""
    assert lines(Notice("x", level=level)) == [f"{sign} x"]


def test_text_is_not_wrapped() -> None:
    """The terminal does it, so that it can be copied whole."""
    assert lines(Text("a" * 100 + "\nb\n"), 20) == ["a" * 100, "b"]


def test_a_table_fits_the_width() -> None:
    """Cells fold where there is too little room; every character of them is there."""
    table = Table(("name", "value"), (("instructions", "be kind " * 8), ("日本", "x")), title="session")
    rows = lines(table, 40)

    assert rows[0].strip() == "session"
    assert rows[1].split() == ["name", "value"]
    assert max(map(cells, rows)) <= 40
    assert sum(row.count("kind") for row in rows) == 8


def test_square_brackets_in_cells_are_text() -> None:
    """No markup language hides in a table."""
    assert "[red]x[/red]" in lines(Table(("a",), (("[red]x[/red]",),)))[1]


def test_json_is_indented_and_summarised_unless_full() -> None:
    """Sound is a note; `full` shows all of it; nothing is broken at the width."""
    sound = base64_of(tone(200))
    value = {"type": "response.output_audio.delta", "delta": sound, "long": "w " * 80}
    short, full = lines(Json(value), 40), lines(Json(value, full=True), 40)

    assert '  "delta": "<9600 B audio, 200 ms, -9 dBFS>",' in short
    assert f'  "delta": "{sound}",' in full
    assert short[0] == "{"
    assert any("w " * 79 in line for line in short)


def test_json_is_coloured_where_there_are_colours() -> None:
    """Keys and values differ; without colors there is no escape at all."""
    assert "\x1b[" in "".join(lines(Json({"a": 1}), color=Color.MIDDLE))
    assert "\x1b" not in "".join(lines(Json({"a": "\x1b[2J\x9b"})))


def test_events_are_shown_as_the_person_wants_them() -> None:
    """Off: none. All: each. Summary: folded. The setting may change while it streams."""
    display = DisplaySettings()
    presenter = Presenter(display, Color.NONE)
    frames = list(spoken_answer(Wire(), 2))

    shown = {}
    for mode in ("off", "all", "summary"):
        display.events = mode
        shown[mode] = [line for frame in frames for line in presenter.lines(frame, 80)]
    assert [len(rows) for rows in shown.values()] == [0, len(frames), 11]


def test_a_filter_takes_whole_streams_or_leaves_them() -> None:
    """In the summary a stream is shown if its pieces or its end match."""
    display = DisplaySettings(events="summary", filter="*.delta")
    presenter = Presenter(display, Color.NONE)
    rows = [line for frame in spoken_answer(Wire(), 2) for line in presenter.lines(frame, 80)]

    assert [row.split()[3] for row in rows] == ["response.output_audio", "response.output_audio_transcript"]


def test_open_streams_are_there_to_be_looked_at_until_they_end() -> None:
    """And whatever is open at the end becomes rows."""
    presenter = Presenter(DisplaySettings(events="summary"), Color.NONE)
    wire = Wire()
    presenter.lines(wire.frame("response.output_text.delta", item_id="a", delta="x"), 80)

    assert len(presenter.open_rows(80)) == 1
    assert len(presenter.close(80)) == 1
    assert presenter.open_rows(80) == []


def test_leaving_the_summary_forgets_what_was_open() -> None:
    """No row of the past comes up later."""
    display = DisplaySettings(events="summary")
    presenter = Presenter(display, Color.NONE)
    wire = Wire()
    presenter.lines(wire.frame("response.output_text.delta", item_id="a", delta="x"), 80)
    display.events = "off"
    presenter.lines(wire.frame("response.output_text.delta", item_id="a", delta="x"), 80)

    assert presenter.open_rows(80) == []
    assert presenter.close(80) == []


def test_a_filter_that_cannot_be_read_hides_nothing() -> None:
    """It is refused where it is set; here it must not swallow events."""
    presenter = Presenter(DisplaySettings(events="all", filter="-"), Color.NONE)

    assert len(presenter.lines(Wire().frame("x"), 80)) == 1


def test_leaving_shows_nothing() -> None:
    """Quit is for the loop."""
    assert lines(Quit()) == []
