"""The signals that end the program in order, each with its exit code."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

from rtcli.errors import ExitCode

_CODES = {"SIGINT": ExitCode.INTERRUPTED, "SIGTERM": ExitCode.TERMINATED, "SIGHUP": ExitCode.HANGUP}

LastResort = Callable[[ExitCode, threading.Event], object]
_last_resort: LastResort | None = None
_ended_by: ExitCode | None = None


def set_last_resort(ends: LastResort | None) -> None:
    """Call `ends` whenever a signal comes: it ends the process in time unless the event is set, which means to stay."""
    global _last_resort  # noqa: PLW0603  # there is one process to end
    _last_resort = ends


def ended_by() -> ExitCode | None:
    """The code of the first signal that ends the program; None while it goes on."""
    return _ended_by


@contextlib.contextmanager
def on_signal(leave: Callable[[ExitCode], bool | None]) -> Iterator[None]:
    """Meanwhile a signal calls `leave` with its code on the running loop, instead of ending the process on the spot.

    `leave` returns False where the signal is not for us. Where a loop takes no signals (Windows, a thread) Ctrl+C
    arrives as KeyboardInterrupt, as ever.
    """
    global _ended_by  # noqa: PLW0603  # there is one process to end
    loop = asyncio.get_running_loop()

    def act(code: ExitCode, stay: threading.Event) -> None:
        global _ended_by  # noqa: PLW0603  # as above
        if leave(code) is False:
            stay.set()
        elif _ended_by is None:
            _ended_by = code

    def received(code: ExitCode) -> None:
        stay = threading.Event()
        if _last_resort is not None:
            _last_resort(code, stay)
        with contextlib.suppress(RuntimeError):  # the loop has ended already
            loop.call_soon_threadsafe(act, code, stay)

    previous = dict(_handled(received)) if sys.platform != "win32" else {}
    try:
        yield
    finally:
        _ended_by = None
        for number, handler in previous.items():
            signal.signal(number, handler)


def _handled(received: Callable[[ExitCode], None]) -> Iterator[tuple[int, Any]]:
    """Set the handlers; each signal with the handler that it had.

    They are not the loop's own: those run when the loop comes round, and never while a write waits for a reader.
    """
    for name, code in _CODES.items():
        number = getattr(signal, name)
        if name == "SIGHUP" and signal.getsignal(number) is signal.SIG_IGN:
            continue  # nohup: the terminal's end is not ours

        def handler(_: int, __: FrameType | None, code: ExitCode = code) -> None:
            received(code)

        with contextlib.suppress(ValueError):  # not in the main thread
            yield number, signal.signal(number, handler)
