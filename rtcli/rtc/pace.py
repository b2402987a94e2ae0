"""What is to be sent over a track, cut into frames of 20 ms on the track's clock."""

from __future__ import annotations

from rtcli.rtc.playout import BYTES_PER_MS, FRAME_BYTES

_MAX_WAITING_MS = 200  # more than that is a clock that runs ahead, or a loop that stalled: what is old goes


class SendQueue:
    """Holds what a microphone gives, PCM16 at 24 kHz, until the track takes it. Silence is sent while it is muted.

    `dropped_bytes` counts what was too old to be sent.
    """

    def __init__(self) -> None:
        self.muted = False
        self.dropped_bytes = 0
        self._waiting = bytearray()

    @property
    def waiting_ms(self) -> int:
        """Milliseconds that wait."""
        return len(self._waiting) // BYTES_PER_MS

    def write(self, pcm: bytes) -> None:
        """More of it; nothing while it is muted."""
        if self.muted:
            return
        self._waiting += pcm
        excess = len(self._waiting) - _MAX_WAITING_MS * BYTES_PER_MS
        if excess > 0:
            excess += excess % 2
            del self._waiting[:excess]
            self.dropped_bytes += excess

    def mute(self, muted: bool) -> None:
        """Send silence from now on, or what is written. What waited is not sent later."""
        self.muted = muted
        self._waiting.clear()

    def frame(self) -> bytes | None:
        """The next 20 ms; None, silence, where there is not so much."""
        if len(self._waiting) < FRAME_BYTES:
            return None
        frame = bytes(self._waiting[:FRAME_BYTES])
        del self._waiting[:FRAME_BYTES]
        return frame
