"""Writes the records of a session to its file, one write a turn of the event loop."""

from __future__ import annotations

import contextlib
import os
from array import array
from collections.abc import Callable
from pathlib import Path

from rtcli.errors import InputError
from rtcli.files import is_locked, lock, open_private, unwritable
from rtcli.masking import masked
from rtcli.protocol.record import End, Frame, Record
from rtcli.protocol.record_lines import frame_pieces, record_line, text_of
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
        self._waiting: list[tuple[Frame, bytes] | bytes] = []  # frames with their texts, and lines: not written yet
        self._deferred = False  # a flush is under way
        self._offsets = array("Q")  # where the line of each frame begins, in bytes: frame n at index n - 1
        self._written = 0  # bytes of the file
        try:
            if replace and path.is_file():
                if is_locked(path):
                    raise InputError(str(path), "a session is being recorded to it", hint="choose another name")
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
        self._waiting.append(header.line().encode() + b"\n")
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
        # The text now, which the log forgets soon; all that it takes to write it is done for a whole turn at once.
        if isinstance(record, Frame):
            self._waiting.append((record, text_of(record)))
        else:
            self._waiting.append(record_line(record, masked) + b"\n")
        if self._defer is None:
            self.flush()
        elif not self._deferred:
            self._deferred = True
            self._defer(self.flush)

    def flush(self) -> None:
        """Write what waits. Never raises."""
        self._deferred = False
        if not self._waiting or self._file < 0:
            return
        waiting, self._waiting = self._waiting, []
        data = self._lines(waiting)
        try:
            while data:  # a short write is finished
                written = os.write(self._file, data)
                self._written += written
                data = data[written:]
        except OSError as error:
            self._give_up(error)

    def _lines(self, waiting: list[tuple[Frame, bytes] | bytes]) -> bytes:
        """What the file gets, and where in it each frame begins."""
        lines = iter(frame_pieces([one for one in waiting if isinstance(one, tuple)], masked))
        pieces: list[bytes] = []
        end = self._written
        for one in waiting:
            if isinstance(one, tuple):
                self._offsets.append(end)
                head, text, rest = line = next(lines)
                pieces += line
                end += len(head) + len(text) + len(rest)
            else:
                pieces.append(one)
                end += len(one)
        return b"".join(pieces)

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
        if number > len(self._offsets):
            self.flush()  # it may wait
        if not 0 < number <= len(self._offsets):
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
            self._waiting.append(record_line(End(at, exit_code)) + b"\n")
        self.flush()
        self._release()

    def _release(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
