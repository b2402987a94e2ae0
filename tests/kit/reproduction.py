"""A recording as a test of ClientCore: given what the server and the user did, it makes the client's own sends again.

The core is fed with the frames received, with the sends that the user caused, and with what was heard. What it sends
by itself (a retrieve, a truncate, a cancel, a response.create whose turn has come, tracing) has to be what the
recording has, right after the same frame.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from rtcli.protocol.client import ClientCore
from rtcli.protocol.dialects import Dialect
from rtcli.protocol.effects import Effects, Send
from rtcli.protocol.events import Event
from rtcli.protocol.record import GIVE_UP, Connected, Connection, Did, Direction, Frame, Heard, Record
from rtcli.protocol.responses import ALREADY_ACTIVE

_CUTS = frozenset({"response.cancel", "conversation.item.truncate"})
_Cause: TypeAlias = tuple[str, int | None]
"""What led to a send: what the user or a tool did, and the frame of the server."""

_AUTOMATIC = _CUTS | {"conversation.item.retrieve"}


@dataclass
class Reproduction:
    """What the core has sent, and what the recording has, one entry for each of the client's own sends."""

    made: list[tuple[int, Event]] = field(default_factory=list)  # (the frame before it, the event)
    recorded: list[tuple[int, Event]] = field(default_factory=list)

    def check(self) -> None:
        """Raise AssertionError with the first of them that is not the same."""
        for made, recorded in zip(self.made, self.recorded, strict=False):
            assert made == recorded, f"after frame #{recorded[0]}: {recorded[1]} was sent, the core sends {made}"
        more = self.made[len(self.recorded) :], self.recorded[len(self.made) :]
        assert more == ([], []), f"the core sends more: {more[0]}; the recording has more: {more[1]}"


class _Reproducer:
    """Feeds a core with the records of one session."""

    def __init__(self, records: Sequence[Record]) -> None:
        self._records = records
        self._core = ClientCore("", auto_tracing=False)
        self._dialect = Dialect()
        self._heard: dict[tuple[str, int], int] = {}
        self._position = 0  # of the record that is being read
        self._frame = 0  # the number of the last frame of the server, or of a send of the user's
        self._asked = _asked(records)  # what asks for a response, by the record that it follows
        self._retrieves: set[int] = set()  # the numbers of those that the client has made by itself
        self._interrupting: str | None = None  # what the user has interrupted by, until the next frame of the server
        self.result = Reproduction()

    def run(self) -> Reproduction:
        tracing = next((frame.event for frame in _frames(self._records) if _is_tracing(frame)), None)
        self._core.prepare({} if tracing is None else {"tracing": tracing["session"]["tracing"]})
        for position, record in enumerate(self._records):
            self._position = position
            self._read(record)
            for place, ask in self._asked.get(position, ()):
                if self._core.responses.busy or place == position + 1:
                    self._send(self._core.send(dict(ask.event or {}), sequenced=True))
                else:  # it was asked for later: a create that need not wait goes out at once
                    self._asked.setdefault(place - 1, []).append((place, ask))
        return self.result

    def _read(self, record: Record) -> None:
        if isinstance(record, Heard):
            self._heard[record.item_id, record.content_index] = record.ms
        elif isinstance(record, Did) and record.command == "/interrupt":
            self._interrupt(record.command, record.at)
        elif isinstance(record, Did) and record.command == GIVE_UP:
            self._core.responses.give_up()
            self._send(self._core.next_create())
        elif isinstance(record, Connection) and record.state in (Connected.CLOSED, Connected.LOST):
            self._core.connection_lost()
        elif isinstance(record, Frame) and record.direction is Direction.RECEIVED:
            self._receive(record)
        elif isinstance(record, Frame) and record.event is not None:
            self._sent(record, dict(record.event))

    def _receive(self, frame: Frame) -> None:
        self._frame, self._interrupting = frame.number, None
        event, read = dict(frame.event or {}), None
        if event.get("type") == "error" and frame.parent in self._retrieves:
            self._core.omissions.retrieve = True  # as a session decides that is refused what nobody asked for
        if event:
            read = self._dialect.read(event)
        elif frame.binary and isinstance(frame.raw, bytes):
            read = self._dialect.read_binary(frame.raw)
        for one in ([event] if event else []) if read is None else read:
            self._send(self._core.receive(one, frame.at, self._ask_heard))

    def _sent(self, frame: Frame, event: Event) -> None:
        by_itself = frame.cause.startswith("#") and (event["type"] in _AUTOMATIC or _is_tracing(frame))
        if by_itself and event["type"] == "conversation.item.retrieve":
            self._retrieves.add(frame.number)
        sequenced = event["type"] == "response.create" and not _past_queue(frame)
        if sequenced or by_itself or (frame.cause == self._interrupting and self._is_due(event)):
            self._record(event)
        elif event["type"] in _CUTS and self._is_interruption(frame):
            self._interrupt(frame.cause, frame.at)
            self._record(event)
        else:
            self._frame = frame.number
            self._core.sent(event)

    def _is_due(self, event: Event) -> bool:
        """The core has sent this, and nothing that has not been seen before it."""
        due = self.result.made[len(self.result.recorded) :]
        return due[:1] == [(self._frame, _plain(event))]

    def _interrupt(self, cause: str, at: float) -> None:
        self._interrupting = cause
        self._send(self._core.interrupt(at, self._ask_heard))

    def _is_interruption(self, frame: Frame) -> bool:
        """The user has interrupted by something else than the command: where it was cut stands beside it."""
        if (frame.event or {}).get("type") == "response.cancel":
            following = self._records[self._position + 1 : self._position + 2]
            return isinstance(next(iter(following), None), Heard)
        return isinstance(self._records[self._position - 1], Heard)

    def _ask_heard(self, item_id: str, content_index: int) -> int | None:
        """What had been heard at this moment: an interruption writes it down for each part, before it cuts."""
        for record in self._records[self._position + 1 :]:
            if isinstance(record, Frame) and (record.event or {}).get("type") != "response.cancel":
                break
            if isinstance(record, Heard) and (record.item_id, record.content_index) == (item_id, content_index):
                return record.ms
        return self._heard.get((item_id, content_index))

    def _send(self, effects: Effects) -> None:
        self.result.made += [(self._frame, _plain(effect.event)) for effect in effects if isinstance(effect, Send)]

    def _record(self, event: Event) -> None:
        self.result.recorded.append((self._frame, _plain(event)))


def _asked(records: Sequence[Record]) -> dict[int, list[tuple[int, Frame]]]:
    """Each response.create with its position, by the record with which it was asked for: the last of its cause."""
    asked: dict[int, list[tuple[int, Frame]]] = {}
    last: dict[_Cause, int] = {}  # by what the user or a tool does, the last record of it
    creates: dict[int, _Cause] = {}  # the numbers of those that were sent
    again: list[_Cause] = []  # of those that came too early: the core sends them once more by itself
    for position, record in enumerate(records):
        if isinstance(record, Did):
            last[record.command, None] = position
        if not isinstance(record, Frame) or record.event is None:
            continue
        cause = (record.cause, record.parent)
        if record.direction is Direction.RECEIVED:
            if record.parent in creates and (record.event.get("error") or {}).get("code") == ALREADY_ACTIVE:
                again.append(creates[record.parent])
        elif record.event["type"] == "response.create" and not _past_queue(record):
            creates[record.number] = cause
            if cause in again:
                again.remove(cause)
            else:
                asked.setdefault(last.get(cause, position - 1), []).append((position, record))
        elif record.cause and not record.cause.startswith("#"):
            last[cause] = position
    return asked


def _past_queue(frame: Frame) -> bool:
    """A response.create that did not wait for its turn: `/send --raw`, or an event without an id of its own."""
    return (frame.event or {}).get("event_id") is None


def _is_tracing(frame: Frame) -> bool:
    session = (frame.event or {}).get("session")
    automatic = frame.direction is Direction.SENT and frame.cause.startswith("#") and isinstance(session, dict)
    return automatic and isinstance(session, dict) and set(session) == {"type", "tracing"}


def _frames(records: Iterable[Record]) -> Iterable[Frame]:
    return (record for record in records if isinstance(record, Frame))


def _plain(event: Any) -> Event:
    return {key: value for key, value in event.items() if key != "event_id"}


def reproduced(records: Sequence[Record]) -> Reproduction:
    """Feed a core with the records of one session."""
    return _Reproducer(records).run()
