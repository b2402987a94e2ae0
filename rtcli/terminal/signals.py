"""The signals that end the program in order, each with its exit code."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Callable, Iterator

from rtcli.errors import ExitCode

_CODES = {"SIGINT": ExitCode.INTERRUPTED, "SIGTERM": ExitCode.TERMINATED, "SIGHUP": ExitCode.HANGUP}


@contextlib.contextmanager
def on_signal(leave: Callable[[ExitCode], None]) -> Iterator[None]:
    """Meanwhile a signal calls `leave` with its code on the running loop, instead of ending the process on the spot.

    Where a loop takes no signals (Windows, a thread) Ctrl+C arrives as KeyboardInterrupt, as ever.
    """
    loop, taken = asyncio.get_running_loop(), []
    for name, code in _CODES.items():
        with contextlib.suppress(AttributeError, NotImplementedError, RuntimeError, ValueError):
            loop.add_signal_handler(getattr(signal, name), leave, code)
            taken.append(getattr(signal, name))
    try:
        yield
    finally:
        for number in taken:
            loop.remove_signal_handler(number)
