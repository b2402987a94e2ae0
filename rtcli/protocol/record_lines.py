"""Writes a record as a line of a recording: one JSON object, with a frame's own text inside of it."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping
from typing import Any

from rtcli.protocol.events import encode
from rtcli.protocol.record import (
    DECIMALS,
    Audio,
    Connection,
    Device,
    Did,
    End,
    Frame,
    Heard,
    Http,
    Mark,
    Record,
)

_EVENT_KEY = ',"event":'
# No line break may stand inside of a JSON string, so each is white space between two tokens.
_BREAKS = re.compile(r"[\r\n]")


def frame_line(frame: Frame, mask: Callable[[str], str] | None = None) -> str:
    """A frame as a line, without its line end: the frame's own text is spliced in, not encoded again.

    `mask` takes secrets out; a line that it changed says so. The frame has to have its raw text, or an event.
    """
    head = f'{{"t":{round(frame.at, DECIMALS)!r},"dir":"{frame.direction.value}","n":{frame.number}'
    if frame.parent is not None:
        head += f',"parent":{frame.parent}'
    if frame.cause:
        head += f',"by":{encode(mask(frame.cause) if mask else frame.cause)}'
    if frame.binary:
        head += ',"binary":true'
    if frame.event is None:
        return _broken_line(head, frame, mask)
    raw = frame.raw or encode(frame.event)
    text = raw if isinstance(raw, str) else raw.decode()  # it was read as JSON, so it is UTF-8
    if "\n" in text or "\r" in text:
        text = _BREAKS.sub(" ", text)
    if mask is not None and (clean := mask(text)) != text:
        head, text = head + ',"masked":true', clean
    return f"{head}{_EVENT_KEY}{text}}}"


def _broken_line(head: str, frame: Frame, mask: Callable[[str], str] | None) -> str:
    """A frame that is not an event: as text where it is text, else in base64."""
    problem = encode(mask(frame.problem) if mask else frame.problem)
    try:
        text = frame.raw if isinstance(frame.raw, str) else frame.raw.decode()
    except UnicodeDecodeError:
        return f'{head},"frame_base64":"{_base64(frame.raw)}","problem":{problem}}}'
    if mask is not None and (clean := mask(text)) != text:
        head, text = head + ',"masked":true', clean
    return f'{head},"frame":{encode(text)},"problem":{problem}}}'


def record_line(record: Record, mask: Callable[[str], str] | None = None) -> str:
    """Any record as a line, without its line end."""
    if isinstance(record, Frame):
        return frame_line(record, mask)
    value = {"t": round(record.at, DECIMALS), **_FIELDS[type(record)](record)}
    line = encode(value)
    return line if mask is None or isinstance(record, Audio) else mask(line)


def _base64(data: str | bytes) -> str:
    return base64.b64encode(data if isinstance(data, bytes) else data.encode()).decode()


def _heard(record: Heard) -> dict[str, Any]:
    return {"heard": {"item_id": record.item_id, "content_index": record.content_index, "ms": record.ms}}


def _connection(record: Connection) -> dict[str, Any]:
    about = {"code": record.code, "reason": record.reason, "url": record.url}
    known = {name: value for name, value in about.items() if value not in (None, "")}
    return {"connection": record.state.value, **known}


def _audio(record: Audio) -> dict[str, Any]:
    line = {"dir": record.direction.value, "audio": _base64(record.data), "rate": record.rate}
    return line if record.item_id is None else {**line, "item_id": record.item_id}


_FIELDS: Mapping[type, Callable[[Any], dict[str, Any]]] = {
    Heard: _heard,
    Did: lambda record: {"did": record.command},
    Mark: lambda record: {"mark": record.note},
    Connection: _connection,
    Device: lambda record: {"device": {"input": record.input, "output": record.output, "muted": record.muted}},
    Http: lambda record: {"http": {"method": record.method, "path": record.path, "status": record.status}},
    Audio: _audio,
    End: lambda record: {"end": {"exit_code": record.exit_code}},
}
