"""Charts as rows: what stands where, at any width, with and without color."""

from __future__ import annotations

import pytest

from rtcli.render.presenter import Presenter
from rtcli.render.styles import Color
from rtcli.render.text import cells
from rtcli.views import BarLook, Chart, ChartBar, ChartLane, ChartWave, DisplaySettings, MarkSign

LOUD, SOFT = 90, 45
CHART = Chart(
    "turn 7, spoken, 4.00 s",
    10.0,
    14.0,
    (
        ChartLane("you", (ChartBar(11, 12, BarLook.WAITING),), (ChartWave(10.0, bytes([LOUD] * 100), role="user"),)),
        ChartLane(" get_weather_of_every_city", (ChartBar(12.0, None, BarLook.TOOL),), note="running " * 9),
        ChartLane(
            " heard",
            waves=(ChartWave(12.0, bytes([LOUD, SOFT] * 50)), ChartWave(13.0, bytes([LOUD] * 300), bright=False)),
            marks=((13.0, MarkSign.CUT),),
            note="1.00 s heard of 4.00 s",
        ),
    ),
    (("voice to ear 1500 ms !", True), ("first sample 20 ms", False)),
)


def lines(chart: Chart, width: int, color: Color = Color.NONE) -> list[str]:
    return Presenter(DisplaySettings(), color).lines(chart, width)


def test_time_goes_from_left_to_right() -> None:
    """A second is as wide in every lane; a bar that lasts goes to the end; what was not heard is told by its signs."""
    title, axis, you, tool, heard, legend, figures = lines(CHART, 100)

    assert title == "turn 7, spoken, 4.00 s"
    begin, second = axis.index("╷0 s"), axis.index("╷1 s") - axis.index("╷0 s")
    assert you[begin : begin + second] == "█" * second
    assert you[begin + second + 1 :].rstrip() == "░" * (second - 1)
    assert tool[begin + 2 * second :].startswith("▒" * second) and "…" in tool[:begin]
    assert heard[begin + 2 * second] == "█" and heard.count("⟂") == 1
    assert abs(heard.index("⟂") - begin - 3 * second) <= 1
    assert heard[heard.index("⟂") + 1] == "⣿"
    assert legend == "░ waiting  ▒ tool  ⟂ cut  ⣤ not heard"
    assert figures == "voice to ear 1500 ms ! · first sample 20 ms"


@pytest.mark.parametrize("width", [20, 40, 60, 79, 80, 100, 2000])
def test_no_row_is_wider_than_the_terminal(width: int) -> None:
    """In few columns notes stand below their lanes; in very many a chart does not stretch."""
    rows = lines(CHART, width)

    assert all(cells(row) <= min(width, 120) for row in rows)
    below = [row for row in rows if row.startswith("  1.00 s heard of")]
    assert len(below) == (width < 80)
    assert any("⟂" in row for row in rows)


def test_what_asks_for_attention_has_the_color_of_a_warning() -> None:
    """And no color where there is none."""
    assert any("\x1b[1;33mvoice to ear" in row for row in lines(CHART, 100, Color.SIXTEEN))
    assert not any("\x1b" in row for row in lines(CHART, 100))


@pytest.mark.parametrize("length", [0.0, 1e-9, 0.004, 0.3, 59.0, 4000.0, 90_000.0])
def test_an_axis_has_round_seconds_at_any_length(length: float) -> None:
    """From a moment to a day; labels never touch."""
    axis = lines(Chart("x", 5.0, 5.0 + length, (ChartLane("a", (ChartBar(5.0, 5.0, BarLook.WAITING),)),)), 60)[1]

    labels = axis.split("╷")[1:]
    assert labels[0].startswith("0 s") and len(labels) <= 8
    assert all(label.rstrip().removesuffix(" s").replace(".", "").isdecimal() for label in labels)


def test_control_characters_of_a_server_are_written_out() -> None:
    """In a tool's name and in its output."""
    rows = lines(Chart("t", 0, 1, (ChartLane("a\x1b[2J", note="b\nc\x07"),)), 100)

    assert not any("\x1b" in row or "\x07" in row or "\n" in row for row in rows)
    assert any("\\x1b" in row for row in rows)
