"""The outbox of a connection: frames in the order in which they were handed over, bounded in bytes."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from rtcli.errors import OutboxFullError

_GAPS_KEPT = 64


@dataclass(slots=True, eq=False)
class _Waiting:
    frame: bytes | None  # None: dropped
    audio_bytes: int  # of live audio; 0: never dropped
    audio_seconds: float


class Outbox:
    """Live audio gives way, oldest first, when there is no room; everything else is refused with an error."""

    def __init__(self, max_bytes: int) -> None:
        self.dropped_audio_bytes = 0
        self.dropped_audio_seconds = 0.0  # of the same: what a byte lasts may change while it waits
        self._max_bytes = max_bytes
        self._entries: deque[_Waiting] = deque()
        self._live: deque[_Waiting] = deque()
        self._live_bytes = 0
        self._bytes = 0
        self._taken_bytes = 0
        self._gaps = 0

    @property
    def waiting_bytes(self) -> int:
        """What waits, and the frame that was taken last: it counts until the next one is taken."""
        return self._bytes

    def put(self, frame: bytes, audio_bytes: int = 0, audio_seconds: float = 0.0) -> None:
        """Add a frame; `audio_bytes` and `audio_seconds` say how much live audio is in it.

        Raises OutboxFullError when it does not fit, even without live audio.
        """
        size = len(frame)
        excess = self._bytes + size - self._max_bytes
        if excess > 0 and not self._drop(excess):
            if audio_bytes:
                self._count(audio_bytes, audio_seconds)
                return
            raise OutboxFullError(
                f"{self._bytes:,} bytes wait to be sent and {size:,} more do not fit",
                why="the server reads more slowly than events are sent",
                hint="wait with flush() between sends, or give a larger max_outbox_bytes",
            )
        entry = _Waiting(frame, audio_bytes, audio_seconds)
        self._entries.append(entry)
        self._bytes += size
        if audio_bytes:
            self._live.append(entry)
            self._live_bytes += size

    def take(self) -> bytes | None:
        """The oldest frame, to be sent now; None when there is none left."""
        self._bytes -= self._taken_bytes
        self._taken_bytes = 0
        while self._entries:
            entry = self._entries.popleft()
            if entry.frame is None:
                self._gaps -= 1
                continue
            self._taken_bytes = len(entry.frame)
            if entry.audio_bytes:
                self._live.popleft()
                self._live_bytes -= self._taken_bytes
            return entry.frame
        return None

    def clear(self) -> None:
        """Forget what waits: there is nobody left to send it to."""
        self._entries.clear()
        self._live.clear()
        self._live_bytes = self._bytes = self._taken_bytes = self._gaps = 0

    def _count(self, audio_bytes: int, audio_seconds: float) -> None:
        self.dropped_audio_bytes += audio_bytes
        self.dropped_audio_seconds += audio_seconds

    def _drop(self, excess: int) -> bool:
        """Drop live audio of so many bytes, oldest first; False, and nothing is dropped, when there is too little."""
        if self._live_bytes < excess:
            return False
        while excess > 0:
            entry = self._live.popleft()
            size = len(entry.frame or b"")
            entry.frame = None
            excess -= size
            self._bytes -= size
            self._live_bytes -= size
            self._count(entry.audio_bytes, entry.audio_seconds)
            self._gaps += 1
        if self._gaps > max(_GAPS_KEPT, len(self._entries) // 2):  # so that gaps do not pile up behind a stuck frame
            self._entries = deque(entry for entry in self._entries if entry.frame is not None)
            self._gaps = 0
        return True
