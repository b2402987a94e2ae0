"""Reading and writing the files that commands name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from rtcli.errors import InputError
from rtcli.files import write_file
from rtcli.masking import masked


def read_text(path: Path) -> str:
    """The text of a file. Raises InputError."""
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise InputError(str(path), "not UTF-8 text") from error
    except OSError as error:
        raise InputError(str(path), error.strerror or str(error)) from error


def read_json(path: Path) -> Any:
    """The JSON value of a file. Raises InputError with line and column."""
    try:
        return json.loads(read_text(path))
    except json.JSONDecodeError as error:
        raise InputError(str(path), error.msg, line=error.lineno, column=error.colno) from error


def write_text(path: Path, text: str, *, replace: bool) -> None:
    """Write a file without any secret that is in the text. Raises InputError."""
    write_file(path, masked(text), replace=replace)
