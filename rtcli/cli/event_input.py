"""Reads events from a file or standard input: one event, an array, or NDJSON; errors name file, line and column."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

from rtcli.errors import InputError
from rtcli.protocol.events import Event

_SPACE = " \t\r\n"
_HINT = "an event is a JSON object with a text under 'type'; a file holds one, an array of them, or one a line"


def read_text(file: str) -> str:
    """The text of a file, or of standard input for "-". Raises InputError."""
    try:
        data = sys.stdin.buffer.read() if file == "-" else Path(file).expanduser().read_bytes()
    except OSError as error:
        raise InputError(file, error.strerror or str(error)) from error
    return decode_text(data, file)


def decode_text(data: bytes, file: str, first_line: int = 1) -> str:
    """Bytes as UTF-8 text, with or without a byte order mark. Raises InputError that names the line."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = first_line + data.count(b"\n", 0, error.start)
        raise InputError(file, "not UTF-8 text", line=line) from error


def parse_events(text: str, file: str, first_line: int = 1) -> list[Event]:
    """Every event in the text, in order. Raises InputError for the first thing that is none, and for an empty text."""
    events = list(_Scanner(text, file, first_line).events())
    if not events:
        raise InputError(file, "there is no event in it", hint=_HINT)
    return events


class _Scanner:
    """A position in a text of JSON values that follow each other with white space between them."""

    def __init__(self, text: str, file: str, first_line: int) -> None:
        self._text, self._file, self._first_line = text, file, first_line
        self._decoder = json.JSONDecoder(parse_constant=self._constant)
        self._at = 0

    def events(self) -> Iterator[Event]:
        while self._peek():
            if self._peek() == "[":
                yield from self._array()
            else:
                yield self._event()

    def _array(self) -> Iterator[Event]:
        self._at += 1
        if self._peek() == "]":
            self._at += 1
            return
        while True:
            yield self._event()
            mark = self._peek()
            if mark not in (",", "]"):
                self._fail("expected ',' or ']' after an event of the array", self._at)
            self._at += 1
            if mark == "]":
                return

    def _event(self) -> Event:
        self._peek()
        start = self._at
        try:
            value, self._at = self._decoder.raw_decode(self._text, start)
        except json.JSONDecodeError as error:
            self._fail(f"not JSON: {error.msg}", error.pos)
        except RecursionError:
            self._fail("nested too deeply", start)
        return self._checked(value, start)

    def _checked(self, value: Any, start: int) -> Event:
        if not isinstance(value, dict):
            self._fail("not an event: a JSON value that is no object", start)
        if not isinstance(value.get("type"), str) or not value["type"]:
            self._fail("not an event: there is no text under 'type'", start)
        return value

    def _peek(self) -> str:
        """The next character that is no white space, "" at the end."""
        while self._at < len(self._text) and self._text[self._at] in _SPACE:
            self._at += 1
        return self._text[self._at : self._at + 1]

    def _constant(self, name: str) -> NoReturn:
        self._fail(f"not JSON: {name}", self._text.find(name, self._at))

    def _fail(self, why: str, position: int) -> NoReturn:
        line = self._first_line + self._text.count("\n", 0, position)
        column = position - (self._text.rfind("\n", 0, position) + 1) + 1
        raise InputError(self._file, why, line=line, column=column, hint=_HINT)


def read_chunks(descriptor: int, size: int = 65_536) -> Iterator[bytes]:
    """What comes in at a descriptor, until its end.

    Not through sys.stdin: a thread that waits inside its buffer while the interpreter ends would abort the process.
    """
    while chunk := os.read(descriptor, size):
        yield chunk
