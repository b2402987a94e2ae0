"""The folder of recordings: names of new ones, what there is, and how it stays within its bounds."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from rtcli.errors import InputError
from rtcli.files import expanded, is_locked
from rtcli.recording.header import Header
from rtcli.recording.reader import open_recording

MAX_BYTES = 2 * 2**30
MAX_FILES = 200

_SUFFIXES = (".ndjson", ".ndjson.gz")


@dataclass(frozen=True, slots=True)
class RecordingFile:
    """A recording in the folder. `header` is None where the file has none that can be read."""

    path: Path
    size: int  # bytes
    modified: float  # seconds since the epoch
    header: Header | None = None
    writing: bool = False  # some process writes it now

    @property
    def name(self) -> str:
        """What commands call it: the file's name without its ending."""
        return self.path.name.removesuffix(".gz").removesuffix(".ndjson")


class RecordingFolder:
    """Recordings beside each other, the oldest deleted first where they grow beyond `max_bytes` or `max_files`."""

    def __init__(self, path: Path, *, max_bytes: int = MAX_BYTES, max_files: int = MAX_FILES) -> None:
        self.path = path
        self._max_bytes = max_bytes
        self._max_files = max_files

    def new_path(self, command: str, started: datetime) -> Path:
        """Where a recording that starts now goes; the folder is made. Raises InputError."""
        self.make()
        moment = started.astimezone().strftime("%Y-%m-%dT%H-%M-%S")
        return self.path / f"{moment}-{command}-{secrets.token_hex(2)}.ndjson"

    def make(self) -> None:
        """Make the folder if it is not there. Raises InputError where it cannot be, or takes no files."""
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(str(self.path), error.strerror or str(error)) from error
        if not os.access(self.path, os.W_OK | os.X_OK):
            raise InputError(str(self.path), "no file can be written there")

    def entries(self) -> list[RecordingFile]:
        """Every recording, the newest first; their headers are not read yet."""
        found = [entry for entry in self._scan() if entry is not None]
        return sorted(found, key=lambda entry: (entry.modified, entry.name), reverse=True)

    def _scan(self) -> Iterator[RecordingFile | None]:
        try:
            listed = list(os.scandir(self.path))
        except FileNotFoundError:
            return
        except OSError as error:
            raise InputError(str(self.path), error.strerror or str(error)) from error
        for one in listed:
            with contextlib.suppress(OSError):  # deleted by another program meanwhile
                if one.name.endswith(_SUFFIXES) and one.is_file(follow_symlinks=False):
                    about = one.stat(follow_symlinks=False)
                    yield RecordingFile(Path(one.path), about.st_size, about.st_mtime)

    def find(self, name: str) -> Path:
        """The recording of this name ("last": the newest), of a beginning or an end of it, or a path.

        Raises InputError where there is none, and where several fit.
        """
        path = expanded(name)
        # What looks like a path is one, also where nothing is there: then the error is about that file.
        if os.sep in name or path.suffix in (".ndjson", ".gz", ".json", ".jsonl") or path.exists():
            return path
        entries = self.entries()
        if name == "last":
            if not entries:
                raise InputError(name, f"{self.path} has no recording")
            return entries[0].path
        fitting = [entry for entry in entries if entry.name.startswith(name) or entry.name.endswith(name)]
        # A whole name wins over those that only begin with it.
        if len(fitting) == 1 or (fitting and fitting[0].name == name):
            return fitting[0].path
        if fitting:
            raise InputError(name, f"{len(fitting)} recordings match", hint="rtcli recordings list")
        raise InputError(name, f"neither a file nor a recording in {self.path}", hint="rtcli recordings list")

    def prune(self, *, max_bytes: int | None = None, max_files: int | None = None) -> list[RecordingFile]:
        """Delete the oldest until the rest is within the bounds, never one that is being written; what is gone."""
        room = self._max_bytes if max_bytes is None else max_bytes
        places = self._max_files if max_files is None else max_files
        gone: list[RecordingFile] = []
        for entry in self.entries():
            room -= entry.size
            places -= 1
            # Looked at now and not from the list: another process may have begun to write it meanwhile.
            if (room < 0 or places < 0) and not is_locked(entry.path):
                with contextlib.suppress(OSError):
                    entry.path.unlink()
                    gone.append(entry)
        return gone


def described(entry: RecordingFile) -> RecordingFile:
    """The entry with what its first line says."""
    header = None
    with contextlib.suppress(InputError), open_recording(str(entry.path)) as reader:
        header = reader.header
    return RecordingFile(entry.path, entry.size, entry.modified, header, is_locked(entry.path))
