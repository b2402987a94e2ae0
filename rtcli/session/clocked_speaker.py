"""A speaker without a device: what it is given counts as heard by the clock, for tests that nobody listens to."""

from __future__ import annotations

from collections.abc import Callable

from rtcli.audio.playout import PendingPlayback
from rtcli.audio.speaker import OnBlock
from rtcli.audio.stream import Lost
from rtcli.dsp.levels import SILENCE_DB
from rtcli.protocol.audio_formats import PCM16
from rtcli.protocol.playback import PartKey


class ClockedSpeaker:
    """Plays `pace` times as fast as speech; with 0 what has arrived has been heard.

    It stops at `limit_ms`, counted over all it has played, until that is raised: who wants to interrupt after a second
    finds exactly a second heard, at whatever pace.
    """

    def __init__(self, clock: Callable[[], float], pace: float = 1.0) -> None:
        self.on_lost: Lost | None = None
        self.on_block: OnBlock | None = None  # nobody gets any: nothing is made audible
        self.limit_ms: float | None = None
        self._clock = clock
        self._pace = pace
        self._parts: dict[PartKey, list[tuple[float, float]]] = {}  # where pieces begin, in ms, and how long they are
        self._began: dict[PartKey, float] = {}  # when the first sample was heard
        self._received_ms = 0.0
        self._played_ms = 0.0  # at the moment `_since`
        self._since = clock()

    def __repr__(self) -> str:
        return f"<ClockedSpeaker: {self.played_ms:.0f} of {self._received_ms:.0f} ms>"

    @property
    def name(self) -> str:
        """As a recording names it."""
        return "clock"

    @property
    def played_ms(self) -> float:
        """How much was heard of everything so far."""
        now = self._clock()
        elapsed = (now - self._since) * 1000 * self._pace if self._pace else self._received_ms
        limit = self._received_ms if self.limit_ms is None else min(self._received_ms, self.limit_ms)
        self._played_ms = max(self._played_ms, min(self._played_ms + elapsed, limit))
        self._since = now
        return self._played_ms

    def open(self) -> None:
        """There is nothing to open."""

    def close(self) -> None:
        """Nor to close."""

    def play(self, item_id: str, content_index: int, pcm: bytes) -> None:
        """More audio of a part, PCM16 of 24 kHz."""
        if not pcm:
            return
        length, played = len(pcm) * 1000 / PCM16.bytes_per_second, self.played_ms
        key = (item_id, content_index)
        ahead = (self._received_ms - played) / 1000
        self._began.setdefault(key, self._since + (ahead / self._pace if self._pace else 0.0))
        self._parts.setdefault(key, []).append((self._received_ms, length))
        self._received_ms += length

    def finish(self, item_id: str, content_index: int) -> None:
        """The part is complete: it plays on to its end."""

    def stop(self) -> None:
        """Drop what was not heard."""
        played = self.played_ms
        self._received_ms = played
        for key, pieces in self._parts.items():
            self._parts[key] = [(start, min(length, max(played - start, 0.0))) for start, length in pieces]

    def export(self) -> PendingPlayback:
        """Nothing goes on elsewhere."""
        self.stop()
        return PendingPlayback({}, [], None)

    def resume(self, rest: PendingPlayback) -> None:
        """Nothing comes from elsewhere."""

    def heard_ms(self, item_id: str, content_index: int) -> int | None:
        """Milliseconds of a part that were heard; None: none of it was given."""
        pieces = self._parts.get((item_id, content_index))
        if pieces is None:
            return None
        played = self.played_ms
        return round(sum(min(length, max(played - start, 0.0)) for start, length in pieces))

    def first_heard_at(self, item_id: str, content_index: int) -> float | None:
        """When the first sample of a part was heard; None: not yet."""
        began = self._began.get((item_id, content_index))
        return began if began is not None and began <= self._clock() else None

    @property
    def audible(self) -> bool:
        """Something has not been heard yet."""
        return self.played_ms < self._received_ms

    @property
    def current(self) -> PartKey | None:
        """The part that is heard now; the last one in silence."""
        played = self.played_ms
        started = (key for key, pieces in self._parts.items() if pieces[0][0] <= played)
        return max(started, key=lambda key: self._parts[key][-1][0], default=None)

    @property
    def level_db(self) -> float:
        """Nobody measures it."""
        return SILENCE_DB
