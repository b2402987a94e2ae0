"""Colors that can be read."""

from __future__ import annotations

import pytest

from rtcli.render.json_view import json_lines
from rtcli.render.media import MediaElider
from rtcli.render.styles import STYLES, Color, Span, crop, paint, plain, rgb, themed
from rtcli.views import Json

LINE = (Span("error", "no"), Span("", " way"))


def luminance(color: tuple[int, int, int]) -> float:
    """Relative luminance as WCAG defines it."""
    parts = [part / 255 for part in color]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: tuple[int, int, int], other: tuple[int, int, int]) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("name", [name for name, style in STYLES.items() if style.tone])
@pytest.mark.parametrize(
    ("color", "ground", "least"),
    [
        (Color.MIDDLE, (0, 0, 0), 3.5),
        (Color.MIDDLE, (255, 255, 255), 3.5),
        (Color.BRIGHT, (30, 30, 30), 5.0),
        (Color.DEEP, (255, 255, 255), 5.0),
    ],
)
def test_every_tone_is_readable_on_its_ground(
    name: str, color: Color, ground: tuple[int, int, int], least: float
) -> None:
    """The default tones have contrast on black and on white, the themes more of it on their own ground."""
    tone = STYLES[name].tone
    assert tone is not None
    code = tone.code(color)
    assert code is not None

    assert contrast(rgb(code), ground) >= least


def test_painting_asks_for_no_more_colours_than_there_are() -> None:
    """Without colors a line is its text; sixteen colors are the terminal's own."""
    assert paint(LINE, Color.NONE) == plain(LINE) == "no way"
    assert paint(LINE, Color.SIXTEEN) == "\x1b[1;31mno\x1b[0m way"
    assert paint(LINE, Color.MIDDLE) == "\x1b[1;38;5;160mno\x1b[0m way"


@pytest.mark.parametrize(
    ("color", "theme", "expected"),
    [
        (Color.MIDDLE, None, Color.MIDDLE),
        (Color.MIDDLE, "auto", Color.MIDDLE),
        (Color.MIDDLE, "dark", Color.BRIGHT),
        (Color.MIDDLE, "light", Color.DEEP),
        (Color.SIXTEEN, "dark", Color.SIXTEEN),
        (Color.SIXTEEN, "none", Color.NONE),
        (Color.NONE, "dark", Color.NONE),
    ],
)
def test_a_theme_never_adds_colours(color: Color, theme: str | None, expected: Color) -> None:
    """NO_COLOR and small terminals win over a theme."""
    assert themed(color, theme) is expected


def test_grey_of_sixteen_colours_is_the_texts_own_colour_and_faint() -> None:
    """Each of the two grays of a small palette vanishes on one of the two grounds."""
    assert paint((Span("muted", "x"),), Color.SIXTEEN) == "\x1b[2mx\x1b[0m"
    assert STYLES["muted"].words(Color.SIXTEEN) == "dim"
    (title, *_) = json_lines(Json({}, title="t"), MediaElider(), Color.SIXTEEN)
    assert title == "\x1b[2mt\x1b[0m"


def test_cropping_is_by_columns_over_all_spans() -> None:
    """A row never gets wider than the terminal, whatever it is made of."""
    assert plain(crop((Span("error", "abc"), Span("", "日本"), Span("", "x")), 6)) == "abc日…"
