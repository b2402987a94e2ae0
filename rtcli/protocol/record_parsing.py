"""Reads a line of a recording, of `--both` or of plain events back into the record that it holds."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from typing import Any

import orjson

from rtcli.protocol.catalog import direction_of
from rtcli.protocol.events import Malformed, decode, encode, not_an_object
from rtcli.protocol.record import (
    Audio,
    Connected,
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
    size_of,
)

_Line = Mapping[str, Any]

_EVENT_KEY = b',"event":'
# What our own lines have before the event: a reader of a hundred thousand lines decodes each event once.
_OURS = (b'{"t":', b'{"dir":')


_LATEST = 1e10
"""Seconds, some 300 years: what readers make of a time (milliseconds, dates) is bounded then, and 1e999 is infinity."""


class LineError(ValueError):
    """A line holds no record that can be read; the text says why in a few words."""


class UnknownKindError(LineError):
    """A JSON object of a kind that this version does not know; it is passed over."""


def parse_object(line: bytes) -> dict[str, Any]:
    """The JSON object of a line. Raises LineError."""
    try:
        value = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        found = decode(line)  # lone surrogates, numbers beyond all bounds
        if isinstance(found, Malformed) and found.reason.startswith("not JSON"):
            raise LineError(f"not JSON: {error.msg}") from error
        value = found if not isinstance(found, Malformed) else _loads(line)
    if not isinstance(value, dict):
        raise LineError(not_an_object(value))
    return value


def _loads(line: bytes) -> Any:
    import json

    return json.loads(line)


def parse_record(line: bytes, number: int = 1, at: float = 0.0) -> Record:
    """The record of a line; `number` and `at` are a frame's where the line does not say them.

    Raises LineError; UnknownKindError for an object of a kind that is not known.
    """
    # the quick way: the event is the end of the line, so that it need not be decoded as a part of it
    if line.startswith(_OURS) and line.endswith(b"}"):
        head, _, text = line.partition(_EVENT_KEY)
        if (frame := _ours(head, text, number, at)) is not None:
            return frame
    value = parse_object(line)
    if "dir" not in value and isinstance(value.get("type"), str):
        return _plain(value, line, number, at)
    # the key that a line has says what it is; none has two of them
    for key, read in _READERS.items():
        if key in value:
            return read(value, number, at)
    raise UnknownKindError(f"unknown kind of line: {', '.join(map(str, list(value)[:4])) or 'empty'}")


def _decoded(text: bytes) -> str:
    try:
        return text.decode()
    except UnicodeDecodeError as error:
        raise LineError(f"not UTF-8: byte {error.start} of the event") from error


def _plain(event: dict[str, Any], line: bytes, number: int, at: float) -> Frame:
    """An event without anything around it: the catalog knows who sends it."""
    text = _decoded(line)
    return Frame(number, at, direction_of(event["type"]) or Direction.RECEIVED, event, size_of(text), raw=text)


def _ours(head: bytes, text: bytes, number: int, at: float) -> Frame | None:
    """A frame whose event ends its line, as we write it; None: the key stands inside of something else."""
    try:
        about = orjson.loads(head + b"}")
    except orjson.JSONDecodeError:
        return None
    raw = _decoded(text[:-1])
    event = decode(raw)
    return None if isinstance(event, Malformed) else _made(about, event, raw, number, at)


def _made(  # noqa: PLR0917  # what a line says, in the order of a frame's own fields
    about: _Line, event: dict[str, Any] | None, raw: str | bytes, number: int, at: float, problem: str = ""
) -> Frame:
    binary = about.get("binary") is True
    return Frame(
        _positive(about.get("n")) or number,
        _at(about, at),
        _direction(about),
        event,
        size_of(raw),
        str(about.get("by", "")),
        problem,
        raw.encode() if binary and isinstance(raw, str) else raw,
        _positive(about.get("parent")),
        binary,
        out=_out(about),
        was=_was(about),
    )


def _out(about: _Line) -> float | None:
    return _at(about, 0.0, "out") if "out" in about else None


def _was(about: _Line) -> str:
    was = about.get("was", "")
    return was if isinstance(was, str) else encode(was)


def _positive(value: object) -> int | None:
    # not isinstance: true is an int, too
    return value if type(value) is int and value > 0 else None


def _at(line: _Line, default: float, key: str = "t") -> float:
    value = line.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= _LATEST:
        raise LineError(f"not a time: {value!r}")
    return float(value)


def _direction(line: _Line) -> Direction:
    try:
        return Direction(str(line.get("dir")))
    except ValueError:
        raise LineError(f'not a direction: {line.get("dir")!r} ("<" and ">" are)') from None


def _event(line: _Line, number: int, at: float) -> Frame:
    """A frame whose line was written by somebody else, or changed."""
    raw = encode(line["event"])
    event = decode(raw)
    if isinstance(event, Malformed):
        return _made(line, None, raw, number, at, event.reason)
    return _made(line, event, raw, number, at)


def _text_frame(line: _Line, number: int, at: float) -> Frame:
    frame = line["frame"]
    if not isinstance(frame, str):
        raise LineError('no text under "frame"')
    return _made(line, None, frame, number, at, str(line.get("problem", "")))


def _binary_frame(line: _Line, number: int, at: float) -> Frame:
    data = _base64(line["frame_base64"])
    return _made(line, None, data, number, at, str(line.get("problem", "")))


def _base64(value: object) -> bytes:
    try:
        return base64.b64decode(str(value), validate=True)
    except (binascii.Error, ValueError) as error:
        raise LineError(f"not base64: {error}") from error


def _audio(line: _Line, _number: int, at: float) -> Audio:
    rate, item_id = _positive(line.get("rate")), line.get("item_id")
    if rate is None:
        raise LineError(f"not a sample rate: {line.get('rate')!r}")
    return Audio(_at(line, at), _direction(line), _base64(line["audio"]), rate, item_id)


def _heard(line: _Line, _number: int, at: float) -> Heard:
    inner = _object(line, "heard")
    part, ms = inner.get("content_index", 0), inner.get("ms")
    if not isinstance(part, int) or not isinstance(ms, int):
        raise LineError('no milliseconds in "heard"')
    return Heard(_at(line, at), str(inner.get("item_id", "")), part, ms)


def _object(line: _Line, key: str) -> _Line:
    inner = line[key]
    if not isinstance(inner, dict):
        raise LineError(f'no object under "{key}"')
    return inner


def _connection(line: _Line, _number: int, at: float) -> Connection:
    try:
        state = Connected(line["connection"])
    except ValueError:
        # of a later version, perhaps: passed over like an unknown kind
        raise UnknownKindError(f"unknown state of a connection: {line['connection']!r}") from None
    code = line.get("code")
    code = code if isinstance(code, int) else None
    return Connection(_at(line, at), state, str(line.get("url", "")), code, str(line.get("reason", "")))


def _device(line: _Line, _number: int, at: float) -> Device:
    inner = _object(line, "device")
    waits = _positive(inner.get("input_ms")) or 0
    return Device(_at(line, at), inner.get("input"), inner.get("output"), inner.get("muted") is True, waits)


def _http(line: _Line, _number: int, at: float) -> Http:
    inner = _object(line, "http")
    return Http(_at(line, at), str(inner.get("method", "")), str(inner.get("path", "")), inner.get("status"))


def _end(line: _Line, _number: int, at: float) -> End:
    code = _object(line, "end").get("exit_code")
    return End(_at(line, at), code if isinstance(code, int) else 0)


_READERS: Mapping[str, Callable[[_Line, int, float], Record]] = {
    "event": _event,
    "frame": _text_frame,
    "frame_base64": _binary_frame,
    "audio": _audio,
    "heard": _heard,
    "did": lambda line, _number, at: Did(_at(line, at), str(line["did"])),
    "mark": lambda line, _number, at: Mark(_at(line, at), str(line["mark"])),
    "connection": _connection,
    "device": _device,
    "http": _http,
    "end": _end,
}
