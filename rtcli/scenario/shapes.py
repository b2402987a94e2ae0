"""What values of a scenario look like: each shape reads one, says what is wrong with it, and has a JSON Schema."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

from rtcli.errors import UsageError
from rtcli.protocol.event_matching import refuse_bare_expression, words_matcher
from rtcli.protocol.units import parse_seconds
from rtcli.scenario.places import At, nearest

JsonSchema: TypeAlias = dict[str, Any]

VARIABLE = re.compile(r"(\$?)\$\{(\w+)\}")
"""Stands for what an earlier step has captured; with a second `$` before it, for itself without that."""


def escaped(value: Any) -> Any:
    """The value of a step, so that no text in it is taken for a variable."""
    if isinstance(value, Mapping):
        return {name: escaped(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [escaped(inner) for inner in value]
    return VARIABLE.sub(lambda found: f"${found[0]}", value) if isinstance(value, str) else value


class FilledText(str):
    """A text with what was captured in it, which is not the author's: nothing in it is a mistake."""

    __slots__ = ()


class Shape(Protocol):
    """What one value looks like."""

    def read(self, value: Any, at: At) -> Any:
        """The value as the runner takes it. Raises InputError that names file, line and column."""

    def schema(self) -> JsonSchema:
        """The same for an editor."""


@dataclass(frozen=True, slots=True)
class Plain:
    """A value of one type, or of several, as it stands; `check` raises UsageError for what is wrong with it."""

    types: tuple[type, ...]
    text: str
    described: JsonSchema = field(default_factory=dict)
    check: Callable[[Any], object] = lambda _: None

    def read(self, value: Any, at: At) -> Any:
        """The value itself."""
        # bool is an int: `timeout: yes` would pass for 1.
        if not isinstance(value, self.types) or (isinstance(value, bool) and bool not in self.types):
            raise at.error(f"{_shown(value)} is not {self.text}")
        try:
            self.check(value)
        except UsageError as error:
            raise at.error(str(error), error.hint) from error
        return value

    def schema(self) -> JsonSchema:
        """Its type."""
        return self.described


@dataclass(frozen=True, slots=True)
class Converted:
    """A number or a text that means something; `convert` makes it, and raises UsageError."""

    convert: Callable[[Any], Any]
    described: JsonSchema

    def read(self, value: Any, at: At) -> Any:
        """What it means."""
        try:
            return self.convert(value)
        except UsageError as error:
            raise at.error(str(error), error.hint) from error

    def schema(self) -> JsonSchema:
        """Its forms."""
        return self.described


@dataclass(frozen=True, slots=True)
class Key:
    """A key of an object, and what it means."""

    shape: Shape
    meaning: str


@dataclass(frozen=True, slots=True)
class ObjectShape:
    """An object with these keys and no others."""

    keys: Mapping[str, Key]
    required: tuple[str, ...] = ()

    def read(self, value: Any, at: At) -> dict[str, Any]:
        """The values by their keys."""
        if not isinstance(value, Mapping):
            raise at.error(f"{_shown(value)} is not an object", f"its keys are {', '.join(self.keys)}")
        read = {name: self._read(name, inner, at) for name, inner in value.items()}
        if missing := next((name for name in self.required if name not in read), None):
            raise at.error(f"{missing} is missing")
        return read

    def _read(self, name: Any, value: Any, at: At) -> Any:
        if name not in self.keys:
            raise at.inner(str(name)).error(f"{name!r} is not a key here", nearest(str(name), self.keys))
        return self.keys[name].shape.read(value, at.inner(name))

    def schema(self) -> JsonSchema:
        """Its keys, with their meanings."""
        schema: JsonSchema = {
            "type": "object",
            "additionalProperties": False,
            "properties": {name: {"description": key.meaning, **key.shape.schema()} for name, key in self.keys.items()},
        }
        return {**schema, **({"required": list(self.required)} if self.required else {})}


@dataclass(frozen=True, slots=True)
class Listed:
    """A list with at least one entry."""

    entry: Shape
    text: str

    def read(self, value: Any, at: At) -> list[Any]:
        """Each entry."""
        if not isinstance(value, list) or not value:
            raise at.error(f"{_shown(value)} is not {self.text}")
        return [self.entry.read(inner, at.inner(index)) for index, inner in enumerate(value)]

    def schema(self) -> JsonSchema:
        """Its entries."""
        return {"type": "array", "minItems": 1, "items": self.entry.schema()}


def _words(value: str) -> None:
    # What stands for a variable is not known yet, so the expression around it is compiled without it.
    plain = VARIABLE.sub("", value)
    if not isinstance(value, FilledText):
        refuse_bare_expression(plain)
    words_matcher(plain)


def _file(value: str) -> None:
    if not value.strip():
        raise UsageError("a file name is empty")


_DURATION = {"type": ["number", "string"], "pattern": r"^\s*\d+(\.\d+)?\s*(ms|s|m)?\s*$", "minimum": 0}

TEXT = Plain((str,), "text", {"type": "string"})
WORDS = Plain((str,), "text", {"type": "string"}, _words)
FILE = Plain((str,), "the name of a file", {"type": "string", "minLength": 1}, _file)
FLAG = Plain((bool,), "true or false", {"type": "boolean"})
OBJECT = Plain((dict,), "an object", {"type": "object"})
ANYTHING = Plain((object, bool), "a value")  # bool by name, or the rule for ints above would refuse it
SECONDS = Converted(parse_seconds, _DURATION)


def _shown(value: Any) -> str:
    return "nothing" if value is None else repr(value) if len(repr(value)) <= 60 else f"{repr(value)[:60]}…"
