"""The writer for pipes and dumb terminals: answers and results on stdout, what is for users on stderr."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rtcli.masking import incomplete, masked
from rtcli.protocol.occurrences import Occurrence
from rtcli.protocol.record import Frame
from rtcli.protocol.remember import remember
from rtcli.render.presenter import Presenter
from rtcli.render.speech import MAX_OPEN
from rtcli.render.styles import Color
from rtcli.render.text import one_line, visible
from rtcli.render.written import WrittenText
from rtcli.terminal.sink import Sink
from rtcli.views import Chart, DisplaySettings, FrameRows, Json, Notice, SpeechDelta, SpeechDone, Table, Text, View

_Key = tuple[str, str, int]  # role, item_id, content_index


class PlainWriter:
    """Streams an answer as it comes, without labels: stdout is exactly what the model said, an answer a paragraph.

    `speaker` is the role whose words these are; in a dictation it is the user. `width` is asked before each block, for
    terminals that change. stderr may have colors, stdout has its own.
    """

    def __init__(
        self,
        out: Sink,
        err: Sink,
        display: DisplaySettings,
        *,
        width: Callable[[], int],
        out_color: Color = Color.NONE,
        err_color: Color = Color.NONE,
        speaker: str = "assistant",
    ) -> None:
        self._speaker = speaker
        self._out, self._err, self._width = out, err, width
        self._results = Presenter(display, out_color)  # for stdout
        self._notices = Presenter(display, err_color)  # for stderr, where events go too
        self._streaming: _Key | None = None  # the answer whose line is open on stdout
        self._written: dict[_Key, WrittenText] = {}  # what has come of each unfinished answer; its end brings the rest
        self._held = ""  # the end of what came, as long as it may be the beginning of a secret

    def __repr__(self) -> str:
        state = "between answers" if self._streaming is None else f"streaming {self._streaming[1]}"
        return f"<PlainWriter {state}, {len(self._held)} characters held>"

    def write(self, view: View) -> None:
        """Show a view at once."""
        show = _SHOW.get(type(view))
        if show is not None:
            show(self, view)

    def flush(self) -> None:
        """Nothing waits here."""

    def close(self) -> None:
        """End the line that is open."""
        self._end_line()
        for line in self._notices.close(self._width()):
            self._err.write(f"{line}\n")

    def _delta(self, delta: SpeechDelta) -> None:
        if delta.role != self._speaker:
            return  # what the user said is shown when it is whole
        key = (delta.role, delta.item_id, delta.content_index)
        if self._streaming not in (None, key):
            self._end_line()
        self._streaming = key
        written = self._written.get(key)
        if written is None:
            written = WrittenText()
            remember(self._written, key, written, MAX_OPEN)
        written.append(delta.delta)
        text = self._held + delta.delta
        shown = len(text) - incomplete(text)  # a key cut between two deltas must be masked as a whole
        self._held = text[shown:]
        self._out.write(visible(masked(text[:shown])))

    def _done(self, done: SpeechDone) -> None:
        if done.role != self._speaker:
            self._err.write(f"{done.role}: {one_line(masked(done.text))}\n")
            return
        key = (done.role, done.item_id, done.content_index)
        if self._streaming not in (None, key):
            self._end_line()
        written = self._written.pop(key, None) or WrittenText()
        # A text that differs from its deltas is not written again: stdout cannot take back what stands there.
        rest = done.text[written.length :] if written.begins(done.text) else ""
        if rest or self._streaming == key:
            self._out.write(visible(masked(self._held + rest)) + "\n")
        self._streaming, self._held = None, ""
        if done.heard is not None and done.heard < len(done.text):
            self._err.write(f"not heard: {one_line(masked(done.text[done.heard :].strip()))}\n")

    def _notice(self, notice: Notice) -> None:
        for line in self._notices.lines(notice, self._width()):
            self._err.write(f"{line}\n")

    def _record(self, record: Frame | Occurrence) -> None:
        lines = self._notices.lines(record, self._width())
        self._results.formats = self._notices.formats  # both name audio as the session has it now
        for line in lines:
            self._err.write(f"{line}\n")

    def _block(self, view: Text | Table | Json | Chart | FrameRows) -> None:
        self._end_line()
        for line in self._results.lines(view, self._width()):
            self._out.write(f"{line}\n")

    def _end_line(self) -> None:
        if self._streaming is not None:
            self._out.write(visible(masked(self._held)) + "\n")
            self._streaming, self._held = None, ""


_SHOW: dict[type, Callable[[PlainWriter, Any], None]] = {
    SpeechDelta: PlainWriter._delta,
    SpeechDone: PlainWriter._done,
    Notice: PlainWriter._notice,
    Frame: PlainWriter._record,
    Occurrence: PlainWriter._record,
    Text: PlainWriter._block,
    Table: PlainWriter._block,
    Json: PlainWriter._block,
    Chart: PlainWriter._block,
    FrameRows: PlainWriter._block,
}
