"""The end of the process, which waits for nothing that a tool has left running, nor for long after a signal."""

from __future__ import annotations

import atexit
import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_GRACE_SECONDS = 1.0
"""What is left running may take so long to end: threads that tools have started, handlers of atexit."""


_SIGNAL_SECONDS = 1.5
"""What is under way when a signal comes may take so long to end in order: connections, files, the server in a child."""

GROUPS: set[int] = set()
"""Process groups that we have started, and that end when we do."""

_VISIBLE = b"\x1b[0m\x1b[?25h\x1b[?2004l\r\n"  # plain text, the cursor, no bracketed paste


class Deadline:
    """Ends the process some time after a signal, whatever holds it up: a reader that does not read our output, a host
    name that is being looked up, a tool. The terminal is left as it was when this was made."""

    def __init__(self) -> None:
        self._modes: list[Any] | None = None  # of the terminal
        with contextlib.suppress(Exception):  # no terminal, no termios
            import termios

            # before any prompt has changed them
            self._modes = termios.tcgetattr(0)

    def begin(self, code: int, stay: threading.Event) -> None:
        """Count from now; nothing happens if `stay` is set meanwhile."""
        threading.Thread(target=self._end, args=[code, stay], name="rtcli-deadline", daemon=True).start()

    def _end(self, code: int, stay: threading.Event) -> None:
        if stay.wait(_SIGNAL_SECONDS):
            return
        with contextlib.suppress(Exception):
            self._restore()
        _end_tools()
        os._exit(code)  # not after a flush: it would wait as well

    def _restore(self) -> None:
        if self._modes is None:
            return
        import termios

        termios.tcsetattr(0, termios.TCSANOW, self._modes)
        terminal = os.open(os.ttyname(0), os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY)
        os.write(terminal, _VISIBLE)
        os.close(terminal)


def leave(code: int) -> int:
    """The code to end with. Where a tools file was loaded, the process ends soon, whatever the file's code does."""
    threads = sys.modules.get("rtcli.session.tools.threads")
    # without a tools file the interpreter's own end is as quick and more orderly
    if threads is None or "rtcli.session.tools.python_file" not in sys.modules:
        return code
    threading.Thread(target=_end_later, args=[code], name="rtcli-leaving", daemon=True).start()
    if threads.any_running():
        # The interpreter's own end would abort if the tool were just printing, and joins what threads it has started.
        # os._exit() below skips them.
        atexit._run_exitfuncs()
        _end(code)
    return code


def _end_later(code: int) -> None:
    time.sleep(_GRACE_SECONDS)
    _end(code)


def _end(code: int) -> None:
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):
            stream.flush()
    _end_tools()
    os._exit(code)


def _end_tools() -> None:
    for group in list(GROUPS):
        with contextlib.suppress(OSError):
            os.killpg(group, signal.SIGKILL)
    # Of tools: SIGTERM, so that a database or a browser that one has started can still clean up.
    for process in _descendants(os.getpid()):
        with contextlib.suppress(OSError):
            os.kill(process, signal.SIGTERM)


def _descendants(parent: int) -> Iterator[int]:
    """The processes that a tool has started and waits for, where the system tells: they hold our stderr open.

    Those of a session of their own were meant to outlive us.
    """
    for child in _children(parent):
        with contextlib.suppress(OSError):
            if os.getsid(child) == os.getsid(0):
                # The youngest first: a shell that ended before its child would leave that to init, where we do not find
                # it.
                yield from _descendants(child)
                yield child


def _children(parent: int) -> list[int]:
    found: list[int] = []
    for file in Path(f"/proc/{parent}/task").glob("*/children"):
        with contextlib.suppress(OSError, ValueError):
            found += map(int, file.read_text(encoding="ascii").split())
    return found
