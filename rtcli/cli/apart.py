"""Keeps what a command writes apart from what it reads: --force means older results."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from rtcli.errors import UsageError
from rtcli.files import expanded

_STDIN = 0


def require_apart(option: str, written: Path | str | None, *read: Path | str | None) -> None:
    """Raises UsageError where `written` is one of the files that are `read`, by whatever name, or standard input."""
    if written is None:
        return
    place = _place(expanded(written))
    if place is not None and place in (_place(_STDIN), *(_place(expanded(one)) for one in read if one)):
        raise UsageError(f"{option} {written}", why="this command reads it", hint="name another file")


def _place(file: Path | int) -> tuple[int, int] | None:
    """Device and inode of a regular file; None for what has nothing to lose."""
    try:
        status = os.fstat(file) if isinstance(file, int) else file.stat()
    except (OSError, ValueError):  # ValueError: a null byte in the name
        return None
    return (status.st_dev, status.st_ino) if stat.S_ISREG(status.st_mode) else None
