"""What led to a frame we send: a command, a key, or a frame of the server, carried in a context variable."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeAlias

# A plain tuple, for every message that comes makes one.
_Cause: TypeAlias = tuple[str, object, int | None, str]
"""What the user did; and of the frame that led here, if one did: its wire, its number, its type."""

_cause: ContextVar[_Cause] = ContextVar("rtcli_cause", default=("", None, None, ""))


@contextmanager
def caused_by(text: str) -> Iterator[None]:
    """Whatever is sent inside has this cause, also from tasks that are started inside.

    A frame of the server that led here stays known: a tool runs because of its call.
    """
    _, wire, number, event_type = _cause.get()
    token = _cause.set((text, wire, number, event_type))
    try:
        yield
    finally:
        _cause.reset(token)


def set_cause_frame(wire: object, number: int, event_type: str) -> None:
    """From here on this context (the transport's reader) acts because of a frame that it received.

    `wire` stands for whatever numbers the frames: numbers of another one mean nothing on it.
    """
    _cause.set(("", wire, number, event_type))


def current_cause(wire: object) -> tuple[str, int | None]:
    """The cause of a frame that is sent now: as rows show it ("/respond", "#12 response.done"), and the number of the
    frame of the same `wire`, if any."""
    text, of, number, event_type = _cause.get()
    if number is None or of is not wire:
        return text, None
    return text or f"#{number} {event_type}", number
