"""SessionState: what can be known of a session by looking at its records, whether they come live or from a file."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from rtcli.errors import ExitCode, worst
from rtcli.protocol.history import History
from rtcli.protocol.pending import PendingRequests
from rtcli.protocol.record import Connected, Connection, Frame, Record
from rtcli.session.audio_meter import AudioMeter
from rtcli.session.items import ConversationItems
from rtcli.session.log import WireLog
from rtcli.session.metrics import SessionMetrics
from rtcli.session.part import Part, moment, received
from rtcli.session.reports import Reports
from rtcli.session.transcripts import TranscriptStreams
from rtcli.views import Level, Notice, View

logger = logging.getLogger("rtcli.session")


class SessionState(Part):
    """The looking half of a session: fed with records alone, it has no transport, no loop and no clock.

    `log` holds every frame, `pending` what waits for a reply and what led to what, `items` the conversation, `audio`
    what was received and heard, `transcripts` the text streams, `metrics` the figures, `reports` what went wrong.
    `session` is the session as the server confirmed it last on this connection.
    """

    def __init__(self) -> None:
        self.log = WireLog()
        self.items = ConversationItems()
        self.audio = AudioMeter()
        self.transcripts = TranscriptStreams()
        self.metrics = SessionMetrics()
        self.reports = Reports(self.log, self.transcripts, self.audio)
        self.session: Mapping[str, Any] | None = None
        self.connection: Connected | None = None
        self.pending = PendingRequests()
        # In the order of their views: the frame itself, what went wrong with it, and last what is said. The meter comes
        # before the reports, which ask it where an interruption cut.
        self._steps: tuple[tuple[str, Callable[[Record], Iterable[View]]], ...] = (
            ("log", self.log.observe),
            ("session", super().observe),
            ("items", self.items.observe),
            ("audio", self.audio.observe),
            ("metrics", self.metrics.observe),
            ("reports", self.reports.observe),
            ("transcripts", self.transcripts.observe),
        )
        self._broken: set[tuple[str, type]] = set()  # what failed to take a record in, and how: told once
        self._failed = False  # for the exit code: a defect of ours, whatever the server did

    def __repr__(self) -> str:
        return f"<SessionState: {self.connection}, {len(self.log)} frames, {len(self.history)} items>"

    def observe(self, record: Record) -> list[View]:
        """Take one record in; the views that it amounts to, a frame itself first. Never raises.

        Frames have to be numbered from 1.
        """
        views: list[View] = []
        if isinstance(record, Frame):
            record = self._linked(record)
        for name, step in self._steps:
            try:
                views.extend(step(record))
            except Exception as error:  # noqa: BLE001  # a defect of ours, whatever it is
                views.extend(self._broke(name, error))
        return views

    def _broke(self, name: str, error: Exception) -> Iterable[Notice]:
        """A defect in one part costs neither the others nor the session anything, and is shown once."""
        logger.debug("%s could not take a record in", name, exc_info=error)
        self._failed = True
        if (name, type(error)) in self._broken:
            return ()
        self._broken.add((name, type(error)))
        why = f"{name}: {type(error).__name__}: {error}"
        return (Notice("internal error in rtcli", why, "the session goes on", Level.ERROR),)

    def _linked(self, frame: Frame) -> Frame:
        """The frame with the number of the one that led to it; its sender may know it already."""
        parent = self.pending.observe(frame.number, frame.direction, frame.event, frame.parent)
        return frame if parent == frame.parent else frame.numbered(frame.number, frame.at, frame.cause, parent)

    @received("session.created", "session.updated")
    def _on_session(self, event: Mapping[str, Any], _frame: Frame) -> None:
        if isinstance(session := event.get("session"), Mapping):
            self.session = session

    @moment(Connection)
    def _on_connection(self, record: Connection) -> None:
        self.connection = record.state
        if record.state is Connected.OPEN:
            self.pending.give_up()  # what was sent to open it and has no answer by now will get none
        else:
            self.pending.connection_lost()
            self.session = None

    @property
    def history(self) -> History:
        """The conversation, in the server's order."""
        return self.items.history

    @property
    def exit_code(self) -> ExitCode:
        """The worst that happened so far."""
        return worst(*self.reports.codes, *((ExitCode.UNEXPECTED,) if self._failed else ()))
