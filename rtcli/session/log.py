"""Every frame that crossed the wire, both ways, numbered, within a bound of bytes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from rtcli.protocol.filters import type_of
from rtcli.protocol.ids import fits
from rtcli.protocol.matching import matches_glob
from rtcli.protocol.record import Frame
from rtcli.session import causality as causes
from rtcli.session.log_eviction import Payloads

_ID_KEYS = ("event_id", "item_id", "response_id", "call_id")


def ids_of(event: Mapping[str, Any]) -> Iterator[str]:
    """Every id that an event carries, its own and those of the item, response or session in it."""
    for key in _ID_KEYS:
        if isinstance(value := event.get(key), str):
            yield value
    for part in ("item", "response", "session", "error"):
        inner = event.get(part)
        if isinstance(inner, Mapping):
            yield from (value for key in ("id", *_ID_KEYS) if isinstance(value := inner.get(key), str))


class WireLog:
    """The record of a session. Audio and images are let go first (a note stays), the events never are.

    `began` is when the session began, on the clock of the transport that reports the frames. `max_bytes` bounds what
    the payloads kept take on the wire.
    """

    def __init__(self, *, began: float = 0.0, max_bytes: int = 32 * 2**20) -> None:
        self._began = began
        self._records: list[Frame] = []
        self._payloads = Payloads(max_bytes)

    @property
    def records(self) -> Sequence[Frame]:
        """All records, oldest first; record number n is at index n - 1."""
        return self._records

    def __len__(self) -> int:
        return len(self._records)

    def add(self, frame: Frame, *, cause: str = "") -> Frame:
        """Take one frame in, without its raw text, and let old payloads go where the bound asks for it."""
        at = frame.at - self._began
        record = replace(frame, number=len(self._records) + 1, at=at, cause=cause or frame.cause, raw="")
        self._records.append(record)
        for number, thinner in self._payloads.keep(record):
            self._records[number - 1] = replace(self._records[number - 1], event=thinner)
        return record

    def find(self, key: int | str) -> Frame | None:
        """The record with this number (7, "7" or "#7"), with this event_id, or the last that names this id.

        An id may be given as the event view shortens it ("item_…4f2c9"), or by its end.
        """
        text = str(key).strip().removeprefix("#")
        if text.isdecimal():
            number = int(text)
            return self._records[number - 1] if 0 < number <= len(self._records) else None
        return self._by_id(text)

    def _by_id(self, text: str) -> Frame | None:
        mentioned = shortened = None
        for record in reversed(self._records):
            if record.event is None:
                continue
            if record.event.get("event_id") == text:
                return record
            if mentioned is None and text in (ids := tuple(ids_of(record.event))):
                mentioned = record
            elif mentioned is None and shortened is None:
                shortened = next((record for name in ids if fits(name, text)), None)
        return mentioned or shortened

    def last(self, pattern: str = "*") -> Frame | None:
        """The last record whose type matches a glob (`response.*`)."""
        return next((r for r in reversed(self._records) if matches_glob(type_of(r), pattern)), None)

    def why(self, key: int | str) -> list[Frame]:
        """The chain of records that led to one, the nearest first, itself left out; see `rtcli.session.causality`."""
        record = self.find(key)
        return causes.chain(self._records, record.number) if record else []
