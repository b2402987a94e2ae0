"""The lines typed, kept across runs: private to their owner, and never a line that holds a key."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING

from prompt_toolkit.history import FileHistory, History, InMemoryHistory

from rtcli.masking import add_typed, masked

if TYPE_CHECKING:
    from pathlib import Path


class PrivateHistory(FileHistory):
    """A history file that its owner alone can read."""

    def load_history_strings(self) -> Iterable[str]:
        """The lines, newest first; none of a file that cannot be read."""
        try:
            return list(super().load_history_strings())
        except (OSError, UnicodeDecodeError):
            return []

    def store_string(self, string: str) -> None:
        """Append a line, unless it holds a key; a file that cannot be written costs the history alone."""
        if string.lstrip().startswith(("/", "{")):
            add_typed(string)
        if masked(string) != string:
            return
        try:
            os.close(os.open(self.filename, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600))
            super().store_string(string)
        except OSError:
            return


def open_history(file: Path | None) -> History:
    """The history in a file (its folder is made), or one that is forgotten at the end."""
    if file is None:
        return InMemoryHistory()
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError:
        return InMemoryHistory()
    return PrivateHistory(str(file))
