"""The bytes of a file or of standard input, and their text."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

from rtcli.errors import InputError


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


def read_chunks(descriptor: int, size: int = 65_536) -> Iterator[bytes]:
    """What comes in at a descriptor, until its end.

    Not through sys.stdin: a thread that waits inside its buffer while the interpreter ends would abort the process.
    """
    while chunk := os.read(descriptor, size):
        yield chunk
