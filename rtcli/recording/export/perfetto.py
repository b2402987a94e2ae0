"""A session as a Chrome trace, for Perfetto: the spans of the timeline, and every frame that crossed the wire."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from rtcli.masking import masked
from rtcli.protocol.events import encode
from rtcli.protocol.record import Direction, Frame, Record
from rtcli.recording.export.lanes import Lanes
from rtcli.recording.export.source import Exported, Source, Write, forgotten
from rtcli.timeline.spans import SpanKind, spans
from rtcli.timeline.timeline import read
from rtcli.timeline.turns import Turn
from rtcli.views import counted

_PROCESS = 1
_TRACKS: Mapping[SpanKind, str] = {
    SpanKind.VOICE: "user",
    SpanKind.END_OF_TURN: "user",
    SpanKind.COMMIT: "user",
    SpanKind.WAITING: "responses",
    SpanKind.RESPONSE: "responses",
    SpanKind.FIRST_DELTA: "responses",
    SpanKind.RECEIVED: "audio received",
    SpanKind.HEARD: "audio heard",
    SpanKind.CUT: "audio heard",
    SpanKind.CALL: "tool calls",
    SpanKind.ERROR: "errors",
    SpanKind.SILENCE: "silence of the server",
}
_TRACK_ORDER = ("turns", *dict.fromkeys(_TRACKS.values()), "frames received", "frames sent")
_WIRE = {Direction.RECEIVED: "frames received", Direction.SENT: "frames sent"}


def export_perfetto(source: Source, write: Write) -> Exported:
    """Slices on a track for each kind, moments and frames as instants; `ts` are microseconds of the session's clock."""
    frames: list[Frame] = []
    timeline = read(_noted(source.records(), frames))
    marks = sorted((mark for turn in timeline.turns for mark in _marks(turn, timeline.at)), key=_Mark.order)
    lanes = Lanes(_TRACK_ORDER)
    events = [mark.event(lanes) for mark in marks]
    started = source.started.isoformat(timespec="milliseconds") if source.started else ""
    about = {"started": started, "endpoint": source.endpoint, "model": source.model}
    # Written event by event, with what stands before each: a trace of an hour need not fit into memory as text.
    between = b'{"displayTimeUnit":"ms","otherData":' + masked(encode(about)).encode() + b',"traceEvents":[\n'
    for event in (*_names(lanes, started), *events, *(_frame(lanes, frame) for frame in frames)):
        write(between + masked(encode({"pid": _PROCESS, **event})).encode())
        between = b",\n"
    write(b"\n]}\n")
    what = f"{counted(len(events), 'span')} of {counted(len(timeline.turns), 'turn')}"
    return Exported(f"{what}, {counted(len(frames), 'frame')}", forgotten(timeline))


@dataclass(frozen=True, slots=True)
class _Mark:
    """A slice of a track, or an instant where `start` is `end`; both in microseconds."""

    track: str
    name: str
    start: int
    end: int
    about: Mapping[str, object]

    def order(self) -> tuple[int, int]:
        """By its beginning; of two that begin at once the longer is first, which the other lies within."""
        return self.start, -self.end

    def event(self, lanes: Lanes) -> dict[str, Any]:
        """As a trace has it."""
        about = {name: value for name, value in self.about.items() if value not in (None, "", 0)}
        event: dict[str, Any] = {"name": self.name, "cat": self.track, "ts": self.start, "args": about}
        # A slice without a length is not drawn.
        if self.start == self.end:
            return {"ph": "i", "s": "t", "tid": lanes.number(self.track), **event}
        duration = self.end - self.start
        return {"ph": "X", "tid": lanes.thread(self.track, self.start, self.end), "dur": duration, **event}


def _marks(turn: Turn, now: float) -> Iterator[_Mark]:
    """A turn and its spans; what has not ended ends `now`."""
    about = {"text": turn.text, "failed": turn.why_failed, "frame": turn.begun.frame}
    name = f"turn {turn.number}: {turn.kind.value}"
    yield _Mark("turns", name, _microseconds(turn.start), _microseconds(turn.end), about)
    for span in spans(turn):
        end = now if span.end is None else span.end
        about = {"name": span.name, "note": span.note, "frame": span.frame, "turn": turn.number}
        about |= {"unfinished": span.end is None or None}
        name = f"{span.kind.value} {span.name}" if span.kind is SpanKind.CALL else span.kind.value
        yield _Mark(_TRACKS[span.kind], name, _microseconds(span.start), _microseconds(end), about)


def _noted(records: Iterable[Record], frames: list[Frame]) -> Iterator[Record]:
    """The records as they are; what crossed the wire goes to `frames`, too."""
    for record in records:
        if isinstance(record, Frame):
            frames.append(record.with_event(_names_of(record.event or {})))
        yield record


def _microseconds(seconds: float) -> int:
    return round(seconds * 1_000_000)


def _names_of(event: Mapping[str, Any]) -> dict[str, Any]:
    """What of an event is told: an hour of audio would not fit into memory."""
    return {name: event[name] for name in ("type", "item_id", "response_id", "event_id") if name in event}


def _frame(lanes: Lanes, frame: Frame) -> dict[str, Any]:
    about = {"n": frame.number, "parent": frame.parent, "bytes": frame.size, "by": frame.cause, **(frame.event or {})}
    name, at = str(about.pop("type", "not an event")), _microseconds(frame.at)
    return _Mark(_WIRE[frame.direction], name, at, at, about).event(lanes)


def _names(lanes: Lanes, started: str) -> Iterator[dict[str, Any]]:
    """What Perfetto calls the process and its tracks."""
    yield {"ph": "M", "name": "process_name", "args": {"name": f"Realtime session {started}".strip()}}
    for thread, name in lanes.names():
        yield {"ph": "M", "name": "thread_name", "tid": thread, "args": {"name": name}}
        yield {"ph": "M", "name": "thread_sort_index", "tid": thread, "args": {"sort_index": thread}}
