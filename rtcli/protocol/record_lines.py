"""Writes a record as a line of a recording: one JSON object, with a frame's own text inside of it."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from rtcli.protocol.audio_payloads import AUDIO_FIELDS
from rtcli.protocol.events import encode, encode_bytes
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

Mask: TypeAlias = Callable[[str], str]
"""Takes the secrets out of a text; a text without any comes back as it is."""

_EVENT_KEY = b',"event":'
_NEEDLE = 64
"""So many characters of audio are looked for to find where it begins."""

_BETWEEN = "\n"  # no part of any secret


def frame_line(frame: Frame, mask: Mask | None = None) -> bytes:
    """A frame as a line, without its line end; see frame_pieces."""
    return b"".join(frame_pieces(frame, mask))


def frame_pieces(frame: Frame, mask: Mask | None = None) -> tuple[bytes, ...]:
    """A frame's line in pieces, without its end: the frame's own text is one of them, not encoded again, not copied.

    `mask` takes secrets out; a line that it changed says so. Base64 audio is not looked through. The frame has to have
    its raw text, or an event.
    """
    head = f'{{"t":{frame.at!r},"dir":"{frame.direction.value}","n":{frame.number}'
    if frame.parent is not None:
        head += f',"parent":{frame.parent}'
    if frame.cause:
        head += f',"by":{encode(mask(frame.cause) if mask else frame.cause)}'
    if frame.binary:
        head += ',"binary":true'
    if frame.event is None:
        return (_broken_line(head, frame, mask).encode(),)
    raw = frame.raw or encode(frame.event)
    text = raw if isinstance(raw, str) else raw.decode()  # it was read as JSON, so it is UTF-8
    # No line break may stand inside of a JSON string, so each is white space between two tokens.
    if "\n" in text or "\r" in text:
        text = text.replace("\n", " ").replace("\r", " ")
    if mask is not None and (clean := _masked(text, frame.event, mask)) is not text:
        head, text = head + ',"masked":true', clean
    return head.encode(), _EVENT_KEY, text.encode(errors="replace"), b"}"


def _masked(text: str, event: Mapping[str, Any], mask: Mask) -> str:
    """The text without its secrets, itself where there is none in it."""
    start, end = _audio_of(text, event)
    if start == end:
        clean = mask(text)
        return text if clean == text else clean
    before, after = text[:start], text[end:]
    around = f"{before}{_BETWEEN}{after}"  # looked through at once: most frames have no secret
    if mask(around) == around:
        return text
    return f"{mask(before)}{text[start:end]}{mask(after)}"


def _audio_of(text: str, event: Mapping[str, Any]) -> tuple[int, int]:
    """Where the base64 audio of a frame begins and ends; the same for a frame without any."""
    kind = event.get("type")
    field = AUDIO_FIELDS.get(kind) if isinstance(kind, str) else None
    audio = event.get(field) if field else None
    if not isinstance(audio, str) or len(audio) < _NEEDLE:
        return 0, 0
    start = text.find(audio[:_NEEDLE])
    end = start + len(audio)
    if start < 0 or text[end : end + 1] != '"':  # it is written with escapes
        return 0, 0
    return start, end


def _broken_line(head: str, frame: Frame, mask: Mask | None) -> str:
    """A frame that is not an event: as text where it is text, else in base64."""
    problem = encode(mask(frame.problem) if mask else frame.problem)
    try:
        text = frame.raw if isinstance(frame.raw, str) else frame.raw.decode()
    except UnicodeDecodeError:
        return f'{head},"frame_base64":"{_base64(frame.raw)}","problem":{problem}}}'
    if mask is not None and (clean := mask(text)) != text:
        head, text = head + ',"masked":true', clean
    return f'{head},"frame":{encode(text)},"problem":{problem}}}'


def record_line(record: Record, mask: Mask | None = None) -> bytes:
    """Any record as a line, without its line end."""
    if isinstance(record, Frame):
        return frame_line(record, mask)
    line = encode_bytes({"t": round(record.at, DECIMALS), **_FIELDS[type(record)](record)})
    return line if mask is None or isinstance(record, Audio) else mask(line.decode()).encode()


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


def _device(record: Device) -> dict[str, Any]:
    waits = {"input_ms": record.input_ms} if record.input_ms else {}
    return {"device": {"input": record.input, "output": record.output, "muted": record.muted, **waits}}


_FIELDS: Mapping[type, Callable[[Any], dict[str, Any]]] = {
    Heard: _heard,
    Did: lambda record: {"did": record.command},
    Mark: lambda record: {"mark": record.note},
    Connection: _connection,
    Device: _device,
    Http: lambda record: {"http": {"method": record.method, "path": record.path, "status": record.status}},
    Audio: _audio,
    End: lambda record: {"end": {"exit_code": record.exit_code}},
}
