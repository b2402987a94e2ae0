"""How loud the microphone was in the last seconds, piece by piece, and which pieces went out."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from rtcli.dsp.levels import SILENCE_DB

SECONDS = 10.0
"""So much is kept."""

_STEP = 0.01  # seconds of a level, as charts have them
_GAP = 0.06  # a piece may come so much later than the one before it and still follow on it


@dataclass(frozen=True, slots=True)
class LevelRun:
    """Levels from a moment on (seconds of the session): a byte for each 10 ms, decibels above -96 dBFS."""

    start: float
    levels: bytes
    held_back: bool  # silence went out in their place, for it may have been echo


class LevelHistory:
    """Takes each piece that was captured while the microphone was live."""

    def __init__(self) -> None:
        self._pieces: deque[tuple[float, float, float, bool]] = deque()  # begin, seconds, dBFS, held back

    def __repr__(self) -> str:
        return f"<LevelHistory: {len(self._pieces)} pieces>"

    def add(self, begin: float, seconds: float, level_db: float, *, held_back: bool = False) -> None:
        """A piece that was captured from a moment on."""
        self._pieces.append((begin, seconds, level_db, held_back))
        while self._pieces and self._pieces[0][0] < begin - SECONDS:
            self._pieces.popleft()

    def runs(self, since: float) -> list[LevelRun]:
        """What follows on each other and is alike, from a moment on, oldest first."""
        found: list[tuple[float, bytearray, bool]] = []
        for begin, seconds, level_db, held_back in self._pieces:
            if begin < since:
                continue
            levels = bytes([round(min(max(level_db - SILENCE_DB, 0), 255))]) * max(round(seconds / _STEP), 1)
            last = found[-1] if found else None
            if last is None or last[2] is not held_back or begin - last[0] - len(last[1]) * _STEP > _GAP:
                found.append((begin, bytearray(), held_back))
            found[-1][1].extend(levels)
        return [LevelRun(start, bytes(levels), held_back) for start, levels, held_back in found]
