"""Lines of standard input or of a file, one at a time, without stalling the loop."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import threading
from collections.abc import AsyncIterator
from typing import TextIO

from rtcli.cli.event_input import read_chunks
from rtcli.errors import InputError
from rtcli.files import expanded
from rtcli.reading import decode_line, utf8_chunks

_MAX_AHEAD = 64
"""Lines that are read before somebody asks for them: a file of any size takes no more memory than these."""


class Lines:
    """Reads in a thread of its own, because a file or a terminal cannot be waited for by every event loop.

    The thread is a daemon: what is still unread when the program ends is nobody's concern.
    """

    def __init__(self, file: str, stdin: TextIO | None = None) -> None:
        self._file = file
        self._stdin = stdin or sys.stdin  # what "-" stands for
        self._loop = asyncio.get_running_loop()
        self._queue: asyncio.Queue[bytes | InputError | None] = asyncio.Queue()  # None: the end of the input
        # Not the queue's own bound: another thread cannot wait for an asyncio.Queue.
        self._free_slots = threading.Semaphore(_MAX_AHEAD)
        threading.Thread(target=self._read, name="rtcli-input", daemon=True).start()

    async def __aiter__(self) -> AsyncIterator[tuple[int, str]]:
        """The number of each line, from 1, and its text without the end. Raises InputError."""
        number = 0
        while (line := await self._queue.get()) is not None:
            # Also for an error and for the end, which took a slot as well.
            self._free_slots.release()
            if isinstance(line, InputError):
                raise line
            number += 1
            yield number, decode_line(line, self._file, number).rstrip("\r\n")

    def _read(self) -> None:
        try:
            self._split()
        except InputError as error:
            self._put(error)
        except OSError as error:
            self._put(InputError(self._file, error.strerror or str(error)))
        self._put(None)

    def _split(self) -> None:
        with contextlib.ExitStack() as opened:
            if self._file == "-":
                descriptor = self._stdin.fileno()
            else:
                descriptor = opened.enter_context(expanded(self._file).open("rb")).fileno()
            rest = b""
            for chunk in utf8_chunks(read_chunks(descriptor), self._file):
                # Split as bytes: str.splitlines() would also split at U+2028, which JSON allows inside of a string.
                *lines, rest = (rest + chunk).split(b"\n")
                for line in lines:
                    self._put(line)
            if rest:  # the last line, whose writer has left the line end out
                self._put(rest)

    def _put(self, line: bytes | InputError | None) -> None:
        self._free_slots.acquire()
        with contextlib.suppress(RuntimeError):  # the loop has ended: the program is leaving
            self._loop.call_soon_threadsafe(self._queue.put_nowait, line)
