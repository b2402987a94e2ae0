"""The user's voice in what was sent: when each moment of it was spoken, and between which levels it lies."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass

from rtcli.dsp.envelope import STEP_MS, Envelope
from rtcli.protocol.audio_formats import PCM16, AudioFormat

_STEP = STEP_MS / 1000
_RUN = 3
"""Steps in a row that make a voice: a click is shorter."""

_ABOVE_FLOOR_DB = 8  # noise varies by less than this from step to step
_BELOW_TOP_DB = 32  # the softest parts of speech, below its loudest ones
_MIN_BELOW_TOP_DB = 15  # in loud noise the bound comes close to the voice, and must stay below it
_AUDIBLE = 40  # -56 dBFS: what is softer is nobody's voice
_SETTLE_SECONDS = 1.0
_KEPT_STEPS = 12_000  # 2 minutes: a turn that is longer is known by its end
_MAX_LATE = 0.25
"""By so many seconds the first piece of a stream may come late; all others are placed by those around them."""

_TOLERANCE = 0.003  # seconds: clocks that differ by less need no anchor of their own


@dataclass(frozen=True, slots=True)
class Wave:
    """Levels (see `Envelope`) of audio from a moment on, 10 ms each."""

    start: float
    levels: bytes

    @property
    def end(self) -> float:
        """When it is over."""
        return self.start + len(self.levels) * _STEP


def loudness_bound(levels: bytes, context: bytes = b"") -> int:
    """The level above which there is a voice: over the noise, and not far below the loudest.

    The noise is what a tenth of the levels and of those before them (`context`) lie below.
    """
    if not levels:
        return _AUDIBLE
    ordered, noise = sorted(levels), sorted(context + levels)
    # Percentiles, not the extremes: a click is the loudest step, digital silence the softest.
    top, floor = ordered[int(len(ordered) * 0.95)], noise[len(noise) // 10]
    return max(min(max(floor + _ABOVE_FLOOR_DB, top - _BELOW_TOP_DB), top - _MIN_BELOW_TOP_DB), _AUDIBLE)


def voice_steps(levels: bytes, context: bytes = b"") -> tuple[int, int] | None:
    """The first step of a voice, and the one behind its last; None: nothing there is one."""
    return loud_steps(levels, loudness_bound(levels, context))


def loud_steps(levels: bytes | bytearray, bound: int) -> tuple[int, int] | None:
    """The first step above a level, and the one behind the last; shorter than a voice counts for nothing."""
    # bytes.translate and find run in C: a turn has thousands of steps, and is measured while a session runs.
    loud = levels.translate(bytes(level > bound for level in range(256)))
    first = loud.find(b"\1" * _RUN)
    return None if first < 0 else (first, loud.rfind(b"\1" * _RUN) + _RUN)


class SentAudio:
    """The audio that was sent, its levels, and the moment at which each was captured.

    A piece cannot have been captured after it was sent, nor before the piece ahead of it; what comes late, in a bunch,
    is placed by the pieces that follow. So a live stream has the times of its microphone, and a file that is sent at
    once those of its sending. Levels count from the first that was ever sent; the last two minutes are kept.
    """

    def __init__(self, placed: Callable[[float], None] | None = None) -> None:
        """`placed` is told when each piece began, in their order."""
        self._tell_placed = placed
        self._envelope = Envelope(PCM16)
        self._dropped = 0  # levels before the first one kept
        self._length = 0.0  # seconds so far, those that wait included
        self._pieces: list[tuple[float, float]] = []  # not yet placed: sent at, seconds
        self._waiting = 0.0  # their seconds
        self._end: float | None = None  # when the last placed piece ended
        self._placed = 0.0  # seconds so far that are placed
        self._anchors: list[tuple[float, float]] = []  # position, moment: time is even between them

    def __repr__(self) -> str:
        return f"<SentAudio: {self._length:.2f} s>"

    @property
    def position(self) -> int:
        """The level that comes next."""
        self.settle()
        return self._dropped + len(self._envelope.levels)

    def add(self, data: bytes, audio_format: AudioFormat, at: float) -> None:
        """These bytes were sent at this moment."""
        if audio_format != self._envelope.format:
            self._change(audio_format)
        seconds = len(data) / audio_format.bytes_per_second
        self._envelope.add(data)
        self._pieces.append((at, seconds))
        self._waiting += seconds
        if self._waiting >= _SETTLE_SECONDS:
            self.settle()

    def _change(self, audio_format: AudioFormat) -> None:
        self.settle()
        levels, self._envelope = self._envelope.levels, Envelope(audio_format)
        self._envelope.levels = levels
        # Counted in whole levels from here on: a part of one is lost with the old format.
        self._length = self._placed = (self._dropped + len(levels)) * _STEP

    def settle(self) -> None:
        """Measure and place what waits."""
        if not self._pieces:
            return
        levels = self._envelope.settle()
        self._place()
        self._pieces.clear()
        self._waiting = 0.0
        # A quarter at a time: deleting from the front moves all that is kept.
        if (excess := len(levels) - _KEPT_STEPS) > _KEPT_STEPS // 4:
            del levels[:excess]
            self._dropped += excess
            first = max(bisect_right(self._anchors, (self._dropped * _STEP, float("inf"))) - 1, 0)
            del self._anchors[:first]

    def _place(self) -> None:
        earliest = self._earliest()
        for (at, seconds), bound in zip(self._pieces, earliest, strict=True):
            if self._end is None:
                self._end = max(bound - seconds, at - seconds - _MAX_LATE)
                self._anchors.append((self._placed, self._end))
            start = self._end
            late = max(bound - (start + seconds), 0.0)
            self._end = min(start + late + seconds, at)
            begin = max(self._end - seconds, start)
            if self._tell_placed is not None:
                self._tell_placed(begin)
            position, moment = self._anchors[-1]
            if abs(begin - (moment + self._placed - position)) > _TOLERANCE:
                self._anchors.append((self._placed, begin))
            self._placed += seconds

    def _earliest(self) -> list[float]:
        """For each piece when it ended at the latest, judged by it and by those that follow within what waits."""
        bounds: list[float] = []
        following = float("inf")
        for at, seconds in reversed(self._pieces):
            following = min(at, following)
            bounds.append(following)
            following -= seconds
        return bounds[::-1]

    def moment(self, step: int) -> float:
        """When a level began."""
        position = step * _STEP
        # 1e-9: a position that is computed may fall just short of the anchor that it stands for.
        index = max(bisect_right(self._anchors, (position + 1e-9, float("inf"))) - 1, 0)
        known, moment = self._anchors[index]
        moment += position - known
        return min(moment, self._anchors[index + 1][1]) if index + 1 < len(self._anchors) else moment

    def levels(self, first: int, last: int) -> bytes:
        """The levels from `first` up to `last`, as far as they are kept."""
        return bytes(self._envelope.levels[max(first - self._dropped, 0) : max(last - self._dropped, 0)])

    def first_kept(self, step: int) -> int:
        """This level, or the oldest one kept."""
        return max(step, self._dropped)

    def waves(self, first: int, last: int | None = None) -> tuple[Wave, ...]:
        """The same levels with their moments, to the last one measured: a wave for those that follow on each other."""
        first = self.first_kept(first)
        last = self._dropped + len(self._envelope.levels) if last is None else last
        found: list[Wave] = []
        begin = first
        for position, _ in self._anchors:
            step = round(position / _STEP)
            if begin < step < last:
                found.append(Wave(self.moment(begin), self.levels(begin, step)))
                begin = step
        if begin < last:
            found.append(Wave(self.moment(begin), self.levels(begin, last)))
        return tuple(found)
