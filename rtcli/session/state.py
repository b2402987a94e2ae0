"""SessionState: what can be known of a session by looking at its records, whether they come live or from a file."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from rtcli.errors import ExitCode, worst
from rtcli.protocol.catalog import NAMES
from rtcli.protocol.dialects import Dialect, is_known
from rtcli.protocol.history import History
from rtcli.protocol.items import Item, MessageItem
from rtcli.protocol.record import Connected, Connection, Direction, Frame, Record
from rtcli.protocol.session_config import merge
from rtcli.session.activity import Activity
from rtcli.session.audio_meter import AudioMeter
from rtcli.session.declared_tools import DeclaredTools
from rtcli.session.items import ConversationItems
from rtcli.session.log import MAX_BYTES, WireLog
from rtcli.session.metrics import SessionMetrics
from rtcli.session.occurrences import Occurrences
from rtcli.session.part import Part, Router, moment, received, sent
from rtcli.session.reports import Reports
from rtcli.session.transcripts import TranscriptStreams
from rtcli.session.transfer import TransferResult, portable_items
from rtcli.session.unshown import Unshown
from rtcli.timeline.timeline import Timeline
from rtcli.views import Level, Notice, View

logger = logging.getLogger("rtcli.session")

_SPEECH_ENDS = ("input_audio_buffer.speech_stopped", "input_audio_buffer.committed", "input_audio_buffer.cleared")
"""What ends speech that the server has heard begin: a commit by hand does so without a `speech_stopped`."""

_LOG_IS_FULL = Notice(
    f"the event log holds the newest {MAX_BYTES // 2**20} MiB: older events are forgotten from now on",
    hint="--json keeps every event, in a pipe",
    level=Level.WARNING,
)


class SessionState(Part):
    """The looking half of a session: fed with records alone, it has no transport, no loop and no clock.

    `log` holds every frame, `items` the conversation, `audio` what was received and heard, `transcripts` the text
    streams, `timeline` the turns and their latencies, `metrics` what was counted, `tools` what was declared, `reports`
    what went wrong. `session` is the session as the server confirmed it last on this connection, `last_session` on any.
    """

    def __init__(self) -> None:
        self.log = WireLog()
        self.items = ConversationItems()
        self.audio = AudioMeter()
        self.transcripts = TranscriptStreams()
        self.timeline = Timeline()
        self.metrics = SessionMetrics(self.timeline)
        self.tools = DeclaredTools()
        self.activity = Activity()
        self.unshown = Unshown(self.transcripts)
        self.occurrences = Occurrences(self.log, self.transcripts)
        self.reports = Reports(self.log, self.transcripts, self.audio)
        self._dialect = Dialect()  # what this server says otherwise than GA
        self.session: Mapping[str, Any] | None = None
        self.last_session: Mapping[str, Any] | None = None
        self.asked: Mapping[str, Any] = {}  # what this connection asked of the session, also rtcli by itself
        self.connection: Connected | None = None
        # In the order of their views: what went wrong comes before what is said. The meter comes before the reports,
        # which ask it where an interruption cut.
        self._router = Router(
            {
                "session": self,
                "items": self.items,
                "activity": self.activity,
                "audio": self.audio,
                "metrics": self.metrics,
                "tools": self.tools,
                "occurrences": self.occurrences,
                "reports": self.reports,
                "transcripts": self.transcripts,
                "unshown": self.unshown,
            }
        )
        self._broken: set[tuple[str, type]] = set()  # what failed to take a record in, and how: told once
        self._failed = False  # for the exit code: a defect of ours, whatever the server did

    def __repr__(self) -> str:
        return f"<SessionState: {self.connection}, {len(self.log)} frames, {len(self.history)} items>"

    def observe(self, record: Record) -> list[View]:
        """Take one record in; the views that it amounts to, a frame itself first. Never raises.

        Frames have to follow on each other by their numbers, and to have their parents (`FrameMaker` gives both).
        """
        views: list[View] = []
        arguments: tuple[Any, ...] = (record,)
        if isinstance(record, Frame):
            arguments = (record.event, record)
            try:
                complete = not self.log.forgotten
                self.log.add(shown := record.shown)
                views.append(shown)
                if complete and self.log.forgotten and self.log.read_back is None:
                    views.append(_LOG_IS_FULL)
            except Exception as error:  # noqa: BLE001  # a defect of ours, whatever it is
                views.extend(self._broke("log", error))
            if record.direction is Direction.RECEIVED and (read := self._read(record)) is not None:
                for event in read:
                    self._route(record.with_event(event), (event, record), views)
                return views
        self._route(record, arguments, views)
        return views

    def _read(self, frame: Frame) -> Iterable[Mapping[str, Any]] | None:
        """The GA events that a frame of the server stands for; None where it is one, or nothing that is known."""
        event = frame.event
        if event is None:
            # A text that is not an event is not audio either: it is told of.
            return self._dialect.read_binary(frame.raw) if frame.binary and isinstance(frame.raw, bytes) else None
        kind = event.get("type")
        if not isinstance(kind, str):
            return None
        if kind not in NAMES and not is_known(kind):
            self.unshown.note(kind)
        try:
            return self._dialect.read(dict(event) if not isinstance(event, dict) else event)
        except Exception as error:  # the event is handed on as it is
            logger.debug("a dialect could not read %s", kind, exc_info=error)
            return None

    def _route(self, record: Record, arguments: tuple[Any, ...], views: list[View]) -> None:
        try:
            self.timeline.observe(record)
        except Exception as error:  # noqa: BLE001  # the same
            views.extend(self._broke("timeline", error))
        for name, handler in self._router.handlers(record):
            try:
                if found := handler(*arguments):
                    views.extend(found)
            except Exception as error:  # noqa: BLE001  # the same
                views.extend(self._broke(name, error))

    def _broke(self, name: str, error: Exception) -> Iterable[Notice]:
        """A defect in one part costs neither the others nor the session anything, and is shown once."""
        logger.debug("%s could not take a record in", name, exc_info=error)
        self._failed = True
        if (name, type(error)) in self._broken:
            return ()
        self._broken.add((name, type(error)))
        why = f"{name}: {type(error).__name__}: {error}"
        return (Notice("internal error in rtcli", why, "the session goes on", Level.ERROR),)

    @received("session.created", "session.updated")
    def _on_session(self, event: Mapping[str, Any], _frame: Frame) -> None:
        if isinstance(session := event.get("session"), Mapping):
            self.session = self.last_session = session

    @sent("session.update")
    def _on_session_update(self, event: Mapping[str, Any], _frame: Frame) -> None:
        if isinstance(session := event.get("session"), Mapping):
            self.asked = merge(dict(self.asked), session)

    @moment(Connection)
    def _on_connection(self, record: Connection) -> None:
        self.connection = record.state
        if record.state is Connected.DIALING:
            self.asked = {}
        if record.state is Connected.LOST:
            self._keep_half_answers()
        if record.state is not Connected.OPEN:
            self.session = None

    def _keep_half_answers(self) -> None:
        """What had come of an answer is part of the conversation; of a spoken one, what there was audio for."""
        for (item_id, index), (text, spoken) in self.transcripts.open_parts().items():
            item = self.history.get(item_id)
            received_ms = self.audio.received_ms(item_id, index)
            if spoken and received_ms:
                self.transcripts.cut(item_id, index, heard_ms=received_ms, received_ms=received_ms)
            if isinstance(item, MessageItem) and not any(
                part.get("text") or part.get("transcript") for part in item.content
            ):
                part = {"type": "output_audio", "transcript": text} if spoken else {"type": "output_text", "text": text}
                self.history.update(replace(item, content=[*item.content[:index], part], status="incomplete"))

    @property
    def history(self) -> History:
        """The conversation, in the server's order."""
        return self.items.history

    def as_heard(self) -> list[Item]:
        """The items of the conversation; of a cut answer, the words that were heard."""
        heard = self.transcripts.as_heard
        return [heard(item) if isinstance(item, MessageItem) else item for item in self.history]

    def portable(self) -> TransferResult:
        """The conversation as another connection can take it: of a cut answer, the words that were heard."""
        return portable_items(self.as_heard(), self.items.call_ids)

    @property
    def speech_open(self) -> bool:
        """The server has heard speech begin and not end."""
        began = self.log.last("input_audio_buffer.speech_started")
        return began is not None and not any(
            end and end.number > began.number for end in map(self.log.last, _SPEECH_ENDS)
        )

    @property
    def exit_code(self) -> ExitCode:
        """The worst that happened so far."""
        return worst(*self.reports.codes, *((ExitCode.UNEXPECTED,) if self._failed else ()))
