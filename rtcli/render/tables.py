"""Tables at any width: columns while words need not be broken for them, else a paragraph for each row."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import zip_longest

from rtcli.masking import masked
from rtcli.render.styles import Line, Span
from rtcli.render.text import cells, one_line, visible, wrap
from rtcli.views import Table

_GAP = "  "
_MAX_UNBROKEN = 24
"""Columns up to which a word is kept whole: ids fit, JSON and addresses are broken."""

_Row = Sequence[str]


def table_rows(view: Table, width: int) -> list[Line]:
    """The title, the headings, the rows; no cell is cut, nothing is wider than `width`."""
    headings = [_shown(column) for column in view.columns]
    # a line of the first column would look like a row of its own
    rows = [[one_line(masked(cell)) if index == 0 else _shown(cell) for index, cell in enumerate(r)] for r in view.rows]
    title = [(Span("muted", one_line(masked(view.title))),)] if view.title else []
    widths = _widths([headings, *rows], width)
    if widths is None:
        return [*title, *_paragraph(headings, width, "bold"), *(r for row in rows for r in _paragraph(row, width, ""))]
    lines = [*title, *_grid(headings, widths, ["bold"] * len(headings))]
    for number, row in enumerate(rows):
        lines += _grid(row, widths, ["warning" if (number, i) in view.warned else "" for i in range(len(row))])
    return lines


def _shown(cell: str) -> str:
    return visible(masked(cell))


def _widths(rows: Sequence[_Row], room: int) -> list[int] | None:
    """A width for each column, the widest ones narrowed as far as it takes; None: their words have no room."""
    columns = list(zip_longest(*rows, fillvalue=""))
    natural = [max(cells(line) for cell in column for line in cell.split("\n")) for column in columns]
    words = [max((cells(word) for cell in column for word in cell.split()), default=0) for column in columns]
    minimum = [min(word, _MAX_UNBROKEN) for word in words]
    room -= len(_GAP) * (len(columns) - 1)

    def narrowed(cap: int) -> list[int]:
        return [min(preferred, max(cap, needed)) for preferred, needed in zip(natural, minimum, strict=True)]

    # the words themselves do not fit beside each other
    if sum(minimum) > room:
        return None
    # the widest cap under which all columns fit: their sum grows with it
    fitting = bisect_right(range(max(natural, default=0) + 1), room, key=lambda cap: sum(narrowed(cap)))
    return narrowed(fitting - 1)


def _grid(row: _Row, widths: Sequence[int], styles: Sequence[str]) -> Iterator[Line]:
    """Neighbors of one style are one span."""
    columns = [_folded(cell, width) for cell, width in zip(row, widths, strict=False)]
    for pieces in zip_longest(*columns, fillvalue=""):
        last = max((index for index, piece in enumerate(pieces) if piece.strip()), default=-1)
        spans: list[Span] = []
        for index, piece in enumerate(pieces[: last + 1]):
            room = 0 if index == last else widths[index] - cells(piece) + len(_GAP)
            text = (piece.rstrip() if index == last else piece) + " " * room
            if spans and spans[-1].style == styles[index]:
                text = spans.pop().text + text
            spans.append(Span(styles[index], text))
        yield tuple(spans) or (Span("", ""),)


def _folded(cell: str, width: int) -> list[str]:
    folded: list[str] = []
    for line in cell.split("\n"):
        rows, rest = wrap(line, max(width, 1))
        folded += [*rows, rest]
    return folded


def _paragraph(row: _Row, width: int, style: str) -> Iterator[Line]:
    """The cells one after the other, all lines but the first indented."""
    text = _GAP.join(cell or "-" for cell in row).rstrip(" -").replace("\n", " ")
    indent = ""
    for line in _folded(text, width - len(_GAP)):
        yield (Span(style, indent + line.strip()),)
        indent = _GAP
