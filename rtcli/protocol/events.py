"""Decode and encode one frame; what is not an event comes back as a reason, never as an exception."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import orjson

Event: TypeAlias = dict[str, Any]
"""One event of the wire, decoded: every field that was in the frame, known or not."""

WireObject: TypeAlias = dict[str, Any]
"""Any other object of the wire: a session, an item, a part, a response."""


@dataclass(frozen=True, slots=True)
class Malformed:
    """A frame that is not an event: `reason` says why in a few words, `frame` is what came."""

    reason: str
    frame: str | bytes


_JSON_NAMES = {list: "an array", str: "a string", bool: "a boolean", type(None): "null"}


def not_an_object(value: object) -> str:
    """What a JSON value is that should have been an object, in the words of JSON."""
    return f"{_JSON_NAMES.get(type(value), 'a number')}, not an object"


def decode(frame: str | bytes) -> Event | Malformed:
    """One frame as an event. Text and binary frames are read alike (the reference does so).

    An object with an `error` and no type is an error event: that is how a server that speaks HTTP refuses something.

    Integers are exact within 64 bits; larger numbers are floats, as in JavaScript.
    """
    try:
        # orjson first: it is several times faster, and every frame of a session passes here.
        event = orjson.loads(frame)
    except orjson.JSONDecodeError:
        # JSON with a lone surrogate or a number beyond all bounds is still JSON: the standard library reads it.
        try:
            text = frame if isinstance(frame, str) else frame.decode()  # not by json: it would take a BOM, and UTF-16
            event = json.loads(text, parse_constant=_no_constant, parse_int=_integer)
        except (ValueError, RecursionError) as error:
            return Malformed(f"not JSON ({error})", frame)
    if not isinstance(event, dict):
        return Malformed(not_an_object(event), frame)
    if not isinstance(event.get("type"), str):
        if event.get("type") is None and event.get("error"):  # as HTTP has it: some servers send that over the socket
            return {**event, "type": "error"}
        return Malformed("no text under 'type'", frame)
    return event


def read_json(text: str | bytes) -> Any:
    """The JSON value of a text that somebody else wrote. Raises ValueError, also for one that is nested too deeply."""
    try:
        return json.loads(text)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def read_frame(frame: str | bytes) -> tuple[Event | None, str]:
    """The event of a frame, and why it is none ("" for an event)."""
    event = decode(frame)
    return (None, event.reason) if isinstance(event, Malformed) else (event, "")


def _integer(text: str) -> int | float:
    """An integer; one that does not fit in 64 bits as a float, as orjson and JavaScript read it."""
    return int(text) if len(text) < 20 else float(text)


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def encode(event: Any) -> str:
    """The frame of an event, or any other JSON value, as text; see encode_bytes."""
    return encode_bytes(event).decode()


def encode_bytes(event: Any) -> bytes:
    """The frame of an event, or any other JSON value, in UTF-8. NaN and infinities become null, as in JavaScript.

    Raises ValueError for a value that JSON does not have (a set, bytes, a nesting without end).
    """
    try:
        return orjson.dumps(event)
    except orjson.JSONEncodeError:
        # Integers beyond 64 bits, lone surrogates and non-text keys: the standard library writes them.
        try:
            return json.dumps(event, allow_nan=False).encode()
        except (TypeError, ValueError, RecursionError) as error:
            raise ValueError(f"cannot be written as JSON: {error}") from error


def without_nan(value: Any) -> Any:
    """The value as JSON can have it: null for NaN and infinities, at any depth. Other odd values stay as they are."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: without_nan(entry) for key, entry in value.items()}
    return [without_nan(entry) for entry in value] if isinstance(value, list | tuple) else value


def mapping_of(value: object) -> Mapping[str, Any]:
    """A field that should be an object: itself, or an empty one where the sender wrote something else."""
    return value if isinstance(value, Mapping) else {}


def texts_of(value: object) -> tuple[str, ...]:
    """The texts of a list, or none."""
    return tuple(one for one in value if isinstance(one, str)) if isinstance(value, list | tuple) else ()


def value_at(value: object, path: str) -> Any:
    """What stands at a dotted path; None where it is not there, or something on the way is not an object."""
    for name in path.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return value
