"""What led to a frame we send: a command, a key, or a frame of the server, carried in a context variable."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import NamedTuple


class Cause(NamedTuple):
    """`text` is what rows show ("/respond", "#12 response.done"), `frame` the number of the server's frame, if any."""

    text: str = ""
    frame: int | None = None


_UNKNOWN = Cause()
_cause: ContextVar[Cause] = ContextVar("rtcli_cause", default=_UNKNOWN)


@contextmanager
def caused_by(text: str) -> Iterator[None]:
    """Whatever is sent inside has this cause, also from tasks that are started inside.

    A frame of the server that led here stays known: a tool runs because of its call.
    """
    token = _cause.set(Cause(text, _cause.get().frame))
    try:
        yield
    finally:
        _cause.reset(token)


def current_cause() -> Cause:
    """The cause of a frame that is sent now."""
    return _cause.get()


def set_cause_frame(number: int, event_type: str) -> None:
    """From here on this context (the transport's reader) acts because of the frame `number` that it received."""
    _cause.set(Cause(f"#{number} {event_type}", number))
