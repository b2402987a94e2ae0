"""From views to painted lines: the one state that every writer shares (formats of the wire, the open summary)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from rtcli.errors import UsageError
from rtcli.protocol.filters import WireFilter, parse_filter
from rtcli.protocol.occurrences import Occurrence
from rtcli.protocol.record import Frame
from rtcli.render.media import MediaElider, WireFormats
from rtcli.render.notices import notice_rows, text_rows
from rtcli.render.styles import Color, Line, Span, paint
from rtcli.views import Chart, DisplaySettings, FrameRows, ImagePreview, Json, Labeled, Notice, Table, Text, View

if TYPE_CHECKING:
    from rtcli.render.grouping import Entry, EventGrouper
    from rtcli.render.preview import Graphics

_EVERYTHING = parse_filter("")


class Presenter:
    """Turns finished views into lines, and keeps what the event view has open."""

    def __init__(self, display: DisplaySettings, color: Color, graphics: Graphics | None = None) -> None:
        self.display = display
        self.color = color
        self.graphics = graphics  # None: images are not shown
        self.formats = WireFormats()
        self._grouper: EventGrouper | None = None  # only while the summary is shown
        self._labeled: dict[str, Presenter] = {}  # of sessions beside each other

    def lines(self, view: View, width: int) -> list[str]:
        """The painted lines of a view, [] for one that shows nothing (or nothing yet)."""
        return list(self.each_line(view, width))

    def each_line(self, view: View, width: int) -> Iterable[str]:
        """The same, where a view may be long each one worked out when it is asked for."""
        function = _LINES.get(type(view))
        return function(self, view, width) if function else ()

    def open_rows(self, width: int) -> list[Line]:
        """The streams of the summary that are under way, the oldest first."""
        if self.display.events != "summary":
            return []
        beside = [
            (_label(label), *line)
            for label, presenter in self._labeled.items()
            for line in presenter.open_rows(width - len(label) - 1)
        ]
        return beside + self._own_open_rows(width)

    def _own_open_rows(self, width: int) -> list[Line]:
        if self._grouper is None:
            return []
        from rtcli.render.rows import row

        wire_filter = self._filter()
        return [row(stream, self.formats, width) for stream in self._grouper.open if _shown(stream, wire_filter)]

    def close(self, width: int) -> list[str]:
        """The lines of streams that will not end any more."""
        beside = [
            f"{paint((_label(label),), self.color)}{line}"
            for label, presenter in self._labeled.items()
            for line in presenter.close(width - len(label) - 1)
        ]
        self._labeled.clear()
        return beside + self._close_own(width)

    def _close_own(self, width: int) -> list[str]:
        if self._grouper is None:
            return []
        left, self._grouper = self._grouper.close(), None
        return self._entries(left, width)

    def _record(self, record: Frame, width: int) -> list[str]:
        if record.event is not None:
            self.formats.observe(record.event)  # also while nothing is shown: F3 may come later
        mode = self.display.events
        if mode == "all":
            return self._entries([record], width)
        # what was open belongs to a view that the user has left
        if mode != "summary":
            self._grouper = None
            return []
        if self._grouper is None:
            from rtcli.render.grouping import EventGrouper

            self._grouper = EventGrouper()
        return self._entries(self._grouper.feed(record), width)

    def _of_one(self, view: Labeled, width: int) -> list[str]:
        """A view of one session among several, each of which has streams and formats of its own."""
        presenter = self._labeled.get(view.label)
        if presenter is None:
            presenter = self._labeled[view.label] = Presenter(self.display, self.color, self.graphics)
        label = paint((_label(view.label),), self.color)
        lines = [f"{label}{line}" for line in presenter.lines(view.view, width - len(view.label) - 1)]
        if isinstance(view.view, Occurrence) and view.view.ends:
            del self._labeled[view.label]
        return lines

    def _occurrence(self, occurrence: Occurrence, width: int) -> list[str]:
        """A row, unless a filter asks for events; when a connection ends, so does every stream that is open."""
        ended = self.close(width) if occurrence.ends else []
        if self.display.events == "off" or (self.display.filter and not occurrence.failed):
            return ended
        from rtcli.render.rows import row

        return [*ended, paint(row(occurrence, self.formats, width), self.color)]

    def _entries(self, entries: list[Entry], width: int) -> list[str]:
        from rtcli.render.rows import row

        wire_filter = self._filter()
        return [paint(row(entry, self.formats, width), self.color) for entry in entries if _shown(entry, wire_filter)]

    def _filter(self) -> WireFilter:
        """The filter in force; one that cannot be read was refused where it was set, and hides nothing here."""
        try:
            return parse_filter(self.display.filter)
        except UsageError:
            return _EVERYTHING

    def _notice(self, notice: Notice, width: int) -> Iterator[str]:
        return (paint(line, self.color) for line in notice_rows(notice, width))

    def _text(self, text: Text, width: int) -> Iterator[str]:
        return (paint(line, self.color) for line in text_rows(text))

    def _table(self, table: Table, width: int) -> list[str]:
        from rtcli.render.tables import table_rows

        return [paint(line, self.color) for line in table_rows(table, width)]

    def _frames(self, view: FrameRows, width: int) -> list[str]:
        from rtcli.render.rows import row

        lines = [(Span("muted", view.title),), *(row(frame, self.formats, width) for frame in view.frames)]
        return [paint(line, self.color) for line in lines]

    def _json(self, view: Json, width: int) -> list[str]:
        from rtcli.render.json_view import json_lines

        return json_lines(view, MediaElider(self.formats), self.color)

    def _chart(self, chart: Chart, width: int) -> list[str]:
        from rtcli.render.charts import chart_rows

        return [paint(line, self.color) for line in chart_rows(chart, width)]

    def _preview(self, preview: ImagePreview, width: int) -> list[str]:
        from rtcli.render.preview import preview_rows

        return preview_rows(preview, self.graphics, width) if self.graphics else []


_LINES: dict[type, Callable[[Presenter, Any, int], Iterable[str]]] = {
    Frame: Presenter._record,
    Occurrence: Presenter._occurrence,
    Notice: Presenter._notice,
    Text: Presenter._text,
    Table: Presenter._table,
    Json: Presenter._json,
    Chart: Presenter._chart,
    FrameRows: Presenter._frames,
    ImagePreview: Presenter._preview,
    Labeled: Presenter._of_one,
}


def _label(text: str) -> Span:
    return Span("muted", f"{text} ")


def _shown(entry: Entry, wire_filter: WireFilter) -> bool:
    """A stream is shown if its pieces or its end match the filter."""
    if isinstance(entry, Frame):
        return wire_filter.matches(entry)
    # "*.done" finds a stream by its end, "*.delta" by its beginning
    return wire_filter.matches(entry.first) or wire_filter.matches(entry.last)
