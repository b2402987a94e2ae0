"""The process's standard input and output, kept apart from the code of others that runs in the same process."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TextIO, cast

from rtcli.masking import masking_stream

_IN, _OUT, _ERR = 0, 1, 2


@dataclass(frozen=True, slots=True)
class StandardStreams:
    """What we read and write. `apart`: what others print on descriptor 1 does not get there."""

    stdin: TextIO
    stdout: TextIO
    apart: bool = False

    @contextlib.contextmanager
    def lent(self) -> Iterator[None]:
        """Meanwhile child processes have the terminal: an editor is ours."""
        if not self.apart:
            yield
            return
        kept = [os.dup(_IN), os.dup(_OUT)]
        os.dup2(self.stdin.fileno(), _IN)
        os.dup2(self.stdout.fileno(), _OUT)
        try:
            yield
        finally:
            for descriptor, place in zip(kept, (_IN, _OUT), strict=True):
                os.dup2(descriptor, place)
                os.close(descriptor)


class Notes:
    """Standard error for users: where it cannot be written (a full disk), its words are lost, and nothing else is."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write what can be written."""
        try:
            return self._stream.write(text)
        except (OSError, ValueError):  # ValueError: what is below it was closed or detached
            self._lose()
            return len(text)

    def flush(self) -> None:
        """Bring out what can be written."""
        try:
            self._stream.flush()
        except (OSError, ValueError):
            self._lose()

    def close(self) -> None:
        """Bring out what can be written. It stays open: the code of a tool is not the only one that writes here."""
        self.flush()

    def _lose(self) -> None:
        """From now on it is written to nowhere: the interpreter would complain of what the stream still holds."""
        with contextlib.suppress(OSError, ValueError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._stream.fileno())
            os.close(nowhere)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def whole_writes(stream: TextIO) -> TextIO:
    """The stream, with a buffer where it has none, as under PYTHONUNBUFFERED: every line still leaves at once.

    A raw file writes once. What a signal cuts off from that, and a terminal sends one for each resize and after Ctrl+Z,
    would be lost; a buffered one goes on with the rest.
    """
    raw = getattr(stream, "buffer", None)
    if not isinstance(raw, io.RawIOBase):
        return stream
    # The stream itself stays usable: code that is not ours may have it, as sys.__stdout__.
    buffered = io.BufferedWriter(raw)
    return io.TextIOWrapper(buffered, encoding=stream.encoding, errors=stream.errors, line_buffering=True)


def notes(stderr: TextIO) -> TextIO:
    """A stream that never fails, and shows no secret."""
    return masking_stream(cast(TextIO, Notes(stderr)))


def shared_streams() -> StandardStreams:
    """The process's own: nobody else is here."""
    return StandardStreams(sys.stdin, sys.stdout)


def streams_apart() -> StandardStreams:
    """Ours on descriptors of their own. For everybody else, child processes included, standard input is empty from now
    on, and standard output is standard error: stdout is data, and stdin is a conversation."""
    try:
        descriptors = os.dup(sys.stdin.fileno()), os.dup(sys.stdout.fileno())
    except (OSError, io.UnsupportedOperation):  # streams without descriptors, as tests have them
        return shared_streams()
    ours = StandardStreams(
        stdin=os.fdopen(descriptors[0], encoding=sys.stdin.encoding, errors=sys.stdin.errors),
        stdout=os.fdopen(descriptors[1], "w", encoding=sys.stdout.encoding, errors=sys.stdout.errors),
        apart=True,
    )
    sys.stdout.flush()
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, _IN)
    os.close(nothing)
    os.dup2(_ERR, _OUT)
    sys.stdin = os.fdopen(_IN, encoding="utf-8", closefd=False)
    # Line by line, so that what is printed stands where it was printed between the output of child processes.
    out = os.fdopen(_OUT, "w", encoding="utf-8", errors="backslashreplace", buffering=1, closefd=False)
    sys.stdout = notes(out)
    return ours
