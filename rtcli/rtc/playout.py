"""The output audio buffer of a call: what waits to be played, what was heard, and the events that tell of it.

Pure: no clock and no peer. A player takes a frame each 20 ms. Audio is PCM16 at 24 kHz, mono.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from enum import StrEnum

FRAME_MS = 20
BYTES_PER_MS = 48
FRAME_BYTES = FRAME_MS * BYTES_PER_MS
SILENCE = bytes(FRAME_BYTES)


class BufferEvent(StrEnum):
    """What happened to the buffer; equal to the wire's names. After `started`, one of the others comes."""

    STARTED = "output_audio_buffer.started"
    STOPPED = "output_audio_buffer.stopped"
    CLEARED = "output_audio_buffer.cleared"


@dataclass(frozen=True, slots=True)
class Happened:
    """One event, and the response that it is about."""

    event: BufferEvent
    response_id: str


@dataclass(frozen=True, slots=True)
class Played:
    """One frame: `pcm` to play now, never None and always whole, and what has happened with it.

    `item_id` is the item that it begins with; None: silence.
    """

    pcm: bytes
    happened: tuple[Happened, ...] = ()
    item_id: str | None = None


@dataclass(frozen=True, slots=True)
class Cut:
    """A part that was not heard to its end; milliseconds of its audio."""

    item_id: str
    content_index: int
    heard_ms: int
    added_ms: int


@dataclass(frozen=True, slots=True)
class Cleared:
    """What clear() has done. `cuts` are in the order in which the parts would have been played."""

    happened: tuple[Happened, ...]
    cuts: tuple[Cut, ...]


@dataclass(slots=True)
class _Part:
    item_id: str
    content_index: int
    added: int = 0  # bytes
    heard: int = 0
    waiting: bytearray = field(default_factory=bytearray)


@dataclass(slots=True)
class _Response:
    id: str
    parts: list[_Part] = field(default_factory=list)
    started: bool = False
    finished: bool = False  # no more audio will come

    @property
    def waiting(self) -> int:
        return sum(len(part.waiting) for part in self.parts)


class Playout:
    """Responses are played one after the other, in the order of their first audio.

    At any moment `added` = `heard` + `cleared` + `waiting`, in bytes.
    """

    def __init__(self) -> None:
        self.added = self.heard = self.cleared = 0
        self._queue: deque[_Response] = deque()
        self._parts: dict[tuple[str, int], _Part] = {}  # of the whole call: its items may still be truncated
        self._cleared_responses: set[str] = set()  # more audio may come of them, for nobody

    def __repr__(self) -> str:
        return f"<Playout: {self.playing or 'nothing'} playing, {self.waiting} bytes wait>"

    @property
    def waiting(self) -> int:
        """Bytes that have not been played."""
        return sum(response.waiting for response in self._queue)

    @property
    def playing(self) -> str | None:
        """The response that has started and has neither stopped nor been cleared."""
        return self._queue[0].id if self._queue and self._queue[0].started else None

    def heard_ms(self, item_id: str, content_index: int) -> int:
        """Whole milliseconds of a part that were played; 0 for one that is not known."""
        part = self._parts.get((item_id, content_index))
        return part.heard // BYTES_PER_MS if part else 0

    def add(self, response_id: str, item_id: str, content_index: int, pcm: bytes) -> None:
        """More audio of a part. That of a response that was cleared is dropped."""
        self.added += len(pcm)
        key = (item_id, content_index)
        part = self._parts.setdefault(key, _Part(*key))
        part.added += len(pcm)
        if response_id in self._cleared_responses:
            self.cleared += len(pcm)
            return
        response = next((one for one in self._queue if one.id == response_id), None)
        if response is None:
            response = _Response(response_id)
            self._queue.append(response)
        if part not in response.parts:
            response.parts.append(part)
        part.waiting += pcm

    def finish(self, response_id: str) -> None:
        """The response is done: it stops when its audio has been played. For one without audio nothing happens."""
        self._cleared_responses.discard(response_id)
        for response in self._queue:
            if response.id == response_id:
                response.finished = True

    def frame(self) -> Played:
        """The next 20 ms: silence where nothing is due."""
        happened = list(self._stop_finished())
        if not self._queue:
            return Played(SILENCE, tuple(happened))
        response = self._queue[0]
        waiting = response.waiting
        if waiting < FRAME_BYTES and not (response.finished and waiting):
            return Played(SILENCE, tuple(happened))  # less than a frame: the rest of it is still being made
        if not response.started:
            response.started = True
            happened.append(Happened(BufferEvent.STARTED, response.id))
        item_id = next(part.item_id for part in response.parts if part.waiting)
        pcm = self._take(response)
        happened += self._stop_finished()
        return Played(pcm.ljust(FRAME_BYTES, b"\0"), tuple(happened), item_id)

    def clear(self) -> Cleared:
        """Drop what waits, of all responses."""
        happened, cuts = [], []
        for response in self._queue:
            if response.started:
                happened.append(Happened(BufferEvent.CLEARED, response.id))
            if not response.finished:
                self._cleared_responses.add(response.id)
            for part in response.parts:
                if part.waiting:
                    times = (size // BYTES_PER_MS for size in (part.heard, part.added))
                    cuts.append(Cut(part.item_id, part.content_index, *times))
                    self.cleared += len(part.waiting)
                    part.waiting.clear()
        self._queue.clear()
        return Cleared(tuple(happened), tuple(cuts))

    def _stop_finished(self) -> list[Happened]:
        """Forget responses that have ended, so that the next one may begin."""
        happened = []
        while self._queue and self._queue[0].finished and not self._queue[0].waiting:
            response = self._queue.popleft()
            if response.started:
                happened.append(Happened(BufferEvent.STOPPED, response.id))
        return happened

    def _take(self, response: _Response) -> bytes:
        taken = bytearray()
        for part in response.parts:
            size = min(FRAME_BYTES - len(taken), len(part.waiting))
            taken += part.waiting[:size]
            del part.waiting[:size]
            part.heard += size
        self.heard += len(taken)
        return bytes(taken)
