"""Recorder: writes what happens in a session to a file, for as long as the user wants it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from rtcli.errors import UsageError
from rtcli.protocol.record import Record
from rtcli.recording.folder import RecordingFolder
from rtcli.recording.header import Header
from rtcli.recording.writer import RecordingWriter
from rtcli.session.log import RECORDED_BYTES, WireLog
from rtcli.views import Level, Notice, View


@dataclass(frozen=True, slots=True)
class RecordingSetup:
    """How a program records: `folder` takes recordings that have no name of their own (None: each needs one).

    `command` and `program` stand in the header: what made the session, and its version. `defer` calls a function soon
    (see RecordingWriter); None: every record is written at once.
    """

    folder: RecordingFolder | None = None
    command: str = "chat"
    program: str = ""
    defer: Callable[[Callable[[], None]], object] | None = None


class Recorder:
    """Holds the writer of a session's recording, if there is one. `header` describes the session."""

    def __init__(
        self,
        log: WireLog,
        header: Callable[[str, str], Header],
        show: Callable[[View], None],
        setup: RecordingSetup,
    ) -> None:
        self._log = log
        self._header = header
        self._show = show
        self._setup = setup
        self.writer: RecordingWriter | None = None  # also when it is closed: it says where the recording lies

    def __repr__(self) -> str:
        return f"<Recorder {self.writer!r}>"

    @property
    def on(self) -> bool:
        """Records are being written."""
        return self.writer is not None and not self.writer.closed

    @property
    def path(self) -> Path | None:
        """Where the last recording lies."""
        return self.writer.path if self.writer is not None else None

    def start(self, path: Path | None = None, *, replace: bool = False) -> Path:
        """Record from now on, and what the log still has of before. Without a path: into the folder.

        With `replace` a file that exists is deleted first.

        Raises UsageError while there is a recording, InputError where the file cannot be made.
        """
        if self.writer is not None and self.on:
            raise UsageError(f"recording already, to {self.writer.path}", hint="/record stop ends it")
        header = self._header(self._setup.command, self._setup.program)
        if path is None:
            if self._setup.folder is None:
                raise UsageError("a recording needs a file", hint="/record start FILE")
            path = self._setup.folder.new_path(header.command, datetime.now().astimezone())
            self._setup.folder.prune()
        self.writer = RecordingWriter(path, header, defer=self._setup.defer, failed=self._failed, replace=replace)
        for frame in self._log.records:
            self.writer.add(frame)
        if not self._log.forgotten:  # else frame 1 of the file is another one of the session
            self._log.read_back = self.writer.frame
            self._log.shrink(RECORDED_BYTES)
        return path

    def stop(self, at: float | None = None, exit_code: int = 0) -> None:
        """End the recording, if there is one; with `at` the session ends at this moment, too."""
        if self.writer is not None:
            self.writer.close(at, exit_code)

    def observe(self, record: Record) -> None:
        """Write a record, a frame with its links."""
        if self.writer is not None:
            self.writer.add(record)

    def _failed(self, problem: str) -> None:
        assert self.writer is not None
        what = f"the recording ends here: {self.writer.path.name}"
        self._show(Notice(what, problem, "the session goes on; /record start FILE records elsewhere", Level.WARNING))
