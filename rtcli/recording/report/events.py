"""The events of a session for a page: columns to list and to filter them by, and their texts in packed chunks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, TypeAlias

from rtcli.masking import masked, masked_start, masked_value
from rtcli.protocol.events import encode_bytes
from rtcli.protocol.filters import is_failure, item_ids, type_of
from rtcli.protocol.record import Connection, Device, Did, End, Frame, Http, Mark, Record
from rtcli.recording.report.blobs import packed_element
from rtcli.timeline.spans import SpanKind, TurnSpan

CHUNK = 500
"""Events in one packed element: a page unpacks those that are looked at."""

_MAX_RAW = 20_000  # characters of a frame that is not an event
_MAX_SUMMARY = 160


class Described(NamedTuple):
    """An event for readers: the words of its row, and what is shown of it, without the base64 of media."""

    summary: str
    event: Any


Describe: TypeAlias = Callable[[Frame], Described]
"""How frames are told; the layers above know the words of the event view."""


class EventColumns:
    """Takes records in; frames have to count from 1 without a gap, as a reader gives them."""

    def __init__(self, describe: Describe) -> None:
        self._describe = describe
        self._types: dict[str, int] = {}
        self._ids: dict[str, int] = {}  # the number that stands for an id in the columns
        self._columns: dict[str, list[Any]] = {
            name: [] for name in ("at", "dir", "type", "parent", "size", "summary", "items", "failed", "by")
        }
        self._texts: list[bytes] = []  # of the chunk that grows
        self._chunks: list[bytes] = []
        self.errors: list[TurnSpan] = []
        self.moments: list[dict[str, Any]] = []  # what is not a frame, with the number of the frame before it
        self._told: dict[type, Callable[[Any], tuple[str, str]]] = {
            Did: lambda record: ("did", record.command),
            Mark: lambda record: ("mark", record.note),
            Connection: _connection,
            Device: lambda record: ("device", f"input {record.input}, output {record.output}"),
            Http: lambda record: ("http", f"{record.method} {record.path} {record.status}"),
            End: lambda record: ("end", f"exit code {record.exit_code}"),
        }

    def __len__(self) -> int:
        return len(self._columns["at"])

    def observe(self, record: Record) -> None:
        """Take in one record."""
        if isinstance(record, Frame):
            self._add(record)
        elif tell := self._told.get(type(record)):
            kind, words = tell(record)
            self.moments.append({"at": round(record.at, 6), "kind": kind, "text": masked(words), "after": len(self)})

    def _add(self, frame: Frame) -> None:
        words, text = self._tell_frame(frame)
        parent = frame.parent
        summary = masked_start(words, _MAX_SUMMARY)
        row = {
            "at": round(frame.at * 1000),
            "dir": frame.direction.value,
            "type": self._types.setdefault(type_of(frame), len(self._types)),
            # As a distance: small numbers that repeat pack well.
            "parent": frame.number - parent if parent and parent < frame.number else 0,
            "size": frame.size,
            "summary": summary,
            "items": [self._ids.setdefault(id_, len(self._ids)) for id_ in dict.fromkeys(item_ids(frame.event))],
            "failed": is_failure(frame),
            "by": masked(frame.cause),
        }
        for name, value in row.items():
            self._columns[name].append(value)
        # Every error of the session, also those that the timeline can give to no turn.
        if frame.event is None or row["type"] == self._types.get("error"):
            self.errors.append(TurnSpan(SpanKind.ERROR, frame.at, frame.at, "", summary, frame.number))
        self._texts.append(text)
        if len(self._texts) == CHUNK:
            self._pack()

    def _tell_frame(self, frame: Frame) -> tuple[str, bytes]:
        """The words of a row, and the text of the event on one line."""
        if frame.event is None:
            return frame.problem, _raw(frame)
        try:
            told = self._describe(frame)
            return told.summary, encode_bytes(masked_value(told.event))
        except (RecursionError, ValueError):
            return "nested too deeply to be shown as JSON", _raw(frame)

    def _pack(self) -> None:
        self._chunks.append(packed_element(f"events-{len(self._chunks)}", b"\n".join(self._texts)))
        self._texts.clear()

    def elements(self) -> Iterator[bytes]:
        """The columns, then the texts."""
        if self._texts:
            self._pack()
        columns = self._columns
        about = {
            **columns,
            "dir": "".join(columns["dir"]),
            "failed": [index for index, failed in enumerate(columns["failed"]) if failed],
            "items": {str(index): items for index, items in enumerate(columns["items"]) if items},
            "by": {str(index): cause for index, cause in enumerate(columns["by"]) if cause},
            "types": masked_value(list(self._types)),
            "ids": masked_value(list(self._ids)),
            "chunk": CHUNK,
        }
        yield packed_element("columns", encode_bytes(about))
        yield from self._chunks


def _raw(frame: Frame) -> bytes:
    """What crossed the wire, where it is not an event that can be shown."""
    raw = frame.raw if isinstance(frame.raw, str) else frame.raw.decode(errors="replace")
    return encode_bytes({"problem": masked(frame.problem), "frame": masked_start(raw, _MAX_RAW)})


def _connection(record: Connection) -> tuple[str, str]:
    code = f"close code {record.code}" if record.code is not None else ""
    return "connection", " ".join(filter(None, (record.state.value, record.url, code, record.reason)))
