"""Takes what the speaker plays out of what the microphone hears, by WebRTC's echo canceller."""

from __future__ import annotations

import math
from collections import deque

from rtcli.audio.device_clock import BlockTime
from rtcli.audio.echo_reference import RATE, EchoReference
from rtcli.dsp.levels import SILENCE_DB, rms_db
from rtcli.dsp.resample import Resampler
from rtcli.errors import AudioUnavailableError
from rtcli.installation import install_command

_IDLE_PIECES = 50  # 1 s of silence from the speaker, after which nothing is left to take out
_UNSETTLED_PIECES = 25  # 0.5 s in which the canceller gets over a break
_PLAYING_DB = -50.0  # dBFS; a quieter speaker says nothing about how much is taken out
_MEMORY = 0.98  # share of the past in the figure after each piece: it looks back about a second


class EchoCanceller:
    """Give it what both devices carry, with its time. The speaker's thread calls `played`, the loop calls `clean`.

    What a canceller cannot bear is an echo whose delay changes: it has to learn the room again, and lets the echo pass
    meanwhile. So its reference is not what came in turn, but what is in the air at the time of the microphone's piece.
    """

    def __init__(self) -> None:
        """Raises AudioUnavailableError where the library cannot be loaded."""
        try:
            from pywebrtc_audio import AudioProcessor
        except (ImportError, OSError) as error:
            hint = f"{install_command('pywebrtc-audio')}, or /echo gate"
            raise AudioUnavailableError("echo cancellation cannot be loaded", why=str(error), hint=hint) from error
        self._processor = AudioProcessor(RATE, echo_cancellation=True)
        # blocks of the speaker that no piece of the microphone has met; bounded, as a muted microphone meets none
        self._blocks: deque[tuple[bytes, int, BlockTime]] = deque(maxlen=50)
        self._reference = EchoReference()  # the same at 24 kHz
        self._resampler: tuple[int, Resampler] | None = None  # for the device's rate
        self._unsettled = 0  # pieces for which it still is
        self._silent = _IDLE_PIECES  # pieces since the speaker last played, or was given something to play
        self.reference_db = SILENCE_DB  # how loud what the speaker plays is at the time of the last piece
        self._before = self._after = 0.0  # power of the microphone, and of what was left of it

    def played(self, pcm: bytes, rate: int, time: BlockTime) -> None:
        """A block that the speaker takes."""
        self._blocks.append((pcm, rate, time))

    def clean(self, pcm: bytes, time: BlockTime) -> bytes:
        """A piece of the microphone without the echo; the very same piece while the speaker is silent."""
        import numpy as np

        self._unsettled = max(self._unsettled - 1, 0) if time.steady else _UNSETTLED_PIECES
        self.reference_db = SILENCE_DB
        if self._sleeps():
            return pcm
        far = self._take(len(pcm) // 2, time)
        self._silent = 0 if far.strip(b"\0") else self._silent + 1
        cleaned = self._processor.process(np.frombuffer(pcm, "<i2"), np.frombuffer(far, "<i2")).tobytes()
        self.reference_db = rms_db(far)
        if self.reference_db > _PLAYING_DB:
            self._before = self._before * _MEMORY + 10 ** (rms_db(pcm) / 10)
            self._after = self._after * _MEMORY + 10 ** (rms_db(cleaned) / 10)
        return bytes(cleaned)

    @property
    def attenuation_db(self) -> float | None:
        """How much quieter the microphone became lately, while the speaker played; None: it has not played."""
        return 10 * math.log10(self._before / self._after) if self._after else None

    @property
    def settled(self) -> bool:
        """The devices ran steadily of late, so what is left of the microphone is not echo."""
        return not self._unsettled

    def _sleeps(self) -> bool:
        """Nothing is played, and nothing will be at once: a speaker that is open gives out silence nearly always."""
        while self._silent >= _IDLE_PIECES and self._blocks:
            pcm, _, heard = self._blocks[0]
            if pcm.strip(b"\0"):
                self._silent = 0
                return False
            self._note(heard)
            self._blocks.popleft()
        return self._silent >= _IDLE_PIECES

    def _note(self, heard: BlockTime) -> None:
        if not heard.steady:
            self._unsettled = _UNSETTLED_PIECES

    def _take(self, samples: int, time: BlockTime) -> bytes:
        while self._blocks:
            pcm, rate, heard = self._blocks.popleft()
            self._note(heard)
            if self._resampler is None or self._resampler[0] != rate:
                self._resampler = (rate, Resampler(rate, RATE, quick=rate > RATE))
            resampler = self._resampler[1]
            converted = resampler.process(pcm)
            end = heard.at + len(pcm) / (2 * rate) - resampler.held
            self._reference.put(converted, end - len(converted) / (2 * RATE))
        return self._reference.take(samples, time.at)
