"""What led to a frame we send: a command, a key, or a frame of the server, carried in a context variable."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import NamedTuple


class _Cause(NamedTuple):
    """`text` is what the user did. `wire`, `number` and `type` are those of the frame that led here, if one did."""

    text: str
    wire: object
    number: int | None
    type: str


_NOTHING = _Cause("", None, None, "")
_cause: ContextVar[_Cause] = ContextVar("rtcli_cause", default=_NOTHING)


@contextmanager
def caused_by(text: str) -> Iterator[None]:
    """Whatever is sent inside has this cause, also from tasks that are started inside.

    A frame of the server that led here stays known: a tool runs because of its call.
    """
    token = _cause.set(_cause.get()._replace(text=text))
    try:
        yield
    finally:
        _cause.reset(token)


def set_cause_frame(wire: object, number: int, event_type: str) -> None:
    """From here on this context (the transport's reader) acts because of a frame that it received.

    `wire` stands for whatever numbers the frames: numbers of another one mean nothing on it.
    """
    _cause.set(_Cause("", wire, number, event_type))


def current_cause(wire: object) -> tuple[str, int | None]:
    """The cause of a frame that is sent now: as rows show it ("/respond", "#12 response.done"), and the number of the
    frame of the same `wire`, if any."""
    text, of, number, event_type = _cause.get()
    if number is None or of is not wire:
        return text, None
    return text or f"#{number} {event_type}", number
