"""Notices and finished text as rows of a given width."""

from __future__ import annotations

from collections.abc import Iterator

from rtcli.masking import masked
from rtcli.render.styles import Line, Span
from rtcli.render.text import all_rows, visible
from rtcli.views import Level, Notice, Text

_SIGNS = {
    Level.INFO: Span("muted", "· "),
    Level.OK: Span("good", "✓ "),
    Level.WARNING: Span("warning", "! "),
    Level.ERROR: Span("error", "✗ "),
}
_LOOKS = {Level.INFO: "", Level.OK: "", Level.WARNING: "warning", Level.ERROR: "error"}


def sentence(notice: Notice) -> str:
    """`what: why`, the part that says what happened."""
    return f"{notice.what}: {notice.why}" if notice.why else notice.what


def notice_rows(notice: Notice, width: int) -> Iterator[Line]:
    """What and why behind a sign, the hint under it; wrapped with an indent, never cut."""
    yield from _indented(_SIGNS[notice.level], _LOOKS[notice.level], sentence(notice), width)
    if notice.hint:
        yield from _indented(Span("muted", "  → "), "muted", notice.hint, width)


def text_rows(view: Text) -> list[Line]:
    """Finished text, line by line; the terminal wraps what is too long, so that it can be copied whole."""
    return [(Span("", line),) for line in visible(masked(view.text)).removesuffix("\n").split("\n")]


def _indented(sign: Span, style: str, text: str, width: int) -> Iterator[Line]:
    indent = Span("", " " * len(sign.text))
    # masked first: escapes inside of a secret would hide it from the mask
    for line in visible(masked(text)).split("\n"):
        for row in all_rows(line, max(width - len(sign.text), 1)):
            yield (sign, Span(style, row))
            sign = indent
