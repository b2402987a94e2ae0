"""What a session is at, by its records: since when an answer is waited for, and what moved it on last."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rtcli.protocol.progress import MOVING, ProgressReader
from rtcli.protocol.record import GIVE_UP, Connected, Connection, Did, Frame, Heard
from rtcli.session.part import Part, moment, received, sent


class Activity(Part):
    """Moments in seconds since the start of the session; None: not in this connection."""

    def __init__(self) -> None:
        self._reader = ProgressReader()
        self._asked: int | None = None  # the response.create of ours that waits for its response.created
        self._cancel: int | None = None  # the response.cancel of which nothing has come
        self.moved_at: float | None = None  # something was asked for, an event moved it on, or audio was played
        self.moved_by = ""  # the type of the event that moved it on last
        self.event_at = 0.0  # when that came
        self.answer_since: float | None = None  # an answer was asked for, or one began
        self.queued = 0  # messages since the last response.create
        self.cancelled_at: float | None = None  # response.cancel went out, and nothing has come of it

    def __repr__(self) -> str:
        return f"<Activity: {self.moved_by or 'nothing yet'} at {self.moved_at}>"

    @received(*MOVING)
    def _on_event(self, event: Mapping[str, Any], frame: Frame) -> None:
        if self._reader.moves(event, answers=frame.parent is not None):
            self.moved_at = self.event_at = frame.at
            self.moved_by = event["type"]

    @received("response.created")
    def _on_response_created(self, _event: Mapping[str, Any], frame: Frame) -> None:
        if self._asked is None:
            self.answer_since = frame.at
        self._asked = None

    @received("response.done")
    def _on_response_done(self, _event: Mapping[str, Any], _frame: Frame) -> None:
        self._cancel = self.cancelled_at = None

    @received("error")
    def _on_error(self, _event: Mapping[str, Any], frame: Frame) -> None:
        if frame.parent is None:
            return
        if frame.parent == self._cancel:
            self._cancel = self.cancelled_at = None
        if frame.parent == self._asked:
            self._asked = None

    @sent("response.create")
    def _on_response_create(self, _event: Mapping[str, Any], frame: Frame) -> None:
        self._asked, self.answer_since = frame.number, frame.at
        self._cancel = self.cancelled_at = None
        self.moved_by, self.moved_at, self.queued = "", frame.at, 0

    @sent("conversation.item.create")
    def _on_item_create(self, event: Mapping[str, Any], frame: Frame) -> None:
        self.moved_at = frame.at
        item = event.get("item")
        self.queued += isinstance(item, Mapping) and item.get("role") == "user"

    @sent("input_audio_buffer.commit")
    def _on_commit(self, _event: Mapping[str, Any], frame: Frame) -> None:
        self.moved_at = frame.at

    @sent("response.cancel")
    def _on_response_cancel(self, _event: Mapping[str, Any], frame: Frame) -> None:
        if self.cancelled_at is None:
            self._cancel, self.cancelled_at = frame.number, frame.at

    @moment(Heard)
    def _on_heard(self, record: Heard) -> None:
        self.moved_at = record.at

    @moment(Did)
    def _on_did(self, record: Did) -> None:
        if record.command == GIVE_UP:
            self._asked = self.answer_since = self._cancel = self.cancelled_at = None

    @moment(Connection)
    def _on_connection(self, record: Connection) -> None:
        if record.state is not Connected.OPEN:
            self._asked = self.answer_since = self._cancel = self.cancelled_at = None
            self.moved_by, self.queued = "", 0
