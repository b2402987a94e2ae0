"""Feeds the looking half of a session, or one part of it, with records made in a test."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from rtcli.protocol.record import Direction, Frame, Record
from rtcli.views import View


class TakesRecords(Protocol):
    """A part, or the whole state."""

    def observe(self, record: Record) -> Iterable[View]: ...


class Feeder:
    """Numbers and feeds frames; each call gives the views that came of it, a frame itself left out."""

    def __init__(self, part: TakesRecords) -> None:
        self.part = part
        self._number = 0

    def received(self, event: Mapping[str, Any], at: float = 0.0) -> list[View]:
        """The server sends an event."""
        return self._frame(Direction.RECEIVED, event, at)

    def sent(self, event: Mapping[str, Any], at: float = 0.0) -> list[View]:
        """We send an event."""
        return self._frame(Direction.SENT, event, at)

    def _frame(self, direction: Direction, event: Mapping[str, Any], at: float) -> list[View]:
        self._number += 1
        return self.record(Frame(self._number, at, direction, event, size=0))

    def record(self, record: Record) -> list[View]:
        """Something happened."""
        return [view for view in self.part.observe(record) if not isinstance(view, Frame)]
