"""A voice detector by energy alone, against a floor that follows the noise: any sudden noise is speech to it."""

from __future__ import annotations

import bisect
import math
from collections import deque
from functools import cache
from typing import Any

from rtcli.dsp.levels import SILENCE_DB
from rtcli.protocol.audio_formats import PCM16

_FRAME_MS = 10
_FRAME = PCM16.samples(_FRAME_MS)  # samples
_DECIMATION = 8  # a box filter over 8 samples keeps what is below about 1.5 kHz, where voices are
_FLOOR_FRAMES = 300  # 3 s
_FLOOR_SHARE = 0.2  # of these frames lie below the floor
_MAX_FLOOR_DB = -30.0
_MIN_SPEECH_DB = -55.0
_START_FRAMES = 9  # 90 ms above the floor before it counts as speech
_SMOOTHED = 5  # frames: the level of noise alone jumps about, and one loud frame must not prolong a turn


@cache
def _weights() -> tuple[Any, Any]:
    """Means as products with these: for arrays as small as a frame's, `mean` takes three times as long."""
    import numpy as np

    low = _FRAME // _DECIMATION
    return np.full(_DECIMATION, 1 / _DECIMATION, np.float32), np.full(low, 1 / low, np.float32)


class EnergyDetector:
    """Decides for one stream of 24 kHz PCM16 where speech starts and stops.

    At threshold 0.5 a frame is loud from 5 dB above the floor, and stays so down to 2 dB above it.
    """

    def __init__(self, *, threshold: float = 0.5, silence_ms: int = 500) -> None:
        self._on = 10 * threshold
        self._off = 4 * threshold
        self._silence_frames = max(1, math.ceil(silence_ms / _FRAME_MS))
        self._recent: deque[float] = deque()  # the levels of the last 3 s, in dBFS
        self._ordered: list[float] = []  # the same, sorted
        self._last: deque[float] = deque(maxlen=_SMOOTHED)
        self._rest = b""  # less than a frame
        self._frames = 0  # so far
        self._speaking = False
        self._run = 0  # frames in a row that contradict the state

    def __repr__(self) -> str:
        state = "speech" if self._speaking else "silence"
        return f"<EnergyDetector {state} after {self._frames * _FRAME_MS} ms>"

    def feed(self, pcm: bytes) -> list[tuple[bool, int]]:
        """(speaking, sample) for each change; samples count from the first that was ever fed."""
        import numpy as np

        pcm = self._rest + pcm
        whole = len(pcm) // (2 * _FRAME) * 2 * _FRAME
        self._rest = pcm[whole:]
        if not whole:
            return []
        samples = np.frombuffer(pcm[:whole], "<i2").astype(np.float32)
        box, mean = _weights()
        low = (samples.reshape(-1, _DECIMATION) @ box).reshape(-1, _FRAME // _DECIMATION)
        low -= (low @ mean)[:, None]  # a constant offset is not loudness
        power = np.square(low) @ mean / 32_768.0**2
        levels = 10 * np.log10(power + 10 ** (SILENCE_DB / 10))
        changes: list[tuple[bool, int]] = []
        for level in levels.tolist():
            self._frame(level, changes)
        return changes

    def reset(self) -> None:
        """Forget speech that is open. Positions and the noise floor stay."""
        self._speaking = False
        self._run = 0

    def _frame(self, level: float, changes: list[tuple[bool, int]]) -> None:
        self._frames += 1
        self._last.append(level)
        floor = self._floor(level)
        if self._speaking:
            loud = sum(self._last) / len(self._last) > max(floor + self._off, _MIN_SPEECH_DB)
        else:
            loud = level > max(floor + self._on, _MIN_SPEECH_DB)
        self._run = self._run + 1 if loud != self._speaking else 0
        if self._run >= (self._silence_frames if self._speaking else _START_FRAMES):
            self._speaking = loud
            changes.append((loud, (self._frames - self._run) * _FRAME))
            self._run = 0

    def _floor(self, level: float) -> float:
        """The level that a fifth of the last 3 s lie below, this frame counted."""
        self._recent.append(level)
        bisect.insort(self._ordered, level)
        if len(self._recent) > _FLOOR_FRAMES:
            del self._ordered[bisect.bisect_left(self._ordered, self._recent.popleft())]
        return min(self._ordered[int(len(self._ordered) * _FLOOR_SHARE)], _MAX_FLOOR_DB)
