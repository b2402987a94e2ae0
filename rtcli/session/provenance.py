"""What led to a frame we send: a command, a key, or a frame of the server, carried in a context variable."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_cause: ContextVar[str] = ContextVar("rtcli_cause", default="")


@contextmanager
def caused_by(cause: str) -> Iterator[None]:
    """Whatever is sent inside has this cause, also from tasks that are started inside."""
    token = _cause.set(cause)
    try:
        yield
    finally:
        _cause.reset(token)


def current_cause() -> str:
    """The cause of a frame that is sent now; "" where none is known."""
    return _cause.get()


def received(number: int, event_type: str) -> None:
    """From here on this context (the transport's reader) acts because of the frame `number` that it received."""
    _cause.set(f"#{number} {event_type}")
