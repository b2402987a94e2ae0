"""A terminal for tests: a program in a real pty, its screen and scrollback kept by pyte, cursor questions answered."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType

import pyte

from tests.kit.waiting import DEADLINE

# In a process of its own: what runs between fork and exec in a process with threads may wait for a lock for ever.
_TAKE_TERMINAL = (
    "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execvp(sys.argv[1], sys.argv[1:])"
)


class Screen(pyte.HistoryScreen):
    """A screen that answers the program's questions over the pty."""

    def __init__(self, columns: int, lines: int, answer: Callable[[str], None]) -> None:
        super().__init__(columns, lines, history=100_000, ratio=0.5)
        self._answer = answer

    def write_process_input(self, data: str) -> None:
        self._answer(data)


class Terminal:
    """Runs `argv` in a pty of `columns` x `lines`; a context manager that leaves no process behind.

    Without `keeps_screen` there is only what was written, in `raw`: to read it takes no time.
    """

    def __init__(
        self,
        argv: Sequence[str],
        *,
        columns: int = 100,
        lines: int = 24,
        environ: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        keeps_screen: bool = True,
    ) -> None:
        self._argv = list(argv)
        self._keeps_screen = keeps_screen
        self._cwd = cwd
        self._environ = {**_clean_environ(), **(environ or {})}
        self.screen = Screen(columns, lines, self.send)
        self._stream = pyte.ByteStream(self.screen)
        self.raw = bytearray()
        self.status: int | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._fd = -1

    def __enter__(self) -> Terminal:
        self._fd, theirs = pty.openpty()
        self._set_size()
        command = [sys.executable, "-I", "-S", "-c", _TAKE_TERMINAL, *self._argv]
        try:
            self._process = subprocess.Popen(
                command,
                stdin=theirs,
                stdout=theirs,
                stderr=theirs,
                cwd=self._cwd,
                env=self._environ,
                start_new_session=True,
            )
        except BaseException:
            self.hang_up()
            raise
        finally:
            os.close(theirs)
        return self

    @property
    def pid(self) -> int:
        """The process of the program."""
        assert self._process is not None
        return self._process.pid

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.hang_up()
        if self._process is not None:
            self._process.kill()
            self.status = self._process.wait()

    def send(self, keys: str) -> None:
        """Type."""
        with contextlib.suppress(OSError):
            os.write(self._fd, keys.encode())

    def kill(self, number: signal.Signals) -> None:
        """Send the program a signal."""
        os.kill(self.pid, number)

    def resize(self, columns: int) -> None:
        """Give the terminal another width; the program gets SIGWINCH."""
        self.screen.resize(columns=columns)
        self._set_size()

    def hang_up(self) -> None:
        """Close the terminal under the program."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def read(self, seconds: float = 0.0) -> bool:
        """Take what the program has written, waiting at most so long for it; False when nothing came."""
        if self._fd < 0 or not select.select([self._fd], [], [], seconds)[0]:
            return False
        try:
            data = os.read(self._fd, 65536)
        except OSError:
            data = b""
        self.raw += data
        if self._keeps_screen:
            self._stream.feed(data)
        return bool(data)

    def wait_for(self, condition: Callable[[], object] | str, *, deadline: float = DEADLINE) -> None:
        """Read until a text is to be seen, or a condition is true; fails with the screen at the deadline."""
        met = (lambda: condition in self.text()) if isinstance(condition, str) else condition
        end = time.monotonic() + deadline
        while not met():
            assert time.monotonic() < end, f"waited for {condition}:\n{self.text()}"
            self.read(0.05)

    def wait_exit(self, *, deadline: float = DEADLINE) -> int:
        """The exit code, as a shell would see it."""
        end = time.monotonic() + deadline
        while self.status is None:
            assert time.monotonic() < end, f"the program still runs:\n{self.text()}"
            self.read(0.02)
            assert self._process is not None
            self.status = self._process.poll()
        while self.read(0.0):
            pass
        return self.status

    def text(self) -> str:
        """Scrollback and screen, without the white space at the ends of lines."""
        return "\n".join(self.rows()).rstrip()

    def rows(self) -> list[str]:
        """Every row that ever was, then those of the screen."""
        above = [_row_text(row, self.screen.columns) for row in self.screen.history.top]
        return above + [row.rstrip() for row in self.screen.display]

    def shown(self) -> list[str]:
        """The rows of the screen that hold something."""
        return [row.rstrip() for row in self.screen.display if row.strip()]

    def echoes(self) -> bool:
        """Whether the terminal is in the state that a shell leaves it in: it echoes and reads by lines."""
        flags = termios.tcgetattr(self._fd)[3]
        return bool(flags & termios.ECHO and flags & termios.ICANON)

    def _set_size(self) -> None:
        size = struct.pack("HHHH", self.screen.lines, self.screen.columns, 0, 0)
        fcntl.ioctl(self._fd, termios.TIOCSWINSZ, size)


def _row_text(row: Mapping[int, object], columns: int) -> str:
    return "".join(str(getattr(row[x], "data", " ")) if x in row else " " for x in range(columns)).rstrip()


def _clean_environ() -> dict[str, str]:
    """The environment without what changes how a terminal is taken."""
    changing = ("NO_COLOR", "FORCE_COLOR", "COLORTERM", "TMUX", "TERM_PROGRAM", "VTE_VERSION", "EDITOR", "VISUAL")
    kept = {name: value for name, value in os.environ.items() if name not in changing}
    return {**kept, "TERM": "xterm-256color", "LANG": "C.UTF-8", "PYTHONUNBUFFERED": "1"}
