"""Keeps the assistant from hearing itself: what of the microphone goes out while the speaker plays."""

from __future__ import annotations

from enum import StrEnum

_HANGOVER_CHUNKS = 10  # 200 ms: what a room still gives back after the last sample
_MARGIN_DB = 9.0  # a voice near the microphone is at least this much above the echo
_QUIETEST_VOICE_DB = -50.0
_OPEN_CHUNKS = 3  # 60 ms above the gate before it opens: a door or a key stroke is shorter
_STAY_OPEN_CHUNKS = 25  # 500 ms, so that it does not close between words
_FIRST_COUPLING_DB = -12.0
_RISE, _FALL = 0.3, 0.05


class EchoMode(StrEnum):
    """`gate`: only what is clearly louder than the echo; `half`: nothing while the speaker plays; `off`: everything.

    `auto` is `gate` whenever a speaker plays into the room, and costs nothing where none does.
    """

    AUTO = "auto"
    GATE = "gate"
    HALF = "half"
    OFF = "off"


class EchoGuard:
    """Decides for each 20 ms piece of the microphone. It learns how much of the speaker comes back.

    A gate, not an echo canceller: it lets speech through that is louder than the echo, and damages soft double talk.
    """

    def __init__(self, mode: EchoMode = EchoMode.AUTO) -> None:
        self.mode = mode
        self._coupling = _FIRST_COUPLING_DB
        self._hangover = 0
        self._loud = 0
        self._open = 0

    def passes(self, microphone_db: float, speaker_db: float, *, audible: bool) -> bool:
        """Whether a piece at `microphone_db` goes out, while the speaker gives out `speaker_db` (dBFS)."""
        self._hangover = _HANGOVER_CHUNKS if audible else max(0, self._hangover - 1)
        if self.mode is EchoMode.OFF or not self._hangover:
            self._loud = self._open = 0
            return True
        if self.mode is EchoMode.HALF:
            return False
        return self._gate(microphone_db, speaker_db)

    def _gate(self, microphone_db: float, speaker_db: float) -> bool:
        threshold = max(speaker_db + self._coupling + _MARGIN_DB, _QUIETEST_VOICE_DB)
        self._loud = self._loud + 1 if microphone_db > threshold else 0
        if self._loud >= _OPEN_CHUNKS:
            self._open = _STAY_OPEN_CHUNKS
        elif self._open:
            self._open -= 1
        if not self._loud and not self._open and speaker_db > _QUIETEST_VOICE_DB:
            came_back = microphone_db - speaker_db
            self._coupling += (_RISE if came_back > self._coupling else _FALL) * (came_back - self._coupling)
        return self._open > 0
