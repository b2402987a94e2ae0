"""Reading and writing the files that commands name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rtcli.files import write_file
from rtcli.masking import masked
from rtcli.protocol.ndjson import parse_json
from rtcli.reading import read_text


def read_json(path: Path) -> Any:
    """The JSON value of a file. Raises InputError with line and column."""
    return parse_json(read_text(path), str(path))


def write_text(path: Path, text: str, *, replace: bool) -> None:
    """Write a file without any secret that is in the text. Raises InputError."""
    write_file(path, masked(text), replace=replace)
