"""What a tool returned, as the JSON that its author would expect to see."""

from __future__ import annotations

import base64
import dataclasses
import datetime
import enum
import itertools
import json
import math
import re
import sys
from collections import deque
from collections.abc import Iterable, Iterator, KeysView, Mapping, Sequence, Set, ValuesView
from typing import Any

from rtcli.session.tools.tool import ToolError

MAX_ITEMS = 1000
"""What is read of an iterator, which may have no end."""

MAX_CHARACTERS = 2**20
"""Of one result. The API's context is smaller than that."""

_MAX_DEPTH = 60
_ADDRESS = re.compile(r"\bat 0x[0-9a-fA-F]+")


def as_text(result: object) -> str:
    """Text as it is, anything else as JSON. Raises ToolError for what is neither data nor text, and for too much."""
    is_text = isinstance(result, str) and not isinstance(result, enum.Enum)
    text = _clean(str.__str__(result)) if is_text else json.dumps(to_json(result), ensure_ascii=False)
    if len(text) > MAX_CHARACTERS:
        raise ToolError(f"the result has {len(text):,} characters, at most {MAX_CHARACTERS:,} can be sent")
    return text


def shown_json(value: object) -> str:
    """Text as it is, other JSON as text: for showing what came from the wire."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def to_json(value: object) -> Any:
    """A value as JSON has it. Raises ToolError for what has no form in JSON, and for a value that contains itself."""
    return _Converter().convert(value)


def _clean(text: str) -> str:
    """Text without half a surrogate pair, which no encoding of the wire has."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


class _Converter:
    """Converts one value. `_inside` holds the containers that it is in, to tell a value that contains itself."""

    def __init__(self) -> None:
        self._inside: set[int] = set()

    def convert(self, value: Any) -> Any:
        """One value; what is inside of it comes back here."""
        if (scalar := _scalar(value)) is not _NOT_A_SCALAR:
            return scalar
        if id(value) in self._inside or len(self._inside) >= _MAX_DEPTH:
            raise ToolError("the result contains itself, or is nested too deeply")
        self._inside.add(id(value))
        try:
            return self._container(value)
        finally:
            self._inside.discard(id(value))

    def _container(self, value: Any) -> Any:
        if isinstance(value, Mapping):
            return {self._key(key): self.convert(entry) for key, entry in value.items()}
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            return {field.name: self.convert(getattr(value, field.name)) for field in dataclasses.fields(value)}
        if isinstance(value, tuple) and (names := getattr(value, "_fields", ())):
            return {name: self.convert(entry) for name, entry in zip(names, value, strict=True)}
        if isinstance(value, Set) and not isinstance(value, KeysView):
            return _sorted([self.convert(entry) for entry in value])
        if isinstance(value, Sequence | deque | KeysView | ValuesView):
            return [self.convert(entry) for entry in value]
        if isinstance(value, Iterator):
            return self._collected(value)
        return self._object(value)

    def _collected(self, values: Iterator[Any]) -> Any:
        """An iterator as a list; one without an end as far as it is read, and what is left is told."""
        items = [self.convert(entry) for entry in itertools.islice(values, MAX_ITEMS + 1)]
        if len(items) <= MAX_ITEMS:
            return items
        if callable(close := getattr(values, "close", None)):
            close()
        return {"items": items[:MAX_ITEMS], "note": f"there is more: only the first {MAX_ITEMS} were read"}

    def _object(self, value: Any) -> Any:
        """An object of a library or of the user, by what it offers itself."""
        for name, options in _OFFERS:
            method = getattr(type(value), name, None)
            if callable(method):
                try:
                    plain = method(value, **options)
                except TypeError:  # another library's method of the same name
                    plain = method(value)
                return self.convert(plain)
        known = _known_to_pydantic(value)
        if known is not None:
            return self.convert(known)
        if isinstance(value, Iterable) and not isinstance(value, type):
            return self._collected(iter(value))
        return self._last_resort(value)

    def _last_resort(self, value: Any) -> Any:
        """Its own text, if it has one that says something; else its public attributes."""
        kind = type(value)
        own: tuple[Any, Any] = (kind.__str__, kind.__repr__)
        spoken = own != (object.__str__, object.__repr__) and not callable(value)
        text = str(value) if spoken else ""
        if text and not _ADDRESS.search(text) and not (own[0] is object.__str__ and text.startswith("<")):
            return _clean(text)
        attributes = {name: entry for name, entry in getattr(value, "__dict__", {}).items() if not name.startswith("_")}
        if attributes and not isinstance(value, type) and not callable(value):
            return {name: self.convert(entry) for name, entry in attributes.items()}
        raise ToolError(f"the result is or holds an object of type {kind.__qualname__}, which JSON does not have")

    def _key(self, key: Any) -> str:
        """A key of a mapping: JSON has text alone."""
        value = self.convert(key)
        return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


_NOT_A_SCALAR = object()


def _scalar(value: Any) -> Any:
    """A value without parts as JSON has it, or _NOT_A_SCALAR."""
    match value:
        case enum.Enum():
            from rtcli.session.tools.annotations import member_token

            token = member_token(value)
            return token if not isinstance(token, enum.Enum) else str(token)
        case None | bool():
            return value
        case str():
            return _clean(str.__str__(value))
        case int():
            return int(value)
        case float():
            return float(value) if math.isfinite(value) else None  # JSON has no NaN
        case bytes() | bytearray() | memoryview():
            return _bytes(bytes(value))
        case datetime.date() | datetime.time():  # a datetime is a date
            return value.isoformat()
    return _NOT_A_SCALAR


def _bytes(value: bytes) -> Any:
    """Text where it is text; else base64 that says so."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(value).decode()}


def _sorted(values: list[Any]) -> list[Any]:
    """A set has no order: the same set is the same JSON, whatever order this process finds it in."""
    return sorted(values, key=lambda value: (type(value).__name__, json.dumps(value, sort_keys=True)))


_OFFERS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("model_dump", {"by_alias": True}),  # pydantic
    ("tolist", {}),  # arrays and scalars of numpy, a series of pandas
    ("to_dicts", {}),  # a table of polars
    ("to_dict", {"orient": "records"}),  # a table of pandas
)
"""Methods by which objects of well-known libraries give plain data of themselves."""


def _known_to_pydantic(value: Any) -> Any:
    """What pydantic makes of UUID, Path, Decimal, timedelta and other types of the standard library; None: nothing."""
    home = type(value).__module__.partition(".")[0]
    if home not in sys.stdlib_module_names and home != "pydantic":
        return None
    from pydantic_core import PydanticSerializationError, to_jsonable_python

    try:
        return to_jsonable_python(value)
    except PydanticSerializationError:
        return None
