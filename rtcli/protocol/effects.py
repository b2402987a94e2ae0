"""What a client core wants done: events to send, events to emit, in the order in which they count."""

from __future__ import annotations

from collections.abc import Generator
from contextvars import Context
from dataclasses import dataclass
from typing import Any, TypeAlias

from rtcli.protocol.events import Event


@dataclass(frozen=True, slots=True)
class Send:
    """An event to send; in `context`, where it is sent later than it was asked for; as `frame` where that is given."""

    event: Event
    context: Context | None = None
    frame: bytes = b""


@dataclass(frozen=True, slots=True)
class Ready:
    """The server has confirmed the session of this connection: for the first time, or because of a session.update."""

    updated: bool = False


Effect: TypeAlias = Send | Ready | tuple[Any, ...]
"""A tuple is an event to emit: its name, and its payload if it has one."""

Effects: TypeAlias = Generator[Effect, None, None]
