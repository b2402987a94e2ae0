"""While the prompt is up, what others would write to the terminal goes through the writer."""

from __future__ import annotations

import asyncio
import contextlib
import io
import logging
from collections.abc import Callable, Iterator
from typing import Any

from rtcli.views import Level, Notice, Text, View

Show = Callable[[View], None]


@contextlib.contextmanager
def captured(show: Show) -> Iterator[None]:
    """Log records from WARNING on, warnings, and whatever is printed (a user's tool may do so) become views.

    Must be entered on the loop's thread; any thread may log and print inside.
    """
    loop = asyncio.get_running_loop()

    def hand_over(view: View) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody is there to see it
            loop.call_soon_threadsafe(show, view)

    handler = _Handler(hand_over)
    root = logging.getLogger()
    root.addHandler(handler)
    logging.captureWarnings(True)
    loop_handler = loop.get_exception_handler()
    loop.set_exception_handler(lambda _, about: hand_over(_problem(about)))
    try:
        with contextlib.redirect_stdout(_Printed(hand_over)), contextlib.redirect_stderr(_Printed(hand_over)):
            yield
    finally:
        loop.set_exception_handler(loop_handler)
        logging.captureWarnings(False)
        root.removeHandler(handler)


def _problem(about: dict[str, Any]) -> Notice:
    error = about.get("exception")
    why = f"{type(error).__name__}: {error}" if error else ""
    return Notice(str(about.get("message", "an error nobody handled")), why, level=Level.ERROR)


class _Handler(logging.Handler):
    def __init__(self, show: Show) -> None:
        super().__init__(logging.WARNING)
        self._show = show

    def emit(self, record: logging.LogRecord) -> None:
        level = Level.ERROR if record.levelno >= logging.ERROR else Level.WARNING
        first, *_ = record.getMessage().strip().splitlines() or [""]
        why = f"{record.exc_info[0].__name__}: {record.exc_info[1]}" if record.exc_info and record.exc_info[0] else ""
        self._show(Notice(f"{record.name}: {first}", why, level=level))


class _Printed(io.TextIOBase):
    """A stream whose lines become views when they are whole."""

    def __init__(self, show: Show) -> None:
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
