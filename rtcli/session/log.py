"""Every frame that crossed the wire, both ways, numbered, within a bound of bytes."""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from rtcli.protocol.filters import type_of
from rtcli.protocol.ids import fits
from rtcli.session import causality as causes
from rtcli.session.log_eviction import Payloads
from rtcli.views import Direction, WireRecord

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

    `max_bytes` bounds what the payloads kept take on the wire.
    """

    def __init__(self, *, clock: Callable[[], float], max_bytes: int = 32 * 2**20) -> None:
        self._clock = clock
        self._began = clock()
        self._records: list[WireRecord] = []
        self._payloads = Payloads(max_bytes)

    @property
    def records(self) -> Sequence[WireRecord]:
        """All records, oldest first; record number n is at index n - 1."""
        return self._records

    def __len__(self) -> int:
        return len(self._records)

    def add(
        self, direction: Direction, event: Mapping[str, Any] | None, *, size: int, cause: str = "", problem: str = ""
    ) -> WireRecord:
        """Take one frame in, and let old payloads go where the bound asks for it."""
        at = self._clock() - self._began
        record = WireRecord(len(self._records) + 1, at, direction, event, size, cause, problem)
        self._records.append(record)
        for number, thinner in self._payloads.keep(record):
            self._records[number - 1] = replace(self._records[number - 1], event=thinner)
        return record

    def find(self, key: int | str) -> WireRecord | None:
        """The record with this number (7, "7" or "#7"), with this event_id, or the last that names this id.

        An id may be given as the event view shortens it ("item_…4f2c9"), or by its end.
        """
        text = str(key).strip().removeprefix("#")
        if text.isdecimal():
            number = int(text)
            return self._records[number - 1] if 0 < number <= len(self._records) else None
        return self._by_id(text)

    def _by_id(self, text: str) -> WireRecord | None:
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

    def last(self, pattern: str = "*") -> WireRecord | None:
        """The last record whose type matches a glob (`response.*`)."""
        return next((r for r in reversed(self._records) if fnmatch.fnmatchcase(type_of(r), pattern)), None)

    def why(self, key: int | str) -> list[WireRecord]:
        """The chain of records that led to one, the nearest first, itself left out; see `rtcli.session.causality`."""
        record = self.find(key)
        return causes.chain(self._records, record.number) if record else []
