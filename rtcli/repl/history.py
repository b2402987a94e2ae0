"""The lines typed, kept across runs: private to their owner, and never a line that holds a key."""

from __future__ import annotations

import contextlib
import datetime
import os
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, TypeVar

from prompt_toolkit.history import History, InMemoryHistory

from rtcli.files import open_private, unwritable, write_all
from rtcli.masking import add_typed, masked

if TYPE_CHECKING:
    from pathlib import Path

MAX_BYTES = 2**20
"""A file that has grown larger loses its older half at the next start."""

_MAX_LINE = MAX_BYTES // 16

T = TypeVar("T")


class PrivateHistory(History):
    """A history file that its owner alone can read, in the format of prompt_toolkit.

    Several programs may share it: each line is one write at the file's end, under a lock. `on_problem` is told once
    why lines are not kept.
    """

    def __init__(self, file: Path, on_problem: Callable[[str], None] | None = None) -> None:
        super().__init__()
        self._file = file
        self._on_problem = on_problem  # None once it was told
        self._locked(_shorten, None)

    def load_history_strings(self) -> Iterable[str]:
        """The lines, newest first; none of a file that cannot be read."""
        data = self._locked(_read, b"")
        entries: list[list[str]] = []
        below = False  # the line before was one of an entry
        for line in data.decode(errors="replace").split("\n"):
            if line.startswith("+"):
                if not below:
                    entries.append([])
                entries[-1].append(line[1:])
            below = line.startswith("+")
        return ["\n".join(entry) for entry in reversed(entries)]

    def store_string(self, string: str) -> None:
        """Append a line, unless it holds a key; a file that cannot be written costs the history alone."""
        if string.lstrip().startswith(("/", "{")):
            add_typed(string)
        if masked(string) != string or len(string) > _MAX_LINE:
            return
        rows = "".join(f"+{row}\n" for row in string.split("\n"))
        entry = f"\n# {datetime.datetime.now()}\n{rows}".encode("utf-8", "replace")
        self._locked(lambda descriptor: write_all(descriptor, entry), None)

    def _locked(self, work: Callable[[int], T], otherwise: T) -> T:
        """What `work` makes of the file, or `otherwise` where it fails."""
        try:
            self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = open_private(self._file)
            try:
                _lock(descriptor)
                return work(descriptor)
            finally:
                os.close(descriptor)
        except OSError as error:
            tell, self._on_problem = self._on_problem, None
            if tell is not None:
                tell(unwritable(self._file, error).why)
            return otherwise


def _shorten(descriptor: int) -> None:
    """Keep the newer half, from the first whole entry on."""
    if os.fstat(descriptor).st_size > MAX_BYTES:
        _, entry, rest = _read(descriptor)[-MAX_BYTES // 2 :].partition(b"\n\n# ")
        os.ftruncate(descriptor, 0)
        write_all(descriptor, entry + rest)


def _read(descriptor: int) -> bytes:
    """The file's end: no more of it than the bound, whatever stands there."""
    os.lseek(descriptor, max(0, os.fstat(descriptor).st_size - MAX_BYTES), os.SEEK_SET)
    pieces = []
    while piece := os.read(descriptor, 2**16):
        pieces.append(piece)
    return b"".join(pieces)


def _lock(descriptor: int) -> None:
    """Wait for other programs of ours, which hold the lock for one write."""
    with contextlib.suppress(ImportError, OSError):  # Windows, and file systems without locks
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX)


def open_history(file: Path | None, on_problem: Callable[[str], None] | None = None) -> History:
    """The history in a file (its folder is made), or one that is forgotten at the end.

    A link, a pipe or another user's file in its place is not used; `on_problem` is told why.
    """
    return InMemoryHistory() if file is None else PrivateHistory(file, on_problem)
