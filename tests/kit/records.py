"""Feeds the looking half of a session, or one part of it, with records made in a test."""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import copy_context
from typing import Any

from rtcli.protocol.frame_maker import FrameMaker
from rtcli.protocol.record import Frame, Record
from rtcli.session.part import Part, Router
from rtcli.session.state import SessionState
from rtcli.views import View


class Feeder:
    """Makes frames and feeds them; each call gives the views that came of it, a frame itself left out."""

    def __init__(self, fed: Part | SessionState) -> None:
        self.fed = fed
        self.frames = FrameMaker()
        self._router = Router({} if isinstance(fed, SessionState) else {"part": fed})

    def received(self, event: Mapping[str, Any] | None, at: float = 0.0) -> list[View]:
        """The server sends an event; None: something that is not one."""
        problem = "" if event else "not JSON"
        frame = copy_context().run(
            self.frames.received, event, "", at, problem=problem
        )  # what we send is not due to it
        return self.record(frame)

    def sent(self, event: Mapping[str, Any], at: float = 0.0) -> list[View]:
        """We send an event."""
        return self.record(self.frames.sent(event, "", at))

    def record(self, record: Record) -> list[View]:
        """Something happened."""
        if isinstance(self.fed, SessionState):
            return [view for view in self.fed.observe(record) if not isinstance(view, Frame)]
        arguments = (record.event, record) if isinstance(record, Frame) else (record,)
        return [view for _, handler in self._router.handlers(record) for view in handler(*arguments) or ()]
