"""Charts over time as rows of any width: bars, waveforms, marks; readable without color and in 40 columns."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

from rtcli.masking import masked
from rtcli.render.styles import Line, Span
from rtcli.render.text import cells, cut, one_line, wrap
from rtcli.views import BarLook, Chart, ChartLane, ChartWave, MarkSign

_BARS: Mapping[BarLook, Span] = {
    BarLook.VOICE: Span("you", "═"),
    BarLook.WAITING: Span("muted", "░"),
    BarLook.RESPONSE: Span("received", "━"),
    BarLook.TOOL: Span("sent", "▒"),
    BarLook.RECEIVED: Span("muted", "▄"),
    BarLook.SILENCE: Span("warning", "╌"),
}
_MARKS: Mapping[MarkSign, Span] = {
    MarkSign.TYPED: Span("you", "▾"),
    MarkSign.STARTED: Span("you", "╞"),
    MarkSign.STOPPED: Span("you", "╡"),
    MarkSign.COMMIT: Span("muted", "┆"),
    MarkSign.DELTA: Span("received", "┣"),
    MarkSign.CUT: Span("error", "⟂"),
    MarkSign.ERROR: Span("error", "✗"),
}
_HEIGHTS = "▁▂▃▄▅▆▇█"
_UNHEARD = "⣀⣤⣶⣿"  # other signs, not only another color
_FLOOR_DB, _TOP_DB = 40, 88  # of levels: from -56 to -8 dBFS
_WIDE = 80
"""Columns from which on notes stand beside their lanes; they stand below them in less."""

_MAX_WIDTH = 120  # a pipe has no width at all
_MAX_LABEL = {True: 16, False: 10}
_MIN_ROOM = 8
_MIN_TICK = 7  # columns between two labels of the axis


def chart_rows(chart: Chart, width: int) -> list[Line]:
    """The title, the axis, the lanes with their notes, what the signs mean, the figures; none wider than `width`."""
    width = min(width, _MAX_WIDTH)
    wide = width >= _WIDE
    labels = [_text(lane.label) for lane in chart.lanes]
    notes = [_text(lane.note) for lane in chart.lanes]
    label_width = min(max(map(cells, labels), default=0), _MAX_LABEL[wide])
    note_width = min(max(map(cells, notes), default=0), width // 3) if wide else 0
    room = max(width - label_width - 1 - (note_width + 1 if note_width else 0), _MIN_ROOM)
    scale = _Scale(chart.start, max(chart.end, chart.start + 1e-3), room)
    rows: list[Line] = [(Span("bold", line),) for line in _wrapped(chart.title, width)]
    rows.append((Span("muted", " " * (label_width + 1) + scale.axis()),))
    for lane, label, note in zip(chart.lanes, labels, notes, strict=True):
        named = cut(label, label_width)
        row = [Span("", named + " " * (label_width - cells(named) + 1)), *_drawn(lane, scale)]
        if note_width and note:
            row.append(Span("muted", f" {cut(note, note_width)}"))
        rows.append(tuple(row) if note_width and note else _stripped(row))
        if not note_width and note:
            rows.append((Span("muted", cut(f"  {note}", width)),))
    rows += [(Span("muted", line),) for line in _wrapped(_legend(chart), width)]
    return [*rows, *_figures(chart.figures, width)]


class _Scale:
    """From moments to columns."""

    def __init__(self, start: float, end: float, room: int) -> None:
        self.start, self.end, self.room = start, end, room
        self._columns = room / (end - start)  # a second

    def column(self, moment: float) -> int:
        """The column that a moment lies in; the nearest one for a moment beside the chart."""
        return min(max(int((moment - self.start) * self._columns + 1e-6), 0), self.room - 1)

    def moment(self, column: int) -> float:
        """When a column begins."""
        return self.start + column / self._columns

    def axis(self) -> str:
        """Labels at round seconds from the start, as many as have room."""
        step = next(step for step in _steps() if step * self._columns >= _MIN_TICK)
        line = ""
        for number in range(int((self.end - self.start) / step) + 1):
            label = f"╷{number * step:g} s"
            column = int(number * step * self._columns)
            if column + len(label) <= self.room:
                line = line.ljust(column) + label
        return line


def _steps() -> Iterator[float]:
    """0.01, 0.02, 0.05, 0.1 and so on, then whole minutes and hours as they come."""
    for exponent in range(-2, 9):
        for digit in (1, 2, 5):
            yield digit * 10**exponent if exponent >= 0 else round(digit * 10**exponent, 2)


def _drawn(lane: ChartLane, scale: _Scale) -> list[Span]:
    """The lane, a span for each run of one style."""
    columns = [Span("", " ")] * scale.room
    for bar in lane.bars:
        first = scale.column(bar.start)
        last = scale.column(scale.end if bar.end is None else bar.end)
        for column in range(first, max(last, first + 1) if bar.end is not None else last + 1):
            columns[column] = _BARS[bar.look]
    for wave in lane.waves:
        for column, level in _levels(wave, scale).items():
            columns[column] = _column(wave, level)
    for moment, sign in lane.marks:
        columns[scale.column(moment)] = _MARKS[sign]
    spans: list[Span] = []
    for style, text in columns:
        before = spans.pop().text if spans and spans[-1].style == style else ""
        spans.append(Span(style, before + text))
    return spans


def _levels(wave: ChartWave, scale: _Scale) -> dict[int, int]:
    """The loudest level in each column that a wave reaches."""
    loudest: dict[int, int] = {}
    if wave.end <= scale.start or wave.start >= scale.end:
        return loudest
    for column in range(scale.column(wave.start), scale.column(wave.end) + 1):
        first = max(math.floor((scale.moment(column) - wave.start) * 100 + 1e-6), 0)
        last = max(math.ceil((scale.moment(column + 1) - wave.start) * 100 - 1e-6), 0)
        if piece := wave.levels[first:last]:
            loudest[column] = max(piece)
    return loudest


def _column(wave: ChartWave, level: int) -> Span:
    signs = _HEIGHTS if wave.bright else _UNHEARD
    style = ("you" if wave.role == "user" else "assistant") if wave.bright else "muted"
    height = math.floor((level - _FLOOR_DB) / (_TOP_DB - _FLOOR_DB) * len(signs))
    return Span(style, signs[min(max(height, 0), len(signs) - 1)])


def _legend(chart: Chart) -> str:
    """What the signs of this chart mean, in the order of the tables."""
    looks = {bar.look for lane in chart.lanes for bar in lane.bars}
    signs = {sign for lane in chart.lanes for _, sign in lane.marks}
    known = [f"{_BARS[look].text} {look}" for look in _BARS if look in looks]
    known += [f"{_MARKS[sign].text} {sign}" for sign in _MARKS if sign in signs]
    if any(not wave.bright for lane in chart.lanes for wave in lane.waves):
        known.append(f"{_UNHEARD[1]} {chart.dim}")
    return "  ".join(known)


def _figures(figures: Sequence[tuple[str, bool]], width: int) -> Iterator[Line]:
    """As many in a row as fit; those that ask for attention in its color."""
    row: list[Span] = []
    used = 0
    for text, warned in figures:
        shown = _text(text)
        if row and used + cells(shown) + 3 > width:
            yield tuple(row)
            row, used = [], 0
        if row:
            row.append(Span("muted", " · "))
            used += 3
        row.append(Span("warning" if warned else "", cut(shown, width)))
        used += cells(shown)
    if row:
        yield tuple(row)


def _wrapped(text: str, width: int) -> list[str]:
    rows, rest = wrap(_text(text), width)
    return [row for row in (*rows, rest) if row]


def _text(text: str) -> str:
    return one_line(masked(text))


def _stripped(row: Sequence[Span]) -> Line:
    """Without the blanks at its end."""
    kept = list(row)
    while kept and not kept[-1].text.strip():
        kept.pop()
    if kept:
        kept[-1] = Span(kept[-1].style, kept[-1].text.rstrip())
    return tuple(kept)
