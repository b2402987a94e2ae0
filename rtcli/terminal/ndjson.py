"""The writer of `--json`: every event of the server as one line on stdout, and nothing else there."""

from __future__ import annotations

from typing import Any

from rtcli.masking import masked
from rtcli.protocol.events import encode
from rtcli.protocol.filters import WireFilter, parse_filter
from rtcli.protocol.record import Direction, Frame
from rtcli.protocol.record_lines import frame_line
from rtcli.render.media import MediaElider, WireFormats
from rtcli.render.notices import sentence
from rtcli.render.presenter import Presenter
from rtcli.render.styles import Color
from rtcli.render.text import one_line, visible_json
from rtcli.terminal.sink import Sink
from rtcli.views import Chart, DisplaySettings, FrameRows, Json, Notice, Table, Text, View, counted

_ALL = parse_filter("")


class NdjsonWriter:
    """Writes the events that came, as they came; `both` writes the frames of both directions as the lines of a
    recording.

    A line is the frame's own text, its line breaks (they only stand between values) as spaces. `elide_audio` replaces
    base64 by notes. `pretty` indents (that is not NDJSON any more), in color where there is any. For a `terminal`
    control characters are escaped and keys are cut. Notices, and what commands answer, go to stderr.
    """

    def __init__(
        self,
        out: Sink,
        err: Sink,
        *,
        both: bool = False,
        elide_audio: bool = False,
        pretty: bool = False,
        terminal: bool = False,
        color: Color = Color.NONE,
        wire_filter: WireFilter = _ALL,
    ) -> None:
        self._out, self._err = out, err
        self._both, self._elide, self._pretty = both, elide_audio, pretty
        self._terminal = terminal  # a user may look at it: escape and mask
        self._written = 0  # events on stdout
        self._invalid = 0  # frames that are not events
        self._wire_filter = wire_filter
        self._formats = WireFormats()  # of the session as it is now, for the notes that stand for base64
        self._presenter = Presenter(DisplaySettings(), color)  # for `pretty`
        self._notices = Presenter(DisplaySettings(), Color.NONE)

    def __repr__(self) -> str:
        directions = "both directions" if self._both else "from the server"
        form = "pretty" if self._pretty else "lines"
        return f"<NdjsonWriter {directions}, {form}, {self._written} events written>"

    def write(self, view: View) -> None:
        """One line for an event; a remark on stderr for what is none."""
        if isinstance(view, Frame):
            self._record(view)
        elif isinstance(view, Notice):
            self._err.write(f"{view.level}: {one_line(masked(sentence(view)))}\n")
            if view.hint:
                self._err.write(f"  {one_line(masked(view.hint))}\n")
        elif isinstance(view, Text | Table | Json | Chart | FrameRows):
            self._err.write("".join(f"{line}\n" for line in self._notices.lines(view, 120)))

    def flush(self) -> None:
        """Nothing waits here."""

    def close(self) -> None:
        """Say how many more frames were not events."""
        more, self._invalid = self._invalid - 1, 0
        if more > 0:
            self._err.write(f"warning: {counted(more, 'more frame')} {'is' if more == 1 else 'are'} not valid\n")

    def _record(self, record: Frame) -> None:
        if record.event is None:
            self._invalid += 1
            if self._invalid == 1:  # a count of the others follows
                self._err.write(f"warning: frame {record.number} is not a valid event: {one_line(record.problem)}\n")
            return
        self._formats.observe(record.event)  # also of what the filter keeps back
        if (record.direction is Direction.RECEIVED or self._both) and self._wire_filter.matches(record):
            self._out.write(self._line(record))
            self._written += 1

    def _line(self, record: Frame) -> str:
        if self._pretty:
            value = {**self._about(record), "event": record.event} if self._both else record.event
            return "\n".join(self._presenter.lines(Json(value, full=not self._elide), 80)) + "\n"
        line = self._both_line(record) if self._both else self._event(record)
        return f"{visible_json(masked(line)) if self._terminal else line}\n"

    def _both_line(self, record: Frame) -> str:
        if self._elide and record.event is not None:
            record = record.with_event(MediaElider(self._formats).of(record.event))
        return frame_line(record).decode()

    def _event(self, record: Frame) -> str:
        """The event in one line."""
        text = record.raw if isinstance(record.raw, str) else record.raw.decode(errors="replace")
        if not self._elide and text:
            return text.replace("\r", " ").replace("\n", " ")
        event: Any = record.event
        return encode(MediaElider(self._formats).of(event) if self._elide else event)

    @staticmethod
    def _about(record: Frame) -> dict[str, Any]:
        kind = {"binary": True} if record.binary else {}
        return {"dir": str(record.direction), "t": round(record.at, 6), **kind}
