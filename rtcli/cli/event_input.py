"""The bytes of a file or of standard input, and their text."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator

from rtcli.errors import InputError
from rtcli.reading import decode_text, read_text


def read_input(file: str) -> str:
    """The text of a file, or of standard input for "-". Raises InputError."""
    if file != "-":
        return read_text(file)
    try:
        # Bytes, not sys.stdin's text: its encoding is the locale's, events are UTF-8.
        return decode_text(sys.stdin.buffer.read(), file)
    except OSError as error:
        raise InputError(file, error.strerror or str(error)) from error


def read_chunks(descriptor: int, size: int = 65_536) -> Iterator[bytes]:
    """What comes in at a descriptor, until its end.

    Not through sys.stdin: a thread that waits inside its buffer while the interpreter ends would abort the process.
    """
    while chunk := os.read(descriptor, size):
        yield chunk
