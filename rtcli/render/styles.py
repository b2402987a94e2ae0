"""Styled lines and their colours: names here, escape codes only in `paint`.

Every colour is a tone in the middle of the scale, so that it can be read on a dark and on a light ground alike.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple, TypeAlias

from rtcli.render.text import cells, cut


class Colour(IntEnum):
    """How many colours a terminal can be asked for."""

    NONE = 0
    SIXTEEN = 4
    PALETTE = 8


class Span(NamedTuple):
    """A piece of a line; `style` is a key of STYLES, "" for the terminal's own look."""

    style: str
    text: str


Line: TypeAlias = tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Style:
    """A look: `rgb` is one of the 6x6x6 cube's or the grey ramp's tones, `code` its number, `basic` the fallback."""

    rgb: str = ""
    code: int | None = None
    basic: int | None = None
    bold: bool = False
    italic: bool = False
    underline: bool = False

    def sgr(self, colour: Colour) -> str:
        """The parameters of the escape code, "" for none."""
        flags = ((self.bold, "1"), (self.italic, "3"), (self.underline, "4"))
        parts = [number for flag, number in flags if flag]
        if colour is Colour.PALETTE and self.code is not None:
            parts.append(f"38;5;{self.code}")
        elif colour is Colour.SIXTEEN and self.basic is not None:
            parts.append(str(self.basic))
        return ";".join(parts)

    def words(self) -> str:
        """The same look in the words that prompt toolkits use ("bold #d70000")."""
        flags = ((self.bold, "bold"), (self.italic, "italic"), (self.underline, "underline"))
        return " ".join([*(word for flag, word in flags if flag), *([self.rgb] if self.rgb else [])])


_GREY, _RED, _GREEN = ("#808080", 244, 37), ("#d70000", 160, 31), ("#008700", 28, 32)
_AMBER, _BLUE, _MAUVE = ("#af5f00", 130, 33), ("#0087af", 31, 36), ("#af5faf", 133, 35)

STYLES: dict[str, Style] = {
    "": Style(),
    "bold": Style(bold=True),
    "italic": Style(italic=True),
    "muted": Style(*_GREY),
    "error": Style(*_RED, bold=True),
    "warning": Style(*_AMBER, bold=True),
    "good": Style(*_GREEN),
    "accent": Style(*_BLUE, bold=True),
    "code": Style(*_BLUE),
    "heading": Style(bold=True, underline=True),
    "you": Style(*_GREEN, bold=True),
    "assistant": Style(*_BLUE, bold=True),
    "received": Style(*_BLUE),
    "sent": Style(*_MAUVE),
    "string": Style(*_GREEN),
    "number": Style(*_MAUVE),
}


def plain(line: Iterable[Span]) -> str:
    """The line without any style."""
    return "".join(text for _, text in line)


def paint(line: Iterable[Span], colour: Colour) -> str:
    """The line as a terminal takes it."""
    if colour is Colour.NONE:
        return plain(line)
    pieces = []
    for style, text in line:
        sgr = STYLES[style].sgr(colour)
        pieces.append(f"\x1b[{sgr}m{text}\x1b[0m" if sgr and text else text)
    return "".join(pieces)


def crop(line: Iterable[Span], width: int) -> Line:
    """At most `width` columns of the line."""
    kept: list[Span] = []
    for style, text in line:
        taken = cut(text, width)
        kept.append(Span(style, taken))
        width -= cells(taken)
        if taken != text or width <= 0:
            break
    return tuple(kept)
