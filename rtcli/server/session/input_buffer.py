"""The sound that a client appends: decoded to 24 kHz PCM16, counted over the whole session, cut where a turn ends."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from rtcli.dsp import g711
from rtcli.dsp.resample import Resampler
from rtcli.protocol.audio_formats import PCM16
from rtcli.server.validation import api_errors

MINIMUM_MS = 100
LONGEST_MS = 15 * 60_000
"""What one buffer holds at most; of what nobody commits, the oldest goes."""
_PIECE_MS = 500

_DECODERS: Mapping[str, Callable[[bytes], bytes]] = {
    "audio/pcmu": g711.ulaw_to_pcm,
    "audio/pcma": g711.alaw_to_pcm,
}
_ENCODERS: Mapping[str, Callable[[bytes], bytes]] = {
    "audio/pcmu": g711.pcm_to_ulaw,
    "audio/pcma": g711.pcm_to_alaw,
}
FORMAT_NAMES = {
    "audio/pcm": "mono PCM16 at 24kHz",
    "audio/pcmu": "G.711 mu-law at 8kHz",
    "audio/pcma": "G.711 A-law at 8kHz",
}


class InputDecoder:
    """A session's input format to 24 kHz PCM16, as a stream."""

    def __init__(self, format_type: str) -> None:
        self.format_type = format_type
        self._decode = _DECODERS.get(format_type)
        self._resampler = Resampler(8_000 if self._decode else 24_000, 24_000)

    def decode(self, data: bytes) -> bytes:
        """What these bytes say; some milliseconds of G.711 wait for what follows."""
        return self._resampler.process(self._decode(data) if self._decode else data)

    def pieces(self, data: bytes) -> Iterator[bytes]:
        """The same, half a second at a time and only when it is asked for: minutes in one event take a while."""
        size = _PIECE_MS * (8 if self._decode else 48)
        return (self.decode(data[start : start + size]) for start in range(0, len(data), size))

    def flush(self) -> bytes:
        """What waited."""
        return self._resampler.flush()


class OutputEncoder:
    """24 kHz PCM16 to a session's output format, as a stream."""

    def __init__(self, format_type: str) -> None:
        self._encode = _ENCODERS.get(format_type)
        self._resampler = Resampler(24_000, 8_000 if self._encode else 24_000)

    def encode(self, pcm: bytes) -> bytes:
        """These samples as the client gets them."""
        data = self._resampler.process(pcm)
        return self._encode(data) if self._encode else data

    def flush(self) -> bytes:
        """The end of the stream."""
        data = self._resampler.flush()
        return self._encode(data) if self._encode else data


class InputBuffer:
    """24 kHz PCM16 that is not committed yet. Samples are counted from the first of the session."""

    def __init__(self) -> None:
        self._pcm = bytearray()
        self._start = 0  # the sample that the buffer begins with

    @property
    def end(self) -> int:
        """Samples appended in the whole session."""
        return self._start + len(self._pcm) // 2

    @property
    def milliseconds(self) -> float:
        """What is in the buffer."""
        return len(self._pcm) / PCM16.bytes_per_second * 1000

    def append(self, pcm: bytes) -> None:
        """Add whole samples."""
        self._pcm += pcm
        self.keep(PCM16.byte_length(LONGEST_MS) // 2)

    def keep(self, samples: int) -> None:
        """Forget all but the last so many samples."""
        surplus = len(self._pcm) - 2 * samples
        if surplus > 0:
            del self._pcm[:surplus]
            self._start += surplus // 2

    def peek(self, start: int) -> bytes:
        """The sound from a sample of the session on, as far as it is still here."""
        return bytes(self._pcm[2 * max(0, start - self._start) :])

    def commit(self, start: int = 0) -> bytes:
        """The sound from a sample on; the buffer is empty afterwards. Raises RefusedError below 100 ms (all stays)."""
        pcm = self.peek(start)
        milliseconds = len(pcm) / PCM16.bytes_per_second * 1000
        if milliseconds < MINIMUM_MS:
            raise api_errors.buffer_too_small(milliseconds)
        self.clear()
        return pcm

    def take(self, start: int, end: int) -> bytes:
        """The sound between two samples; what comes after stays."""
        pcm = self.peek(start)[: 2 * max(0, end - max(start, self._start))]
        self.keep(max(0, self.end - end))
        return pcm

    def clear(self) -> None:
        """Forget everything; the count goes on."""
        self._start = self.end
        self._pcm.clear()
