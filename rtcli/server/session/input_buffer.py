"""The audio that is not committed yet, bounded and counted over the whole session."""

from __future__ import annotations

from rtcli.protocol.audio_formats import PCM16
from rtcli.server.validation import api_errors

MIN_COMMIT_MS = 100
MAX_BUFFER_MS = 15 * 60_000
"""Where nobody commits, the oldest audio goes."""


class InputBuffer:
    """24 kHz PCM16 that is not committed yet. Samples are counted from the first of the session."""

    def __init__(self) -> None:
        self._pcm = bytearray()  # 24 kHz PCM16, whole samples
        self._start = 0  # the sample that the buffer begins with

    @property
    def end(self) -> int:
        """Samples appended in the whole session."""
        return self._start + len(self._pcm) // 2

    def append(self, pcm: bytes) -> None:
        """Add whole samples."""
        self._pcm += pcm
        self.keep(PCM16.byte_length(MAX_BUFFER_MS) // 2)

    def keep(self, samples: int) -> None:
        """Forget all but the last so many samples."""
        surplus = len(self._pcm) - 2 * samples
        if surplus > 0:
            del self._pcm[:surplus]
            self._start += surplus // 2

    def peek(self, start: int) -> bytes:
        """The audio from a sample of the session on, as far as it is still here."""
        return bytes(self._pcm[2 * max(0, start - self._start) :])

    def commit(self, start: int = 0) -> bytes:
        """The audio from a sample on; the buffer is empty afterwards. Raises ApiError below 100 ms (all stays)."""
        pcm = self.peek(start)
        milliseconds = len(pcm) / PCM16.bytes_per_second * 1000
        if milliseconds < MIN_COMMIT_MS:  # in fractions: 99.9 ms are too few, and the API says so
            raise api_errors.buffer_too_small(milliseconds)
        self.clear()
        return pcm

    def take(self, start: int, end: int) -> bytes:
        """The audio between two samples; what comes after stays."""
        pcm = self.peek(start)[: 2 * max(0, end - max(start, self._start))]
        self.keep(max(0, self.end - end))
        return pcm

    def clear(self) -> None:
        """Forget everything; the count goes on."""
        self._start = self.end  # computed from what is about to go
        self._pcm.clear()
