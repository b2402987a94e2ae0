"""Takes what the speaker plays out of what the microphone hears, by WebRTC's echo canceller."""

from __future__ import annotations

import math
from collections import deque

from rtcli.dsp.levels import rms_db
from rtcli.dsp.resample import Resampler
from rtcli.errors import AudioUnavailableError
from rtcli.installation import install_command

_RATE = 24_000  # samples per second of both sides
_MOST = 200 * 48  # bytes; more than this waits only where the microphone paused, and its echo is over
_KEPT = 60 * 48  # bytes that stay then: a reserve for the two devices' uneven clocks
_IDLE_PIECES = 50  # 1 s of silence from the speaker, after which nothing is left to take out
_PLAYING_DB = -50.0  # dBFS; a quieter speaker says nothing about how much is taken out
_MEMORY = 0.98  # share of the past in the figure after each piece: it looks back about a second


class EchoCanceller:
    """Give it what both devices carry. The speaker's thread calls `played`, the loop calls `clean`."""

    def __init__(self) -> None:
        """Raises AudioUnavailableError where the library cannot be loaded."""
        try:
            from pywebrtc_audio import AudioProcessor
        except (ImportError, OSError) as error:
            hint = f"{install_command('pywebrtc-audio')}, or /echo gate"
            raise AudioUnavailableError("echo cancellation cannot be loaded", why=str(error), hint=hint) from error
        self._processor = AudioProcessor(_RATE, echo_cancellation=True)
        # blocks of the speaker that no piece of the microphone has met; bounded, as a muted microphone meets none
        self._blocks: deque[tuple[bytes, int]] = deque(maxlen=50)
        self._far = bytearray()  # the same at 24 kHz
        self._resampler: tuple[int, Resampler] | None = None  # for the device's rate
        self._silent = _IDLE_PIECES  # pieces since the speaker last played
        self._before = self._after = 0.0  # power of the microphone, and of what was left of it

    def played(self, pcm: bytes, rate: int) -> None:
        """A block that the speaker takes now."""
        self._blocks.append((pcm, rate))

    def clean(self, pcm: bytes) -> bytes:
        """The piece without the echo; the very same piece while the speaker is silent."""
        import numpy as np

        far = self._take(len(pcm))
        self._silent = 0 if far.strip(b"\0") else self._silent + 1
        if self._silent >= _IDLE_PIECES:
            return pcm
        cleaned = self._processor.process(np.frombuffer(pcm, "<i2"), np.frombuffer(far, "<i2")).tobytes()
        if rms_db(far) > _PLAYING_DB:
            self._before = self._before * _MEMORY + 10 ** (rms_db(pcm) / 10)
            self._after = self._after * _MEMORY + 10 ** (rms_db(cleaned) / 10)
        return bytes(cleaned)

    @property
    def attenuation_db(self) -> float | None:
        """How much quieter the microphone became lately, while the speaker played; None: it has not played."""
        return 10 * math.log10(self._before / self._after) if self._after else None

    def _take(self, length: int) -> bytes:
        while self._blocks:
            pcm, rate = self._blocks.popleft()
            if self._resampler is None or self._resampler[0] != rate:
                self._resampler = (rate, Resampler(rate, _RATE))
            self._far += self._resampler[1].process(pcm)
        if len(self._far) > _MOST:
            del self._far[:-_KEPT]
        far = bytes(self._far[:length])
        del self._far[:length]
        return far.ljust(length, b"\0")
