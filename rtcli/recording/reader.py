"""Reads a recording, record by record: also one that was cut off, packed, edited, or that other programs wrote."""

from __future__ import annotations

import gzip
import io
import sys
import zlib
from array import array
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import BinaryIO, cast

from rtcli.errors import InputError
from rtcli.files import expanded, keep
from rtcli.protocol.pending import PendingRequests
from rtcli.protocol.record import Frame, Record
from rtcli.protocol.record_parsing import LineError, UnknownKindError, parse_object, parse_record
from rtcli.reading import UTF16_MARKS, utf8_chunks
from rtcli.recording.header import Header, read_header

_GZIP = b"\x1f\x8b"
_BOM = b"\xef\xbb\xbf"
_BREAK = b"\r\n\t "
_CHUNK = 65_536  # bytes
_HINT = "a recording has one JSON object on each line"
_MAX_PROBLEMS = 20  # lines that are named; a file of another kind has as many as it has lines


class RecordingReader:
    """The records of one file, in order; `notes` says what was passed over, complete when the last record was read.

    `header` is None for a file that has none (`--both`, plain events). Frames are numbered from 1 without a gap: where
    lines are missing, the numbers that others refer to follow.
    """

    def __init__(self, stream: BinaryIO, name: str) -> None:
        """`name` is what errors call the file. Raises InputError for a header that cannot be read."""
        self.name = name
        self._stream = stream
        self.header: Header | None = None
        self._lines = self._read_lines(stream)
        self._line_number = 0  # of the line that was read last, from 1
        self._next_line: tuple[int, bytes] | None = None  # its number, where it was looked at before it was its turn
        self._problems: list[str] = []
        self._more_problems = 0
        self._empty = True  # neither a header nor a record was read
        self._unknown: Counter[str] = Counter()
        self._numbers: dict[int, int] = {}  # the number of a frame in the file -> its number here, where they differ
        self._frames = 0
        self._position = 0  # bytes of the file that were read
        self._line_start = 0  # where the line that was read last begins
        self._starts: array[int] | None = array("Q") if stream.seekable() else None  # of the lines of the frames
        self._renumbered = False
        self._pending = PendingRequests()  # finds what a frame answers where the file does not say it
        self._at = 0.0  # of the last record, for those that say no time
        self._release = _kept(stream)
        try:
            self._read_header()
        except InputError:
            self.close()
            raise

    def __enter__(self) -> RecordingReader:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let the file go."""
        self._release()
        self._release = _nothing
        if self._stream is not sys.stdin.buffer:  # not ours to close
            self._stream.close()

    @property
    def notes(self) -> tuple[str, ...]:
        """What was passed over so far, one sentence each."""
        more = (f"{_lines(self._more_problems)} more passed over",) if self._more_problems else ()
        counted = tuple(f"{why}: {_lines(times)} passed over" for why, times in self._unknown.items())
        renumbered = ("frames are missing: those that are left have new numbers",) if self._renumbered else ()
        return (*self._problems, *more, *counted, *renumbered)

    def frame(self, number: int) -> Frame | None:
        """Frame `number` of those that were read once more; None where the file cannot be read twice, or was edited."""
        if self._starts is None or self._renumbered or self.header is None or not 0 < number <= len(self._starts):
            return None
        try:
            with expanded(self.name).open("rb") as file:
                # A position in the unpacked text says nothing about the packed file, nor one in UTF-8 about UTF-16.
                if file.read(2) in (_GZIP, *UTF16_MARKS):
                    return None
                file.seek(self._starts[number - 1])
                record = parse_record(file.readline().strip(_BREAK))
        except (OSError, LineError):
            return None
        return record if isinstance(record, Frame) and record.number == number else None

    def __iter__(self) -> Iterator[Record]:
        """Each record. Raises InputError where the file itself cannot be read on, or holds no record at all."""
        while (line := self._next()) is not None:
            try:
                record = self._record(line)
            except UnknownKindError as unknown:
                self._unknown[str(unknown)] += 1
            except LineError as problem:
                self._problem(line, problem)
            else:
                self._at, self._empty = max(self._at, record.at), False
                yield record
        if self._empty:
            raise InputError(self.name, "not a recording: none of its lines is an event", hint=_HINT)

    def _read_header(self) -> None:
        first = self._peek()
        if first is None:
            raise InputError(self.name, self._problems[0] if self._problems else "it is empty", hint=_HINT)
        try:
            self.header = read_header(parse_object(first))
        except LineError as error:
            # A whole line that is broken JSON may be a recording whose first line was damaged; text is another file.
            if not first.endswith(b"}"):
                raise InputError(self.name, f"not a recording: {error}", line=self._line_number) from error
            return
        except ValueError as error:
            raise InputError(self.name, str(error), line=self._line_number) from error
        if self.header is not None:
            self._next_line, self._empty = None, False

    def _next(self) -> bytes | None:
        """The next line that is not empty, without its end."""
        if self._next_line is not None:
            (self._line_number, line), self._next_line = self._next_line, None
            return line
        for line in self._lines:
            self._line_number += 1
            self._line_start, self._position = self._position, self._position + len(line)
            if stripped := line.removeprefix(_BOM).strip(_BREAK):
                return stripped
        return None

    def _record(self, line: bytes) -> Record:
        # Two recordings that were put behind each other with cat.
        if line.startswith(b'{"rtcli"'):
            raise UnknownKindError("another header")
        record = parse_record(line, self._frames + 1, self._at)
        return self._numbered(record) if isinstance(record, Frame) else record

    def _numbered(self, frame: Frame) -> Frame:
        self._frames += 1
        if self._starts is not None:
            self._starts.append(self._line_start)
        # Recordings say themselves what a frame answers; logs of other programs do not.
        if self.header is None:
            frame.parent = self._pending.observe(self._frames, frame.direction, frame.event, frame.parent)
        if frame.number != self._frames:
            self._renumbered = True
            self._numbers[frame.number] = self._frames
        elif not self._renumbered:
            return frame
        parent = frame.parent and self._numbers.get(frame.parent, frame.parent)
        return replace(frame, number=self._frames, parent=parent if parent and parent < self._frames else None)

    def _problem(self, line: bytes, problem: LineError) -> None:
        number = self._line_number
        if len(self._problems) >= _MAX_PROBLEMS:
            self._more_problems += 1
        # Whether it was the last line tells a recording that was cut off from one that was damaged.
        elif self._peek() is not None:
            self._problems.append(f"line {number} was passed over: {problem}")
        elif line.startswith(b"{") and not line.endswith(b"}"):
            self._problems.append(f"the last line was cut off after {len(line)} bytes")
        else:
            self._problems.append(f"the last line was passed over: {problem}")

    def _peek(self) -> bytes | None:
        """The line that follows, if there is one; it is read again afterwards."""
        following = self._next()
        if following is not None:
            self._next_line = self._line_number, following
        return following

    def _read_lines(self, stream: BinaryIO) -> Iterator[bytes]:
        """Line by line, unpacked where it is gzip; a packed file that was cut off is read to where it ends."""
        buffered = io.BufferedReader(cast(io.RawIOBase, stream)) if not hasattr(stream, "peek") else stream
        start = cast(io.BufferedReader, buffered).peek(3)[:3]
        source = cast(BinaryIO, gzip.GzipFile(fileobj=buffered)) if start.startswith(_GZIP) else buffered
        try:
            begun = cast(io.BufferedReader, source).peek(2)
            yield from self._recoded(source) if begun.startswith(UTF16_MARKS) else source
        except EOFError:
            self._problems.append("the packed file was cut off")
        except zlib.error as error:
            raise InputError(self.name, f"the packed file is damaged: {error}") from error
        except OSError as error:
            raise InputError(self.name, error.strerror or str(error)) from error

    def _recoded(self, source: BinaryIO) -> Iterator[bytes]:
        """The lines of UTF-16, which PowerShell writes for `>`, as UTF-8."""
        rest = b""
        try:
            for chunk in utf8_chunks(iter(partial(source.read, _CHUNK), b""), self.name):
                *lines, rest = (rest + chunk).split(b"\n")
                yield from (line + b"\n" for line in lines)
        except InputError as error:  # the file was cut off inside of a character
            self._problems.append(f"{error.why}: nothing was read from there on")
        yield rest


def open_recording(file: str) -> RecordingReader:
    """The recording in a file, "-" for standard input. Raises InputError."""
    if file == "-":
        return RecordingReader(cast(BinaryIO, sys.stdin.buffer), "standard input")
    try:
        return RecordingReader(expanded(file).open("rb"), file)
    except OSError as error:
        raise InputError(file, error.strerror or str(error)) from error


def _kept(stream: BinaryIO) -> Callable[[], None]:
    """Nothing of this process overwrites the file until what is given back is called."""
    try:
        return keep(stream.fileno())
    except OSError:  # it is in memory
        return _nothing


def _nothing() -> None:
    """There is nothing to let go."""


def _lines(number: int) -> str:
    return f"{number:,} line" if number == 1 else f"{number:,} lines"
