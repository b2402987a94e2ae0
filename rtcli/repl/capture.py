"""While the prompt is up, what others would write to the terminal goes through the writer."""

from __future__ import annotations

import asyncio
import contextlib
import io
import logging
import os
import sys
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from rtcli.views import Level, Notice, Text

if TYPE_CHECKING:
    from rtcli.views import View

    ShowView = Callable[[View], None]

_STDOUT, _STDERR = 1, 2

_MAX_LINE = 65_536
"""Characters of one line: what has no line breaks is shown in pieces."""


@contextlib.contextmanager
def captured(show: ShowView, *, descriptor: bool = False) -> Iterator[None]:
    """Log records from WARNING on, warnings, and whatever is printed (a user's tool may do so) become views.

    A handler that would write to the terminal steps back meanwhile; what it was there for (debugging) is shown instead.
    `descriptor`: also what child processes write to descriptor 1, which is not the prompt's own then.
    Must be entered on the loop's thread; any thread may log and print inside.
    """
    loop = asyncio.get_running_loop()

    def post(view: View) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody is there to see it
            loop.call_soon_threadsafe(show, view)

    root = logging.getLogger()
    # a log file goes on
    replaced = [handler for handler in root.handlers if _writes_to_terminal(handler)]
    ours = _Handler(post, logging.NOTSET if replaced else logging.WARNING)
    before, root.handlers[:] = root.handlers[:], [ours, *(other for other in root.handlers if other not in replaced)]
    logging.captureWarnings(True)
    loop_handler = loop.get_exception_handler()
    # the default one logs a traceback, of which a user of the prompt can make nothing
    loop.set_exception_handler(lambda _, details: post(_problem(details)))
    out, err = _Printed(post), _Printed(post)
    try:
        with contextlib.ExitStack() as stack:
            stack.enter_context(_native_errors_dropped())
            if descriptor:
                stack.enter_context(_descriptor_read(post))
            stack.enter_context(contextlib.redirect_stdout(out))
            stack.enter_context(contextlib.redirect_stderr(err))
            yield
    finally:
        loop.set_exception_handler(loop_handler)
        logging.captureWarnings(False)
        root.handlers[:] = before


@contextlib.contextmanager
def _native_errors_dropped() -> Iterator[None]:
    """Libraries in C write to the terminal itself: PortAudio and ALSA do at every hiccup, right across the prompt.

    What matters of it reaches us as errors. RTCLI_DEBUG=1 lets it through, and so does a stderr that is not a terminal.
    """
    if os.environ.get("RTCLI_DEBUG") or not os.isatty(_STDERR):
        yield
        return
    terminal, nowhere = os.dup(_STDERR), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, _STDERR)
    os.close(nowhere)
    try:
        yield
    finally:
        os.dup2(terminal, _STDERR)
        os.close(terminal)


@contextlib.contextmanager
def _descriptor_read(post: ShowView) -> Iterator[None]:
    """What is written to descriptor 1 becomes views, line by line."""
    before = os.dup(_STDOUT)
    read, write = os.pipe()
    os.dup2(write, _STDOUT)
    os.close(write)
    # A daemon: a child process that outlives us may keep the other end open.
    threading.Thread(target=_read_lines, args=[read, post], name="rtcli-stdout", daemon=True).start()
    try:
        yield
    finally:
        os.dup2(before, _STDOUT)
        os.close(before)


def _read_lines(descriptor: int, post: ShowView) -> None:
    with os.fdopen(descriptor, encoding="utf-8", errors="replace") as lines:
        while line := lines.readline(_MAX_LINE):
            post(Text(line.rstrip("\n")))


def _problem(details: dict[str, Any]) -> Notice:
    error = details.get("exception")
    why = f"{type(error).__name__}: {error}" if error else ""
    return Notice(str(details.get("message", "unhandled error")), why, level=Level.ERROR)


def _writes_to_terminal(handler: logging.Handler) -> bool:
    # the originals as well: a handler may have been made before a redirection
    streams = (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__)
    return isinstance(handler, logging.StreamHandler) and handler.stream in streams


_LEVELS = ((logging.ERROR, Level.ERROR), (logging.WARNING, Level.WARNING), (logging.NOTSET, Level.INFO))


class _Handler(logging.Handler):
    def __init__(self, show: ShowView, level: int) -> None:
        super().__init__(level)
        self._show = show

    def emit(self, record: logging.LogRecord) -> None:
        level = next(level for minimum, level in _LEVELS if record.levelno >= minimum)
        # a notice is one line; a traceback that a library puts into its message is not for the prompt
        first, *_ = record.getMessage().strip().splitlines() or [""]
        why = f"{record.exc_info[0].__name__}: {record.exc_info[1]}" if record.exc_info and record.exc_info[0] else ""
        self._show(Notice(f"{record.name}: {first}", why, level=level))


class _Printed(io.TextIOBase):
    """A stream whose lines become views when they are whole."""

    def __init__(self, show: ShowView) -> None:
        self._show = show
        self._line = ""

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return "utf-8"

    def writable(self) -> bool:
        return True

    def isatty(self) -> bool:
        return False

    def write(self, text: str) -> int:
        whole, newline, rest = (self._line + text).rpartition("\n")
        self._line = rest
        if newline:
            self._show(Text(whole))
        return len(text)

    def flush(self) -> None:
        """A line is shown when it is whole: a program that flushes half of one will go on with it."""
