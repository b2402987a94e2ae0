"""Reads JSON objects out of a text: one, an array of them, or NDJSON; an error names file, line and column."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NoReturn

from rtcli.errors import InputError
from rtcli.protocol.almost_json import explain, find_number, name_of
from rtcli.protocol.cues import Cue

_SPACE = " \t\r\n"
_HINT = 'an event is a JSON object with a string under "type"; several stand in an array, or one on each line'
_HAR_HINT = (
    "jq -c '.log.entries[]._webSocketMessages[]? | select(.type==\"send\").data | fromjson' FILE gives what was sent"
)
_SURROGATE = re.compile("[\ud800-\udfff]")
_RECORD_KEYS = frozenset({"dir", "audio", "heard", "did", "mark", "connection", "device", "http", "end"})


@dataclass(frozen=True, slots=True)
class Located:
    """An object of a text, with the line and column (from 1) at which it begins, and the `text` that it is.

    `cue` is what an exported event waits for.
    """

    value: dict[str, Any]
    line: int
    column: int
    text: str = ""
    cue: Cue | None = None


def read_events(text: str, file: str = "", first_line: int = 1) -> Iterator[Located]:
    """Every event in the text, in order; `file` "" stands for a text that was typed.

    Of what `--both` or a recording wrote, the events that were sent. Raises InputError for the first thing that is not
    an event, after the events before it.
    """
    scanner = _Scanner(text, file, first_line, _HINT)
    for whole_start, whole_end, whole in scanner.objects():
        start, end, value, cue = whole_start, whole_end, whole, None
        if _is_record(whole):
            if whole.get("dir") != ">" or not isinstance(whole.get("event"), dict):
                continue
            if whole.get("masked"):
                scanner.fail("a secret of this event was masked when it was recorded", start)
            start, end = scanner.member(start, "event")
            value, cue = whole["event"], Cue.of(whole.get("after"))
        if not isinstance(value.get("type"), str) or not value["type"]:
            if isinstance(value.get("log"), dict) and "entries" in value["log"]:
                scanner.fail("a browser's HAR file, not events", start, _HAR_HINT)
            scanner.fail('not an event: there is no string under "type"', start)
        # In the text itself; one that JSON writes as \ud800 is an escape, and passes.
        if half := _SURROGATE.search(text, start, end):
            scanner.fail(f"{name_of(half[0])}: half a character, which is not text", half.start())
        yield Located(value, *scanner.place(start), text[start:end], cue)


def parse_events(text: str, file: str = "", first_line: int = 1) -> list[Located]:
    """All of them. Raises InputError like read_events, and for a text without any."""
    events = list(read_events(text, file, first_line))
    if not events:
        why = "it contains no event"
        if any(_is_record(value) for _, _, value in _Scanner(text).objects()):
            why = 'it is a recording, and contains no event that was sent ("dir": ">")'
        raise InputError(file or "input", why, hint=_HINT)
    return events


def parse_object(text: str, file: str = "") -> dict[str, Any]:
    """One JSON object, of a file or typed. Raises InputError for anything else."""
    values = [value for _, _, value in _Scanner(text, file).objects()]
    if len(values) != 1:
        raise InputError(file or "input", f"expected one JSON object, got {len(values)}")
    return values[0]


def parse_json(text: str, file: str = "") -> Any:
    """One JSON value of any kind. Raises InputError."""
    return _Scanner(text, file).only_value()


def _is_record(value: dict[str, Any]) -> bool:
    """A line of a recording or of `--both`, which wraps an event or says what else happened."""
    if isinstance(value.get("type"), str):
        return False
    return "rtcli" in value or ("t" in value and not _RECORD_KEYS.isdisjoint(value))


class _NumberError(ValueError):
    """A number that JSON's readers do not have: `literal` is its text."""

    def __init__(self, literal: str, why: str) -> None:
        super().__init__(why)
        self.literal = literal


class _Scanner:
    """A position in a text of JSON values that follow each other, with white space or commas between them."""

    def __init__(self, text: str, file: str = "", first_line: int = 1, hint: str = "") -> None:
        self._text, self._file, self._first_line, self._hint = text, file, first_line, hint
        # The standard library's: orjson does not say where a value ends, nor read one behind another.
        self._decoder = json.JSONDecoder(parse_constant=_constant, parse_float=_float, parse_int=_integer)
        self._at = 0  # index of the next character

    def objects(self) -> Iterator[tuple[int, int, dict[str, Any]]]:
        """Each object with the positions at which it begins and ends."""
        while char := self._peek():
            if char == "[":
                yield from self._array()
            elif char == ",":  # left over where a line was cut out of an array
                self._at += 1
            else:
                yield self._object()

    def only_value(self) -> Any:
        """The one value that the text is."""
        self._peek()
        value = self._value()
        if self._peek():
            self._explained("Something follows behind the value")
        return value

    def place(self, position: int) -> tuple[int, int]:
        """Line and column of a position, from 1."""
        line = self._first_line + self._text.count("\n", 0, position)
        return line, position - self._text.rfind("\n", 0, position)

    def fail(self, why: str, position: int, hint: str = "") -> NoReturn:
        """Raise the InputError for a position."""
        line, column = self.place(position)
        hint = hint or self._hint
        if self._file:
            raise InputError(self._file, why, line=line, column=column, hint=hint)
        raise InputError(f"line {line}, column {column}", why, hint=hint)

    def member(self, start: int, name: str) -> tuple[int, int]:
        """Where the value of a key of the object at `start` begins and ends; of several, the last."""
        found, self._at = (start, start), start
        # Valid by now: the object has been decoded once, so nothing in it can be missing.
        while self._text[self._at] != "}":
            self._at += 1  # behind the bracket, or a comma
            self._peek()
            key = self._value()
            self._peek()
            self._at += 1
            self._peek()
            begin = self._at
            self._value()
            if key == name:
                found = begin, self._at
            self._peek()
        self._at += 1
        return found

    def _array(self) -> Iterator[tuple[int, int, dict[str, Any]]]:
        self._at += 1
        if self._peek() == "]":
            self._at += 1
            return
        while True:
            yield self._object()
            mark = self._peek()
            if mark not in (",", "]"):
                self._explained("Expecting ',' delimiter")
            self._at += 1
            if mark == "]":
                return

    def _object(self) -> tuple[int, int, dict[str, Any]]:
        self._peek()
        start = self._at
        value = self._value()
        if not isinstance(value, dict):
            self.fail("not a JSON object", start)
        return start, self._at, value

    def _value(self) -> Any:
        start = self._at
        try:
            value, self._at = self._decoder.raw_decode(self._text, start)
        except json.JSONDecodeError as error:
            self.fail(*explain(self._text, error))
        except RecursionError:
            self.fail("nested too deeply", start)
        except _NumberError as error:
            self.fail(str(error), find_number(self._text, start, error.literal))
        return value

    def _explained(self, message: str) -> NoReturn:
        self.fail(*explain(self._text, json.JSONDecodeError(message, self._text, self._at)))

    def _peek(self) -> str:
        """The next character that is not white space, "" at the end."""
        while self._at < len(self._text) and self._text[self._at] in _SPACE:
            self._at += 1
        return self._text[self._at : self._at + 1]


_MAX_SHOWN = 24  # characters of a number that an error shows
_SAFE_DIGITS = 308  # an integer of no more digits is within the range of every reader


def _float(literal: str) -> float:
    value = float(literal)
    if math.isinf(value):
        raise _NumberError(literal, f"{_cut(literal)}: out of the range of a JSON number")
    return value


def _integer(literal: str) -> int:
    if len(literal) > _SAFE_DIGITS:
        _float(literal)
    return int(literal)


def _constant(name: str) -> NoReturn:
    raise _NumberError(name, f"JSON has no {name.removeprefix('-')}")


def _cut(literal: str) -> str:
    return literal if len(literal) <= _MAX_SHOWN else f"{literal[:_MAX_SHOWN]}..."
