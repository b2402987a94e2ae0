"""What is to be sent over a track, cut into frames of 20 ms on the track's clock."""

from __future__ import annotations

from rtcli.rtc.playout import BYTES_PER_MS, FRAME_BYTES

_CUSHION = 2 * FRAME_BYTES  # waits before the first frame is given: pieces do not come like clockwork
_PATIENCE = 2  # frames of silence after which less is given too: it was the last that is said
_WATCHED_FRAMES = 50  # a second: what was never needed in it is delay, and goes
_MAX_WAITING_MS = 200  # more than that is a clock that runs ahead, or a loop that stalled: what is old goes


class SendQueue:
    """Holds what a microphone gives, PCM16 at 24 kHz, until the track takes it.

    `dropped_bytes` counts what was too old to be sent.
    """

    def __init__(self) -> None:
        self.dropped_bytes = 0
        self._waiting = bytearray()
        self._dry = 0  # frames of silence that were given with something waiting; -1: frames are being given
        self._lowest = self._frames = 0  # bytes that were left over at least, in so many frames

    @property
    def waiting_ms(self) -> int:
        """Milliseconds that wait."""
        return len(self._waiting) // BYTES_PER_MS

    def write(self, pcm: bytes) -> None:
        """More of it."""
        self._waiting += pcm
        excess = len(self._waiting) - _MAX_WAITING_MS * BYTES_PER_MS
        if excess > 0:
            self._drop(excess + excess % 2)

    def clear(self) -> None:
        """What waits is not sent."""
        self._waiting.clear()

    def frame(self) -> bytes | None:
        """The next 20 ms; None, silence, where there is not so much, and until a cushion has come."""
        waiting = len(self._waiting)
        if waiting < FRAME_BYTES:
            self._dry = self._frames = 0
            return None
        if self._dry >= 0 and waiting < _CUSHION and self._dry < _PATIENCE:
            self._dry += 1
            return None
        self._dry = -1
        frame = bytes(self._waiting[:FRAME_BYTES])
        del self._waiting[:FRAME_BYTES]
        self._watch(len(self._waiting))
        return frame

    def _watch(self, left: int) -> None:
        """Drop what has been left over for a second, but for the cushion."""
        self._lowest = min(self._lowest, left) if self._frames else left
        self._frames = (self._frames + 1) % _WATCHED_FRAMES
        if not self._frames and self._lowest >= _CUSHION:
            self._drop((self._lowest - FRAME_BYTES) // FRAME_BYTES * FRAME_BYTES)

    def _drop(self, size: int) -> None:
        """The oldest."""
        del self._waiting[:size]
        self.dropped_bytes += size
