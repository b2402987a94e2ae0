"""What `rtcli serve --log` writes: the rows of the event view for each connection, its faults, beginning and end."""

from __future__ import annotations

import sys
from collections.abc import Callable

from rtcli.cli import output
from rtcli.masking import masked
from rtcli.protocol.record import Connected, Connection, Frame, Http, Mark, Record
from rtcli.protocol.units import since
from rtcli.render.presenter import Presenter
from rtcli.render.styles import Color, Line, Span, paint
from rtcli.render.text import one_line
from rtcli.terminal.capabilities import is_terminal, width_of
from rtcli.terminal.sink import Sink
from rtcli.views import DisplaySettings

_PIPE_WIDTH = 1000  # columns where no terminal shows the lines


class ServeLog:
    """The log of one server on stderr. Connections are counted: their rows may mix."""

    def __init__(self, theme: str | None = None) -> None:
        self._sink = Sink(sys.stderr)  # a reader that leaves ends the log alone
        self._color = output.color_for(sys.stderr, theme)
        self._count = 0  # of the connections so far

    def connection(self, address: str) -> Callable[[Record], None]:
        """Who gets the records of the next connection."""
        self._count += 1
        return _ConnectionLog(self._write, f"[{self._count}] ", address, self._color).add

    def _write(self, label: str, line: str) -> None:
        self._sink.write(f"{paint((Span('muted', label),), self._color)}{line}\n")


class _ConnectionLog:
    """The rows of one connection, as F3 shows them to its client."""

    def __init__(self, write: Callable[[str, str], None], label: str, address: str, color: Color) -> None:
        self._write_line = write
        self._label = label
        self._address = address
        self._color = color
        self._presenter = Presenter(DisplaySettings(events="summary"), color)

    def add(self, record: Record) -> None:
        """Show one record, at once or with the stream that it belongs to."""
        if isinstance(record, Frame):
            self._show(self._presenter.lines(record, self._width))
        elif isinstance(record, Connection):
            self._connection(record)
        elif isinstance(record, Mark):
            self._say(record.at, "warning", record.note)
        elif isinstance(record, Http):
            style = "error" if record.status is None or record.status >= 300 else "muted"
            self._say(record.at, style, f"{self._address} {record.method} {record.path} {record.status or ''}")

    def _connection(self, record: Connection) -> None:
        if record.state is Connected.OPEN:
            self._say(record.at, "muted", f"{self._address} connected")
            return
        self._show(self._presenter.close(self._width))  # streams that never ended
        how = "lost" if record.state is Connected.LOST else "closed"
        code = f" with {record.code}" if record.code is not None else ""
        self._say(record.at, "muted", f"{self._address} {how}{code} {record.reason}".rstrip())

    def _say(self, at: float, style: str, text: str) -> None:
        line: Line = (Span("muted", f"{since(at):>14} "), Span(style, one_line(masked(text))))
        self._show([paint(line, self._color)])

    def _show(self, lines: list[str]) -> None:
        for line in lines:
            self._write_line(self._label, line)

    @property
    def _width(self) -> int:
        """Columns beside the label."""
        return (width_of(sys.stderr) if is_terminal(sys.stderr) else _PIPE_WIDTH) - len(self._label)
