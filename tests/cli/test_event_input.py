"""The text of files and of standard input."""

from __future__ import annotations

from pathlib import Path

import pytest

from rtcli.cli.event_input import decode_text, read_text
from rtcli.errors import InputError


def test_bytes_that_are_not_text_are_named_with_their_line() -> None:
    """UTF-16, an image: the line of the first byte that is wrong."""
    with pytest.raises(InputError, match=r"f:2: not UTF-8"):
        decode_text(b'{"type": "a"}\n\xff\xfe', "f")


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    """A missing one, a folder."""
    with pytest.raises(InputError, match="No such file"):
        read_text(str(tmp_path / "none"))
    with pytest.raises(InputError, match="directory"):
        read_text(str(tmp_path))
