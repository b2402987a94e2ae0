"""The end of the process, which waits for nothing that a tool has left running."""

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

_GRACE_SECONDS = 1.0
"""What is left running may take so long to end: threads that tools have started, handlers of atexit."""


def leave(code: int) -> int:
    """The code to end with. Where a tools file was loaded, the process ends soon, whatever the file's code does."""
    threads = sys.modules.get("rtcli.session.tools.threads")
    if threads is None:
        return code
    threading.Thread(target=_end_later, args=[code], name="rtcli-leaving", daemon=True).start()
    if threads.any_running():
        # The interpreter's own end would abort if the tool were just printing, and joins what threads it has started.
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
    for process in _descendants(os.getpid()):
        with contextlib.suppress(OSError):
            os.kill(process, signal.SIGTERM)
    os._exit(code)


def _descendants(parent: int) -> Iterator[int]:
    """The processes that a tool has started and waits for, where the system tells: they hold our stderr open.

    Those of a session of their own were meant to outlive us.
    """
    for child in _children(parent):
        with contextlib.suppress(OSError):
            if os.getsid(child) == os.getsid(0):
                yield from _descendants(child)
                yield child


def _children(parent: int) -> list[int]:
    found: list[int] = []
    for file in Path(f"/proc/{parent}/task").glob("*/children"):
        with contextlib.suppress(OSError, ValueError):
            found += map(int, file.read_text(encoding="ascii").split())
    return found
