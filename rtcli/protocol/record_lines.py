"""Writes a record as a line of a recording: one JSON object, with a frame's own text inside of it."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, TypeAlias

import orjson

from rtcli.protocol.audio_payloads import AUDIO_FIELDS
from rtcli.protocol.events import Malformed, decode, encode, encode_bytes
from rtcli.protocol.record import (
    DECIMALS,
    Audio,
    Connection,
    Device,
    Did,
    Direction,
    End,
    Frame,
    Heard,
    Http,
    Mark,
    Record,
)

Mask: TypeAlias = Callable[[str], str]
"""Takes the secrets out of a text; a text without any comes back as it is."""

_NEEDLE = 32
"""So many characters of audio are looked for to find where it begins."""

_BETWEEN = b"\x1f"
"""Stands between texts that are looked through together. No JSON has it, and it is part of no word: what is a secret in
one of them is one in all of them."""

_RECEIVED = Direction.RECEIVED  # a member costs a search through its class
_quoted = lru_cache(256)(encode)  # causes recur: a microphone's frames all have the same


def frame_line(frame: Frame, mask: Mask | None = None) -> bytes:
    """A frame as a line, without its line end; see frame_lines."""
    return frame_lines([(frame, frame.raw)], mask)[0][:-1]


def frame_lines(frames: Sequence[tuple[Frame, str | bytes]], mask: Mask | None = None) -> list[bytes]:
    """The line of each frame, with its end: the frame's own text is in it, not encoded again.

    Each frame comes with its raw text, which a log forgets; of an event that may be empty. `mask` takes secrets out; a
    line that it changed says so. Base64 audio is not looked through.
    """
    lines = _plain_lines(frames, mask)
    return [_line(frame, raw, mask) for frame, raw in frames] if lines is None else lines


def _plain_lines(frames: Sequence[tuple[Frame, str | bytes]], mask: Mask | None) -> list[bytes] | None:
    """The same for frames whose texts go into their lines as they are, as nearly all do; None where one does not.

    They are looked through together, which takes half of the time of one search for each.
    """
    lines: list[bytes] = []
    texts: list[bytes] = []
    cause = ""
    for frame, raw in frames:
        event = frame.event
        if event is None or frame.clean is not None or frame.was:
            return None
        data = raw if isinstance(raw, bytes) and raw else _text(event, raw)
        if frame.cause != cause:  # one after the other has the same
            cause = frame.cause
            texts.append(cause.encode(errors="replace"))
        start, end = _audio_of(event, data)
        if end:
            texts += (data[:start], data[end:])
        else:
            texts.append(data)
        lines.append(b"".join((_head(frame).encode(), data, b"}\n")))
    together = _BETWEEN.join(texts).decode(errors="replace")
    if "\n" in together or "\r" in together or (mask is not None and mask(together) != together):
        return None
    return lines


def _text(event: Mapping[str, Any], raw: str | bytes) -> bytes:
    raw = raw or encode_bytes(event)
    return raw if isinstance(raw, bytes) else raw.encode(errors="replace")


def _head(frame: Frame, mask: Mask | None = None, more: str = "") -> str:
    """What stands before the event; `more` is the last of it."""
    head = f'{{"t":{frame.at!r},"dir":"{"<" if frame.direction is _RECEIVED else ">"}","n":{frame.number}'
    if frame.parent is not None:
        head += f',"parent":{frame.parent}'
    if frame.cause:
        head += f',"by":{_quoted(mask(frame.cause) if mask else frame.cause)}'
    if frame.binary:
        head += ',"binary":true'
    if frame.out is not None:
        head += f',"out":{frame.out!r}'
    if frame.was:
        was = _was(frame.was)
        head += f',"was":{mask(was) if mask else was}'
    return head if frame.event is None else f'{head}{more},"event":'


def _was(data: str | bytes) -> str:
    """How a frame came that was changed, as JSON: its event, or text where it was not one."""
    found = decode(data)
    if not isinstance(found, Malformed):
        return encode(found)
    return encode(data if isinstance(data, str) else data.decode(errors="replace"))


def _line(frame: Frame, raw: str | bytes, mask: Mask | None) -> bytes:
    """The line of any frame, with its end."""
    event = frame.event
    if event is None:
        return _broken_line(_head(frame, mask), frame, raw, mask).encode() + b"\n"
    data = _text(event, raw)
    start, end = _audio_of(event, data)
    # No line break may stand inside of a JSON string, so each is white space between two tokens.
    data = clean = data.replace(b"\n", b" ").replace(b"\r", b" ")
    if mask is not None:
        known = data if frame.clean is None else _without_piece(data, frame.clean)
        clean = mask(known[:start].decode()).encode() + known[start:end] + mask(known[end:].decode()).encode()
    return b"".join((_head(frame, mask, "" if clean == data else ',"masked":true').encode(), clean, b"}\n"))


def _without_piece(data: bytes, clean: Mapping[str, Any]) -> bytes:
    """A frame's text with what its event has without a piece of a secret, the rest of it as it stands."""
    text = data.decode()
    for name, value in orjson.loads(data).items():
        if value != clean.get(name):
            for written in (encode(value), json.dumps(value)):
                if found := re.search(rf'("{re.escape(name)}"\s*:\s*){re.escape(written)}', text):
                    return f"{text[: found.end(1)]}{encode(clean[name])}{text[found.end() :]}".encode()
    return encode_bytes(clean)


def _audio_of(event: Mapping[str, Any], data: bytes) -> tuple[int, int]:
    """Where the base64 audio of an event begins and ends in its text; 0 and 0 where it has none, or none is found."""
    field = AUDIO_FIELDS.get(event.get("type", ""))
    if field is None:
        return 0, 0
    audio = event.get(field)
    if not isinstance(audio, str) or len(audio) < _NEEDLE or not audio.isascii():
        return 0, 0
    start = data.find(audio[:_NEEDLE].encode())
    end = start + len(audio)
    if start < 0 or data[end : end + 1] != b'"':  # it is written with escapes
        return 0, 0
    return start, end


def _broken_line(head: str, frame: Frame, raw: str | bytes, mask: Mask | None) -> str:
    """A frame that is not an event: as text where it is text, else in base64."""
    problem = encode(mask(frame.problem) if mask else frame.problem)
    try:
        text = raw if isinstance(raw, str) else raw.decode()
    except UnicodeDecodeError:
        return f'{head},"frame_base64":"{_base64(raw)}","problem":{problem}}}'
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
