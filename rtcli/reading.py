"""Reads text: UTF-8 with or without a byte order mark, UTF-16 with one; any other encoding is named in the error."""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Iterator
from pathlib import Path

from rtcli.errors import InputError

UTF16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_UTF32_MARKS = (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)
_NOT_TEXT = (
    (b"\x1f\x8b", "gzip data: gunzip it first"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"\x89PNG", "a PNG image"),
    (b"RIFF", "a RIFF (WAV) file"),
    (b"%PDF", "a PDF file"),
)
_SAMPLE = 4096  # bytes that are looked at to guess an encoding


def read_text(path: Path | str) -> str:
    """The text of a file. Raises InputError that names file and line."""
    try:
        data = Path(path).expanduser().read_bytes()
    except (OSError, ValueError, RuntimeError) as error:  # ValueError: a null byte in the name; RuntimeError: ~nobody
        raise InputError(str(path), getattr(error, "strerror", None) or str(error)) from error
    return decode_text(data, str(path))


def decode_text(data: bytes, file: str, first_line: int = 1) -> str:
    """Bytes as text. Raises InputError that names the encoding, as far as it can be told, with line and column."""
    if data.startswith(_UTF32_MARKS):
        raise _unreadable(file, "UTF-32", "UTF-32")
    try:
        if data.startswith(UTF16_MARKS):
            return data.decode("utf-16")
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _undecodable(data, error, file, first_line) from error
    if name := _without_mark(data):
        raise _unreadable(file, f"{name} without a byte order mark", name)
    return text


def decode_line(data: bytes, file: str, line: int) -> str:
    """One line of several as text; a byte order mark means something in the first one alone. Raises InputError."""
    if line == 1:
        return decode_text(data, file)
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise _undecodable(data, error, file, line) from error


def utf8_chunks(chunks: Iterable[bytes], file: str) -> Iterator[bytes]:
    """Bytes that arrive in pieces; what begins with the mark of UTF-16 is given on as UTF-8. Raises InputError."""
    head, began = b"", False  # what came while it could still become a mark
    decoder: codecs.IncrementalDecoder | None = None
    for chunk in chunks:
        head += chunk
        if not began and any(mark.startswith(head) for mark in _UTF32_MARKS):  # a UTF-16 mark begins one of these
            continue
        if not began and head.startswith(UTF16_MARKS) and not head.startswith(_UTF32_MARKS):
            # Incremental: a piece may end in the middle of a character.
            decoder = codecs.getincrementaldecoder("utf-16")()
        began, data, head = True, head, b""
        yield _recoded(decoder, data, file) if decoder else data
    if head:
        yield decode_text(head, file).encode()
    elif decoder:
        yield _recoded(decoder, b"", file, final=True)


def _recoded(decoder: codecs.IncrementalDecoder, data: bytes, file: str, *, final: bool = False) -> bytes:
    try:
        return decoder.decode(data, final).encode()
    except UnicodeDecodeError as error:
        raise InputError(file, f"broken UTF-16 text: {error.reason}") from error


def _undecodable(data: bytes, error: UnicodeDecodeError, file: str, first_line: int) -> InputError:
    if error.encoding != "utf-8":
        return InputError(file, f"broken {error.encoding.upper()} text: {error.reason}")
    line = first_line + data.count(b"\n", 0, error.start)
    before = data[data.rfind(b"\n", 0, error.start) + 1 : error.start].decode("utf-8-sig", "replace")
    kind = next((what for mark, what in _NOT_TEXT if data.startswith(mark)), None)
    name = None if kind else _without_mark(data) or _one_byte(data)
    said = kind or (f"it looks like {name}" if name else "it is not text")
    why = f"not UTF-8 text (byte 0x{data[error.start]:02X}): {said}"
    return InputError(file, why, line=line, column=len(before) + 1, hint=_hint(name) if name else "")


def _unreadable(file: str, what: str, name: str) -> InputError:
    return InputError(file, f"not UTF-8 text: it is {what}", hint=_hint(name))


def _hint(name: str) -> str:
    return f"convert it: iconv -f {name} -t UTF-8"


def _without_mark(data: bytes) -> str | None:
    """UTF-16 or UTF-32 that does not say so: half of the bytes of plain text are zero, always the same half."""
    sample = data[:_SAMPLE]
    if b"\0" not in sample:
        return None
    even, odd = sample[::2].count(0) * 2, sample[1::2].count(0) * 2
    if sample[::4].count(0) and min(even, odd) * 4 > len(sample):
        return "UTF-32LE" if sample[:1] != b"\0" else "UTF-32BE"
    if max(even, odd) * 2 > len(sample) and min(even, odd) * 8 < len(sample):
        return "UTF-16LE" if odd > even else "UTF-16BE"
    return None


def _one_byte(data: bytes) -> str | None:
    """The encodings of Western Europe, where the bytes beyond ASCII are few and none is a control character."""
    high = [byte for byte in data[:_SAMPLE] if byte >= 0x80]
    if b"\0" in data[:_SAMPLE] or len(high) * 4 > len(data[:_SAMPLE]):
        return None
    return "WINDOWS-1252" if any(byte < 0xA0 for byte in high) else "ISO-8859-1"
