"""Writes the records of a session to its file, one write a turn of the event loop."""

from __future__ import annotations

import contextlib
import os
from array import array
from collections.abc import Callable
from pathlib import Path

from rtcli.errors import InputError
from rtcli.files import IS_READ, is_kept, is_locked, lock, open_private, unwritable
from rtcli.masking import masked
from rtcli.protocol.record import End, Frame, Record
from rtcli.protocol.record_lines import frame_lines, record_line
from rtcli.protocol.record_parsing import parse_record
from rtcli.recording.header import Header


class RecordingWriter:
    """One file that grows. What is added is written by `flush`, which `defer` is asked to call soon.

    `failed` is told once, with the reason, when the file takes no more: the session goes on without it. `problem` keeps
    the reason. Nothing is written twice, and no line is ever changed.
    """

    def __init__(
        self,
        path: Path,
        header: Header,
        *,
        defer: Callable[[Callable[[], None]], object] | None = None,
        failed: Callable[[str], object] = lambda _: None,
        replace: bool = False,
    ) -> None:
        """Make the file, readable by its owner alone; with `defer` None every record is written at once.

        Raises InputError where the file cannot be made and, unless it is to `replace` it, where there is one already.
        """
        self.path = path
        self.header = header
        self.problem = ""
        self._defer = defer
        self._failed: Callable[[str], object] = lambda _: None  # until the header is written: the caller is told
        self._frames: list[tuple[Frame, str | bytes]] = []  # that wait for their lines, with their texts
        self._lines: list[bytes] = []  # that are not written yet, older than those frames
        self._deferred = False  # a flush is under way
        self._offsets = array("Q")  # where the line of each frame begins, in bytes: frame n at index n - 1
        self._written = 0  # bytes of the file
        self._end = 0  # bytes of the file once these lines are written
        try:
            if replace and path.is_file():
                if is_locked(path):
                    raise InputError(str(path), "a session is being recorded to it", hint="choose another name")
                if is_kept(path):
                    raise InputError(str(path), IS_READ, hint="choose another name")
                path.unlink()
            # Readable too: /show reads frames back whose audio the log has evicted.
            self._file = open_private(path, os.O_RDWR | os.O_APPEND | os.O_EXCL)
        except FileExistsError:
            if replace:
                raise InputError(
                    str(path), "not a regular file: only that is replaced", hint="choose another name"
                ) from None
            raise InputError(str(path), "it exists already", hint="choose another name, or --force") from None
        except OSError as error:
            raise unwritable(path, error) from error
        lock(self._file)
        self._take(header.line().encode())
        self.flush()
        if self.problem:
            raise InputError(str(path), self.problem)
        self._failed = failed

    def __repr__(self) -> str:
        state = self.problem or ("closed" if self.closed else f"{len(self._offsets)} frames, {self._written} bytes")
        return f"<RecordingWriter {self.path.name}: {state}>"

    @property
    def closed(self) -> bool:
        """Nothing is taken in any more."""
        return self._file < 0

    @property
    def size(self) -> int:
        """Bytes of the file, with what waited until now."""
        self.flush()
        return self._written

    def add(self, record: Record) -> None:
        """Take a record in; it is written without its secrets."""
        if self._file < 0:
            return
        if isinstance(record, Frame):
            # With its text now, which the log forgets soon; the rest is done for all frames of a turn at once.
            self._frames.append((record, record.raw))
        else:
            self._take(record_line(record, masked))
        if self._defer is None:
            self.flush()
        elif not self._deferred:
            self._deferred = True
            self._defer(self.flush)

    def _take(self, line: bytes) -> None:
        """Take in the line of a record other than a frame."""
        self._make_lines()
        self._lines.append(line + b"\n")
        self._end += len(line) + 1

    def _make_lines(self) -> None:
        """The lines of the frames that wait; their places in the file are known from here on."""
        frames, self._frames = self._frames, []
        for line in frame_lines(frames, masked):
            self._offsets.append(self._end)
            self._end += len(line)
            self._lines.append(line)

    def flush(self) -> None:
        """Write what waits. Never raises."""
        self._deferred = False
        if self._file < 0:
            return
        self._make_lines()
        data, self._lines = b"".join(self._lines), []
        try:
            while data:  # a short write is finished
                written = os.write(self._file, data)
                self._written += written
                data = data[written:]
        except OSError as error:
            self._give_up(error)

    def _give_up(self, error: OSError) -> None:
        """The file ends with the last whole line that it took."""
        self.problem = error.strerror or str(error)
        with contextlib.suppress(OSError):
            # A disk that fills up takes a part of a line; a half line would read as a damaged recording.
            os.ftruncate(self._file, self._whole_lines(self._written))
        self._release()
        self._failed(self.problem)

    def _whole_lines(self, size: int) -> int:
        """How many of the first `size` bytes belong to whole lines."""
        start = max(size - 2**20, 0)  # no line is searched for further back than this
        tail = os.pread(self._file, size - start, start)
        found = tail.rfind(b"\n")
        return start + found + 1 if found >= 0 else size

    def frame(self, number: int) -> Frame | None:
        """Frame `number` as it was written, None where there is none of this number or it cannot be read any more.

        Threads may ask for what was written before.
        """
        if number < 1:
            return None
        if number > len(self._offsets) or self._offsets[number - 1] >= self._written:
            self.flush()  # it may wait
        if number > len(self._offsets):
            return None
        end = self._offsets[number] if number < len(self._offsets) else self._written
        start = self._offsets[number - 1]
        try:
            line = self._read(start, end - start).split(b"\n", 1)[0]
            record = parse_record(line)
        except (OSError, ValueError):
            return None
        return record if isinstance(record, Frame) else None

    def _read(self, offset: int, size: int) -> bytes:
        if self._file >= 0:
            # pread: threads that read do not move the position of each other.
            return os.pread(self._file, size, offset)
        with self.path.open("rb") as file:
            file.seek(offset)
            return file.read(size)

    def close(self, at: float | None = None, exit_code: int = 0) -> None:
        """Write what waits, with `at` also that the session ended then, and let the file go."""
        if self._file < 0:
            return
        if at is not None:
            self._take(record_line(End(at, exit_code)))
        self.flush()
        self._release()

    def _release(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
