"""Whether the microphone hears the loudspeaker: its level rises and falls with what is played, a moment later."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

_WINDOW = 75
"""20 ms pieces that are compared: 1.5 s, a few words."""

_LATEST_ECHO = 20
"""Pieces by which the microphone may come after what was given to the device: its latency and the room's."""

_FLOOR_DB = -70.0
_AUDIBLE_DB = -55.0
_LIVELY_DB = 3.0
_ALIKE = 0.75


class EchoWatch:
    """Keeps the last levels of both, in dBFS."""

    def __init__(self) -> None:
        self._microphone: deque[float] = deque(maxlen=_WINDOW)
        self._speaker: deque[float] = deque(maxlen=_WINDOW)

    def add(self, microphone_db: float, speaker_db: float) -> None:
        """The levels of one piece, while the speaker plays."""
        self._microphone.append(max(microphone_db, _FLOOR_DB))
        self._speaker.append(max(speaker_db, _FLOOR_DB))

    @property
    def follows(self) -> bool:
        """The microphone follows the speaker. False where too little was heard, or it was too even to tell."""
        from statistics import fmean, pstdev

        microphone, speaker = list(self._microphone), list(self._speaker)
        if len(microphone) < _WINDOW or fmean(microphone) < _AUDIBLE_DB or pstdev(speaker) < _LIVELY_DB:
            return False
        return any(_alike(microphone[lag:], speaker[: _WINDOW - lag]) >= _ALIKE for lag in range(_LATEST_ECHO))


def _alike(one: Sequence[float], other: Sequence[float]) -> float:
    """From -1 to 1: whether two rows of levels rise and fall together."""
    from statistics import StatisticsError, correlation

    try:
        return correlation(one, other)
    except StatisticsError:  # one of them does not change at all
        return 0.0
