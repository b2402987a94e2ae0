"""Every frame that crossed the wire, both ways, numbered, within a bound of bytes."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from itertools import chain

from rtcli.protocol.record import Direction, Frame
from rtcli.session.log_eviction import Payloads
from rtcli.session.log_index import LogIndex

MAX_LINKS = 50
"""How far `/why` goes back; each reconnection and each turn of tools adds a few links."""


_RAW_KEPT = 16
"""So many of the newest frames still have the text that crossed the wire: those that are being shown."""


MAX_BYTES = 32 * 2**20

RECORDED_BYTES = 32 * 2**20
"""What is kept where a recording has everything: half of it payloads."""

_OVERHEAD = 256
"""What a frame counts beside its bytes, however small it is."""


class WireLog:
    """The newest frames of a session. Audio and images are evicted first (a note stays), then whole frames.

    `max_bytes` bounds what the payloads kept take on the wire, `max_event_bytes` what all the rest takes. `forgotten`
    is the number of the last frame that fell out, 0 while all are here. With `read_back` these can still be had: by
    their number, by what they led to, and in `everything`.
    """

    def __init__(self, *, max_bytes: int = MAX_BYTES, max_event_bytes: int = MAX_BYTES) -> None:
        self.forgotten = 0
        self.read_back: Callable[[int], Frame | None] | None = None  # gives an older frame from a recording
        self.max_event_bytes = max_event_bytes
        self._records: list[Frame] = []
        self._weights: deque[int] = deque()  # of the records, without their payloads
        self._held = 0  # their sum
        self.last_number = 0  # of the newest record
        self._before = 0  # frames that had crossed the wire before the first one here
        self._index = LogIndex()
        self._payloads = Payloads(max_bytes)

    def __repr__(self) -> str:
        return f"<WireLog: #{self.forgotten + 1} to #{self.last_number}>" if self._records else "<WireLog: empty>"

    def shrink(self, max_bytes: int) -> None:
        """Keep no more than this from now on, of payloads and of all the rest together."""
        self.max_event_bytes = max_bytes // 2
        self._payloads.max_bytes = max_bytes // 2

    @property
    def records(self) -> Sequence[Frame]:
        """All records, oldest first."""
        return self._records

    @property
    def evicted(self) -> int:
        """How many frames have lost their audio or image."""
        return self._payloads.evicted

    def everything(self) -> Iterator[Frame]:
        """Every frame that there is at this moment and that can be had, oldest first; also for another thread."""
        numbers, read_back = range(1, self.forgotten + 1), self.read_back
        older = (frame for number in numbers if read_back and (frame := read_back(number)) is not None)
        return chain(older, tuple(self._records))

    def whole(self, frame: Frame) -> Frame:
        """The frame with its audio and images, where a recording has them."""
        return (self.read_back and self.read_back(frame.number)) or frame

    def __len__(self) -> int:
        return len(self._records)

    def add(self, frame: Frame) -> None:
        """Keep one frame, and evict old payloads where the bound asks for it.

        Raises ValueError for a number that does not follow on the last one.
        """
        records = self._records
        if not records:
            self._before = frame.number - 1  # somebody else has watched the transport for longer
        elif frame.number != self.last_number + 1:
            raise ValueError(f"frame #{frame.number} follows #{self.last_number}")
        self.last_number = frame.number
        records.append(frame)
        if len(records) > _RAW_KEPT:
            old = records[-_RAW_KEPT - 1]
            if old.event is not None:  # else the text is all that there is of it
                old.raw = ""
        self._index.add(frame)
        payload = self._payloads.weight(frame.event)
        weight = frame.size - payload + _OVERHEAD if frame.size > payload else _OVERHEAD
        self._weights.append(weight)
        self._held += weight
        if payload:
            self._evict(frame, payload)
        if self._held > self.max_event_bytes:
            self._forget()

    def _evict(self, frame: Frame, payload: int) -> None:
        for old, thinner in self._payloads.keep(frame, payload):
            index = old - self._before - 1
            if index >= 0:  # else the whole frame is gone
                self._records[index] = self._records[index].with_event(thinner)

    def _forget(self) -> None:
        """Drop the oldest eighth: at once, so that a full log costs a frame little. The newest frame always stays."""
        dropped = 0
        while self._held > self.max_event_bytes * 7 // 8 and dropped < len(self._records) - 1:
            self._held -= self._weights.popleft()
            dropped += 1
        del self._records[:dropped]
        self._before += dropped
        self.forgotten = self._before
        self._index.forget(self._before)

    def since(self, number: int) -> Sequence[Frame]:
        """What has crossed the wire after frame `number`."""
        return self._records[max(0, number - self._before) :]

    def sent_since(self, number: int) -> Sequence[Frame]:
        """What we have sent after frame `number`."""
        return tuple(frame for frame in self.since(number) if frame.direction is Direction.SENT)

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
        links: list[Frame] = []
        record = self.find(key)
        while record and len(links) < MAX_LINKS and (record := self.parent(record)):
            links.append(record)
        return links

    def _record(self, number: int | None) -> Frame | None:
        if not number or number > self.last_number:
            return None
        if number > self._before:
            return self._records[number - self._before - 1]
        return self.read_back(number) if self.read_back is not None else None
