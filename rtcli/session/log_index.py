"""Where in a log an id, a type or the last failure is: kept with every record, so that nothing searches the log."""

from __future__ import annotations

from rtcli.protocol.filters import is_failure
from rtcli.protocol.ids import fits, ids_of
from rtcli.protocol.matching import matches_glob
from rtcli.protocol.record import Frame

_APPEND = "input_audio_buffer.append"
_MAY_FAIL = ("error", ".failed", "response.done")


class LogIndex:
    """Numbers of records; the last one that something is true of counts."""

    def __init__(self) -> None:
        self.failure: int | None = None  # the last record that tells of an error or a failure
        self._events: dict[str, int] = {}  # an event's own event_id
        self._mentions: dict[str, int] = {}  # any other id in it
        self._types: dict[str, int] = {}

    def add(self, record: Frame) -> None:
        """A record was added to the log."""
        number, event = record.number, record.event
        if event is None:
            self._types[""] = self.failure = number
            return
        type_ = str(event.get("type", ""))
        self._types[type_] = number
        if type_.endswith(_MAY_FAIL) and is_failure(record):
            self.failure = number
        own = event.get("event_id")
        if isinstance(own, str):
            self._events[own] = number
        elif type_ == _APPEND:  # fifty a second, and no id in any
            return
        for id_ in ids_of(event):
            if id_ != own:
                self._mentions[id_] = number

    def forget(self, through: int) -> None:
        """The records up to this number are gone."""
        for known in (self._events, self._mentions, self._types):
            for name in [name for name, number in known.items() if number <= through]:
                del known[name]
        if self.failure is not None and self.failure <= through:
            self.failure = None

    def by_id(self, text: str) -> int | None:
        """The record with this event_id, else the last that mentions this id, else one that it is short for."""
        found = self._events.get(text) or self._mentions.get(text)
        if found is not None:
            return found
        for known in (self._mentions, self._events):
            if fitting := [number for id_, number in known.items() if fits(id_, text)]:
                return max(fitting)
        return None

    def last(self, pattern: str) -> int | None:
        """The last record of a type that matches a glob."""
        return max((number for type_, number in self._types.items() if matches_glob(type_, pattern)), default=None)
