"""Keeps the assistant from hearing itself: what of the microphone goes out while the speaker plays."""

from __future__ import annotations

from collections import deque
from enum import StrEnum

from rtcli.dsp.levels import SILENCE_DB

_HANGOVER_CHUNKS = 20  # 400 ms: what a room still gives back after the last sample
_PLAYED_CHUNKS = 40  # 800 ms: an echo is of something that was given out in this time; devices and rooms delay it
_RETURNED_CHUNKS = 12  # 240 ms: shorter, so that what came back is never compared with less than caused it
_LEARNING_CHUNKS = 40  # 800 ms of an unknown room, in which nothing passes
_MARGIN_DB = 8.0  # a voice near the microphone is at least this much above the loudest echo
_QUIETEST_VOICE_DB = -50.0  # dBFS; below it nothing is taken for speech, nor for playing from which to learn
_STEADY_DB = 6.0  # how far the loudest moments of 240 ms parts may differ for playing to count as unbroken
_OPEN_CHUNKS = 3  # 60 ms above the gate before it opens: a door or a key stroke is shorter
_STAY_OPEN_CHUNKS = 25  # 500 ms, so that it does not close between words
_RISE, _FALL = 0.05, 0.01  # a room changes slowly; a voice must not be learned


class EchoMode(StrEnum):
    """`gate`: only what is clearly louder than the echo; `half`: nothing while the speaker plays; `off`: everything.

    `aec` takes the echo out first, and gates what is left of it. `auto` is `aec`, and `gate` where that cannot be had.
    """

    AUTO = "auto"
    AEC = "aec"
    GATE = "gate"
    HALF = "half"
    OFF = "off"


class EchoGuard:
    """Decides for each 20 ms piece of the microphone. It learns how much of the speaker comes back.

    A gate, not an echo canceller: it lets speech through that is louder than the echo, and damages soft double talk.
    An echo comes late by an unknown time, so loudest is compared with loudest: of the microphone just now, and of the
    speaker in the last 800 ms.
    """

    def __init__(
        self, mode: EchoMode = EchoMode.AUTO, *, chunks: int = _PLAYED_CHUNKS, margin_db: float = _MARGIN_DB
    ) -> None:
        """`chunks`: by how many pieces an echo may be late."""
        self.mode = mode
        self._margin_db = margin_db
        self._played: deque[float] = deque(maxlen=chunks)  # dBFS of the speaker
        # dBFS of the microphone while nobody seems to speak, the last 240 ms
        self._returned: deque[float] = deque(maxlen=_RETURNED_CHUNKS)
        self._coupling = 0.0  # dB from the speaker's level to its echo in the microphone; usually negative
        self._loudest_heard = self._loudest_played = SILENCE_DB  # dBFS, while the room is learned
        self._learned = 0  # pieces learned from; the gate stays shut until there are enough
        self._hangover = 0  # pieces for which the room may still ring after the speaker fell silent
        self._loud = 0  # pieces in a row above the gate
        self._open = 0  # pieces for which the gate still stays open

    def passes(self, microphone_db: float, speaker_db: float, *, audible: bool) -> bool:
        """Whether a piece at `microphone_db` goes out, while the speaker gives out `speaker_db` (dBFS)."""
        self._hangover = _HANGOVER_CHUNKS if audible else max(0, self._hangover - 1)
        if self.mode is EchoMode.OFF or not self._hangover:
            self._played.clear()
            self._returned.clear()
            self._loud = self._open = 0
            return True
        if self.mode is EchoMode.HALF:
            return False
        self._played.append(speaker_db)
        return self._gate(microphone_db, max(self._played))

    def shut(self) -> None:
        """Nothing passes before it is loud anew."""
        self._loud = self._open = 0

    def _gate(self, microphone_db: float, played_db: float) -> bool:
        if self._learned >= _LEARNING_CHUNKS:
            loud = microphone_db > max(played_db + self._coupling + self._margin_db, _QUIETEST_VOICE_DB)
            self._loud = self._loud + 1 if loud else 0
            if self._loud >= _OPEN_CHUNKS:
                self._open = _STAY_OPEN_CHUNKS
            elif self._open:
                self._open -= 1
        if not self._loud and not self._open and played_db > _QUIETEST_VOICE_DB:
            self._learn(microphone_db, played_db)
        return self._open > 0

    def _learn(self, microphone_db: float, played_db: float) -> None:
        self._returned.append(microphone_db)
        came_back = max(self._returned) - played_db
        if self._learned < _LEARNING_CHUNKS:
            self._loudest_heard = max(self._loudest_heard, microphone_db)
            self._loudest_played = max(self._loudest_played, played_db)
            self._coupling = self._loudest_heard - self._loudest_played
        # Down only where the echo must be there: from a pause it would learn that the room gives nothing back.
        elif came_back > self._coupling:
            self._coupling += _RISE * (came_back - self._coupling)
        elif self._played_throughout:
            self._coupling += _FALL * (came_back - self._coupling)
        self._learned += 1

    @property
    def echoes(self) -> bool:
        """The speaker plays, or has just played, into a room that gives it back as loud as a voice."""
        if not self._hangover or not self._played or self._learned < _LEARNING_CHUNKS:
            return False
        return max(self._played) + self._coupling > _QUIETEST_VOICE_DB

    @property
    def _played_throughout(self) -> bool:
        """No pause lately: however late the echo comes, the microphone hears one just now."""
        played = list(self._played)
        parts = [max(played[start : start + _RETURNED_CHUNKS]) for start in range(0, len(played), _RETURNED_CHUNKS)]
        return min(parts) > max(parts) - _STEADY_DB
