"""Every frame that crossed the wire, both ways, numbered, within a bound of bytes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from rtcli.protocol.record import Frame, Record
from rtcli.session.log_eviction import Payloads
from rtcli.session.log_index import LogIndex
from rtcli.session.part import Part
from rtcli.views import View

MAX_LINKS = 50
"""How far `/why` goes back; each reconnection and each turn of tools adds a few links."""


class WireLog(Part):
    """The frames of a session. Audio and images are evicted first (a note stays), the events never are.

    `max_bytes` bounds what the payloads kept take on the wire.
    """

    def __init__(self, *, max_bytes: int = 32 * 2**20) -> None:
        self._records: list[Frame] = []
        self._index = LogIndex()
        self._payloads = Payloads(max_bytes)

    @property
    def records(self) -> Sequence[Frame]:
        """All records, oldest first; record number n is at index n - 1."""
        return self._records

    def __len__(self) -> int:
        return len(self._records)

    def observe(self, record: Record) -> Iterable[View]:
        """Keep a frame, which is its own view."""
        if not isinstance(record, Frame):
            return ()
        self.add(record)
        return (record,)

    def add(self, frame: Frame) -> None:
        """Take one frame in, without its raw text, and evict old payloads where the bound asks for it.

        Raises ValueError for a number that does not follow on the last one.
        """
        if frame.number != len(self._records) + 1:
            raise ValueError(f"frame #{frame.number} follows #{len(self._records)}")
        record = frame.without_raw()
        self._records.append(record)
        self._index.add(record)
        for old, thinner in self._payloads.keep(record):
            self._records[old - 1] = replace(self._records[old - 1], event=thinner)

    def find(self, key: int | str) -> Frame | None:
        """The record with this number (7, "7" or "#7"), with this event_id, or the last that names this id.

        An id may be given as the event view shortens it ("item_…4f2c9"), or by its end.
        """
        text = str(key).strip().removeprefix("#")
        return self._record(int(text) if text.isdecimal() else self._index.by_id(text))

    def last(self, pattern: str = "*") -> Frame | None:
        """The last record whose type matches a glob (`response.*`)."""
        return self._record(self._index.last(pattern))

    @property
    def last_failure(self) -> Frame | None:
        """The last record that tells of an error or a failure."""
        return self._record(self._index.failure)

    def parent(self, record: Frame) -> Frame | None:
        """The record that led to this one."""
        return self._record(record.parent)

    def why(self, key: int | str) -> list[Frame]:
        """The causal chain of a record, the nearest first, itself left out. Each link goes back in time."""
        chain: list[Frame] = []
        record = self.find(key)
        while record and len(chain) < MAX_LINKS and (record := self.parent(record)):
            chain.append(record)
        return chain

    def _record(self, number: int | None) -> Frame | None:
        return self._records[number - 1] if number and number <= len(self._records) else None
