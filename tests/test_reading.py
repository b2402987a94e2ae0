"""Text in the encodings that files have."""

from __future__ import annotations

from pathlib import Path

import pytest

from rtcli.errors import InputError
from rtcli.reading import decode_text, read_text, utf8_chunks

TEXT = '{"text": "h\u00e9llo \u65e5\u672c \U0001f600"}\r\nsecond\n'


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("size", [1, 2, 3, 1000])
def test_utf8_and_utf16_with_its_mark_are_read(encoding: str, size: int) -> None:
    """At once, and in pieces of any size."""
    data = TEXT.encode(encoding)
    pieces = [data[start : start + size] for start in range(0, len(data), size)]

    assert decode_text(data, "f") == TEXT
    assert decode_text(b"".join(utf8_chunks(pieces, "f")), "f") == TEXT


def test_utf16_of_the_other_byte_order_is_read() -> None:
    """As its mark says."""
    assert decode_text(b"\xfe\xff" + TEXT.encode("utf-16-be"), "f") == TEXT


@pytest.mark.parametrize(
    ("data", "named"),
    [
        (TEXT.encode("utf-16-le"), "UTF-16LE"),
        ('{"type": "a"}'.encode("utf-16-be"), "UTF-16BE without a byte order mark"),
        (TEXT.encode("utf-32"), "UTF-32"),
        ('{"text": "h\u00e9llo"}'.encode("latin-1"), "ISO-8859-1"),
        ('{"text": "\u201chi\u201d"}'.encode("cp1252"), "WINDOWS-1252"),
        (b"\x1f\x8b\x08\x00", "gzip"),
        (b"\x89PNG\r\n\x1a\n", "PNG image"),
        (b"\xff\xfea", "broken UTF-16"),
    ],
)
def test_what_is_something_else_is_named(data: bytes, named: str) -> None:
    """With what converts it, where that can be told."""
    with pytest.raises(InputError, match=named):
        decode_text(data, "f")


def test_the_first_byte_that_is_wrong_has_a_place() -> None:
    """Line and column, from 1."""
    with pytest.raises(InputError, match=r"^f:3:4: not UTF-8 text \(byte 0xE9\)"):
        decode_text(b'{"type": "a"}\n\n"h\xc3\xa9\xe9"', "f")


def test_a_broken_stream_of_utf16_is_an_error() -> None:
    """Half a character at its end."""
    with pytest.raises(InputError, match="UTF-16"):
        list(utf8_chunks([b"\xff\xfea\0b"], "f"))


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    """Missing, a folder, a name with a null byte."""
    with pytest.raises(InputError, match="No such file"):
        read_text(tmp_path / "none")
    with pytest.raises(InputError, match="directory"):
        read_text(tmp_path)
    with pytest.raises(InputError, match="null"):
        read_text("a\0b")
