"""Reads JSON objects out of a text: one, an array of them, or NDJSON; an error names file, line and column."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NoReturn

from rtcli.errors import InputError
from rtcli.protocol.events import Event

_SPACE = " \t\r\n"
_HINT = 'an event is a JSON object with a string under "type"; several stand in an array, or one on each line'


@dataclass(frozen=True, slots=True)
class Located:
    """An object of a text, with the line and column (from 1) at which it begins."""

    value: dict[str, Any]
    line: int
    column: int


def read_events(text: str, file: str = "", first_line: int = 1) -> Iterator[Located]:
    """Every event in the text, in order; `file` "" stands for a text that was typed.

    Raises InputError for the first thing that is not an event, after the events before it.
    """
    scanner = _Scanner(text, file, first_line, _HINT)
    for start, value in scanner.objects():
        if not isinstance(value.get("type"), str) or not value["type"]:
            scanner.fail('not an event: there is no string under "type"', start)
        yield Located(value, *scanner.place(start))


def parse_events(text: str, file: str = "", first_line: int = 1) -> list[Event]:
    """The events alone. Raises InputError like read_events, and for a text without any."""
    events = [located.value for located in read_events(text, file, first_line)]
    if not events:
        raise InputError(file or "input", "it contains no event", hint=_HINT)
    return events


def parse_object(text: str) -> dict[str, Any]:
    """One JSON object that was typed. Raises InputError for anything else."""
    values = [value for _, value in _Scanner(text).objects()]
    if len(values) != 1:
        raise InputError("input", f"expected one JSON object, got {len(values)}")
    return values[0]


class _Scanner:
    """A position in a text of JSON values that follow each other, with white space or commas between them."""

    def __init__(self, text: str, file: str = "", first_line: int = 1, hint: str = "") -> None:
        self._text, self._file, self._first_line, self._hint = text, file, first_line, hint
        self._decoder = json.JSONDecoder(parse_constant=self._constant)
        self._at = 0

    def objects(self) -> Iterator[tuple[int, dict[str, Any]]]:
        """Each object with the position at which it begins."""
        while char := self._peek():
            if char == "[":
                yield from self._array()
            elif char == ",":  # left over where a line was cut out of an array
                self._at += 1
            else:
                yield self._object()

    def place(self, position: int) -> tuple[int, int]:
        """Line and column of a position, from 1."""
        line = self._first_line + self._text.count("\n", 0, position)
        return line, position - self._text.rfind("\n", 0, position)

    def fail(self, why: str, position: int) -> NoReturn:
        """Raise the InputError for a position."""
        line, column = self.place(position)
        if self._file:
            raise InputError(self._file, why, line=line, column=column, hint=self._hint)
        raise InputError(f"line {line}, column {column}", why, hint=self._hint)

    def _array(self) -> Iterator[tuple[int, dict[str, Any]]]:
        self._at += 1
        if self._peek() == "]":
            self._at += 1
            return
        while True:
            yield self._object()
            mark = self._peek()
            if mark not in (",", "]"):
                self.fail("expected ',' or ']' after a value of the array", self._at)
            self._at += 1
            if mark == "]":
                return

    def _object(self) -> tuple[int, dict[str, Any]]:
        self._peek()
        start = self._at
        try:
            value, self._at = self._decoder.raw_decode(self._text, start)
        except json.JSONDecodeError as error:
            self.fail(f"not JSON: {error.msg}", error.pos)
        except RecursionError:
            self.fail("nested too deeply", start)
        except ValueError as error:  # a number of more digits than the interpreter converts
            self.fail(f"not JSON that can be read: {error}", start)
        if not isinstance(value, dict):
            self.fail("not a JSON object", start)
        return start, value

    def _peek(self) -> str:
        """The next character that is not white space, "" at the end."""
        while self._at < len(self._text) and self._text[self._at] in _SPACE:
            self._at += 1
        return self._text[self._at : self._at + 1]

    def _constant(self, name: str) -> NoReturn:
        self.fail(f"not JSON: {name}", self._text.find(name, self._at))
