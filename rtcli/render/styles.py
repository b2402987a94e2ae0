"""Styled lines and their colors: names here, escape codes only in `paint`.

The colors of `Color.MIDDLE` are tones in the middle of the scale: they can be read on a dark and on a light ground
alike, and nobody has to say which one theirs is.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum, auto
from functools import cache
from typing import NamedTuple, TypeAlias

from rtcli.render.text import cells, cut


class Color(Enum):
    """Which colors a terminal can be asked for, and on which ground.

    MIDDLE can be read on any ground; BRIGHT is for a dark one, DEEP for a light one. SIXTEEN leaves the tones to the
    terminal, where it has no more than its own.
    """

    NONE = auto()
    SIXTEEN = auto()
    MIDDLE = auto()
    BRIGHT = auto()
    DEEP = auto()


_THEMES = {"none": Color.NONE, "dark": Color.BRIGHT, "light": Color.DEEP}


def themed(color: Color, theme: str | None) -> Color:
    """What a theme (auto, dark, light, none) makes of the colors that a terminal has."""
    # a theme says which ground there is: it can't give a terminal colors that it has not
    if theme == "none" or color is Color.MIDDLE:
        return _THEMES.get(theme or "", color)
    return color


class Span(NamedTuple):
    """A piece of a line; `style` is a key of STYLES, "" for the terminal's own look."""

    style: str
    text: str


Line: TypeAlias = tuple[Span, ...]


class Tone(NamedTuple):
    """One hue: the code of the basic palette, and tones of the 256 for each ground.

    `basic` None: the text's own color, faint. No gray of sixteen can be read on a dark and on a light ground.
    """

    basic: int | None  # SGR parameter, 31 to 37
    middle: int  # three of the 256 colors
    bright: int
    deep: int

    def code(self, color: Color) -> int | None:
        """The number among the 256, None where the terminal has not so many."""
        return {Color.MIDDLE: self.middle, Color.BRIGHT: self.bright, Color.DEEP: self.deep}.get(color)


def rgb(code: int) -> tuple[int, int, int]:
    """The color of a number from 16 on: a cube of six steps a side, then a ramp of grays."""
    if code >= 232:
        return (8 + 10 * (code - 232),) * 3
    steps = (0, 95, 135, 175, 215, 255)
    red, rest = divmod(code - 16, 36)
    return steps[red], steps[rest // 6], steps[rest % 6]


_BASIC_WORDS: dict[int | None, str] = {
    31: "ansired", 32: "ansigreen", 33: "ansiyellow", 34: "ansiblue", 35: "ansimagenta", 36: "ansicyan"
}  # fmt: skip


class Style(NamedTuple):
    """A look; without a tone it has the terminal's own color."""

    tone: Tone | None = None
    bold: bool = False
    italic: bool = False
    underline: bool = False

    def sgr(self, color: Color) -> str:
        """The parameters of the escape code, "" for none."""
        flags = ((self.bold, "1"), (self.italic, "3"), (self.underline, "4"))
        parts = [number for flag, number in flags if flag]
        if self.tone and color is Color.SIXTEEN:
            parts.append(str(self.tone.basic or 2))  # 2 is faint
        elif self.tone and (code := self.tone.code(color)) is not None:
            parts.append(f"38;5;{code}")
        return ";".join(parts)

    def words(self, color: Color) -> str:
        """The same look in the words that prompt toolkits use ("bold #d70000")."""
        if color is Color.NONE:
            return ""
        flags = ((self.bold, "bold"), (self.italic, "italic"), (self.underline, "underline"))
        words = [word for flag, word in flags if flag]
        if self.tone and color is Color.SIXTEEN:
            words.append(_BASIC_WORDS.get(self.tone.basic, "dim"))
        elif self.tone:
            words.append("#{:02x}{:02x}{:02x}".format(*rgb(self.tone.code(color) or self.tone.middle)))
        return " ".join(words)


_GREY, _RED, _GREEN = Tone(None, 244, 247, 240), Tone(31, 160, 203, 124), Tone(32, 28, 77, 22)
_AMBER, _BLUE, _MAUVE = Tone(33, 130, 214, 94), Tone(36, 31, 74, 24), Tone(35, 133, 176, 90)

STYLES: dict[str, Style] = {
    "": Style(),
    "bold": Style(bold=True),
    "italic": Style(italic=True),
    "muted": Style(_GREY),
    "error": Style(_RED, bold=True),
    "warning": Style(_AMBER, bold=True),
    "good": Style(_GREEN),
    "accent": Style(_BLUE, bold=True),
    "code": Style(_BLUE),
    "heading": Style(bold=True, underline=True),
    "you": Style(_GREEN, bold=True),
    "assistant": Style(_BLUE, bold=True),
    "received": Style(_BLUE),
    "sent": Style(_MAUVE),
    "string": Style(_GREEN),
    "number": Style(_MAUVE),
}


def plain(line: Iterable[Span]) -> str:
    """The line without any style."""
    return "".join(text for _, text in line)


def paint(line: Iterable[Span], color: Color) -> str:
    """The line as a terminal takes it."""
    if color is Color.NONE:
        return plain(line)
    codes, pieces = _codes(color), []
    for style, text in line:
        sgr = codes[style]
        pieces.append(f"\x1b[{sgr}m{text}\x1b[0m" if sgr and text else text)
    return "".join(pieces)


@cache
def _codes(color: Color) -> dict[str, str]:
    """The parameters of the escape code of each style."""
    return {name: style.sgr(color) for name, style in STYLES.items()}


def crop(line: Iterable[Span], width: int) -> Line:
    """At most `width` columns of the line."""
    kept: list[Span] = []
    for style, text in line:
        taken = cut(text, width)
        kept.append(Span(style, taken))
        width -= cells(taken)
        # the ellipsis of a cut span is the last thing in the row
        if taken != text or width <= 0:
            break
    return tuple(kept)
