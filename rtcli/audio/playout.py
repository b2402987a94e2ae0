"""What plays next and what has been played: arithmetic over samples, with no device in it."""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto

from rtcli.protocol.playback import PartKey

_WIDTH = 2  # bytes of a sample
_MAX_KEYS = 256  # parts whose counts are kept: far more than can still be truncated, and no leak in a long session


class State(Enum):
    """Where the queue stands."""

    IDLE = auto()
    """Nothing to play."""
    FILLING = auto()
    """Waiting for enough audio to ride out jitter."""
    PLAYING = auto()
    """Giving out audio."""


@dataclass(frozen=True, slots=True)
class PendingPlayback:
    """What a player leaves: what was taken of each part, the audio that waits, and the part that more will come of.

    Frames, at the player's rate in a queue, at 24 kHz between speakers.
    """

    consumed: Mapping[PartKey, int]  # frames that the player read
    waiting: Sequence[tuple[PartKey, bytes]]  # PCM16, in the order to play it
    open: PartKey | None  # the part that has not been finished


@dataclass(slots=True)
class _Played:
    """Where on the device's count of frames the audio of one key lies: [position, frames] pieces, in order.

    `count_elsewhere` frames were played elsewhere before.
    """

    count_elsewhere: int = 0  # frames
    pieces: list[list[int]] = field(default_factory=list)
    first_at: float | None = None  # when its first sample was heard; None: nothing was read yet

    def add(self, position: int, frames: int, at: float) -> None:
        if self.first_at is None:
            self.first_at = at
        if self.pieces and sum(self.pieces[-1]) == position:  # it goes on where the last piece ended
            self.pieces[-1][1] += frames
        else:
            self.pieces.append([position, frames])

    def before(self, position: int) -> int:
        return self.count_elsewhere + sum(max(0, min(frames, position - start)) for start, frames in self.pieces)


class PlayQueue:
    """Audio by key, in the order it came, read out in blocks. Safe between the loop and a device's thread.

    All lengths are frames of mono PCM16 at `rate`. `latency` frames have been read but have not left the device yet:
    `heard` never counts them.
    """

    def __init__(self, rate: int, *, jitter_ms: int = 60, fade_ms: int = 12) -> None:
        self.rate = rate  # frames per second
        self.latency = 0  # frames between `read` and the air; the player sets it before each read
        self.state = State.IDLE
        self.underruns = 0  # how often it ran dry in an unfinished part
        self._jitter = rate * jitter_ms // 1000  # frames to gather before a part starts
        self._fade = rate * fade_ms // 1000  # frames that fade on `stop`
        self._queue: deque[tuple[PartKey, memoryview]] = deque()
        self._queued = 0  # frames in _queue
        self._waited = 0  # frames of silence given out while filling, so that a short first delta starts too
        self._position = 0  # frames read since the start, silence included: the device's clock
        self._audio_until = 0  # position at which the last audio that was read ends
        self._played: OrderedDict[PartKey, _Played] = OrderedDict()
        self._open: PartKey | None = None  # the part put last, while more of it may come
        self._lock = threading.Lock()  # PortAudio reads in a thread of its own

    def put(self, key: PartKey, pcm: bytes) -> None:
        """Queue audio."""
        if not pcm:
            return
        with self._lock:
            self._queue.append((key, memoryview(pcm)))
            self._queued += len(pcm) // _WIDTH
            self._open = key
            if key not in self._played:
                self._played[key] = _Played()
                if len(self._played) > _MAX_KEYS:
                    self._played.popitem(last=False)  # the oldest part
            if self.state is State.IDLE:
                self.state, self._waited = State.FILLING, 0

    def finish(self, key: PartKey) -> None:
        """No more audio of this key will come: running out of it is not an underrun, and nothing waits for more."""
        with self._lock:
            if self._open == key:
                self._open = None

    def read(self, frames: int, at: float) -> bytes:
        """The next block for the device, silence where audio is missing. `at` is when its first sample is heard."""
        with self._lock:
            if self.state is State.FILLING:
                ready = self._queued >= self._jitter or self._waited >= self._jitter or self._open is None
                self._waited += frames
                if ready:
                    self.state = State.PLAYING
            block = self._take(frames, at) if self.state is State.PLAYING else b""
            if self.state is State.PLAYING and not self._queue:
                self.underruns += self._open is not None
                self.state = State.IDLE
            self._position += frames
            return block.ljust(frames * _WIDTH, b"\0")

    def _take(self, frames: int, at: float) -> bytes:
        block = bytearray()
        while self._queue and frames:
            key, pcm = self._queue.popleft()
            part = pcm[: frames * _WIDTH]
            if len(part) < len(pcm):
                self._queue.appendleft((key, pcm[len(part) :]))  # a slice of a memoryview: nothing is copied
            done, count = len(block) // _WIDTH, len(part) // _WIDTH
            if key in self._played:
                self._played[key].add(self._position + done, count, at + done / self.rate)
            block += part
            frames -= count
            self._queued -= count
        self._audio_until = self._position + len(block) // _WIDTH
        return bytes(block)

    def stop(self) -> None:
        """Drop what is queued but a few milliseconds, which fade, so that it does not click."""
        with self._lock:
            if not self._queue:
                return
            key = self._queue[0][0]
            tail = bytearray()
            while self.state is State.PLAYING and self._queue and len(tail) < self._fade * _WIDTH:
                if self._queue[0][0] != key:  # the fade must not count as another part
                    break
                tail += self._queue.popleft()[1]
            del tail[self._fade * _WIDTH :]
            self._queue.clear()
            self._open = None
            self._queued = len(tail) // _WIDTH
            if tail:
                self._queue.append((key, memoryview(_faded(bytes(tail)))))
            else:
                self.state = State.IDLE

    def export(self) -> PendingPlayback:
        """Give up what waits, for another queue to play. What has been read counts as taken, and is over."""
        with self._lock:
            consumed = {key: played.before(self._position) for key, played in self._played.items()}
            waiting: dict[PartKey, bytearray] = {}
            for key, pcm in self._queue:
                waiting.setdefault(key, bytearray()).extend(pcm)
            rest = PendingPlayback(consumed, [(key, bytes(pcm)) for key, pcm in waiting.items()], self._open)
            self._queue.clear()
            self._queued, self._open, self.state = 0, None, State.IDLE
            self._audio_until = 0  # what was read counts as heard: nothing is audible any more
            return rest

    def count_elsewhere(self, consumed: Mapping[PartKey, int]) -> None:
        """So many frames of each key were played elsewhere."""
        with self._lock:
            for key, frames in consumed.items():
                self._played[key] = _Played(frames)

    def heard(self, key: PartKey) -> int | None:
        """Frames of a key that left the device; None: it never had audio of this key."""
        with self._lock:
            played = self._played.get(key)
            return played.before(self._position - self.latency) if played else None

    def consumed(self, key: PartKey) -> int:
        """Frames of a key that were read, whether or not they have left the device."""
        with self._lock:
            played = self._played.get(key)
            return played.before(self._position) if played else 0

    def first_heard_at(self, key: PartKey) -> float | None:
        """When the first sample of a key was heard, on the clock that `read` was given."""
        played = self._played.get(key)
        return played.first_at if played else None

    @property
    def queued(self) -> int:
        """Frames that wait to be read."""
        return self._queued

    @property
    def audible(self) -> bool:
        """Audio waits, or has been read and has not wholly left the device."""
        with self._lock:
            return bool(self._queue) or self._position - self.latency < self._audio_until

    @property
    def current(self) -> PartKey | None:
        """Whose audio leaves the device now, or would next."""
        with self._lock:
            now = self._position - self.latency
            # The newest part first; latency is short, so what is heard now is in one of its last two unbroken pieces.
            for key, played in reversed(self._played.items()):
                if any(start <= now < start + frames for start, frames in played.pieces[-2:]):
                    return key
            return self._queue[0][0] if self._queue else None


def _faded(pcm: bytes) -> bytes:
    import numpy as np

    samples = np.frombuffer(pcm, "<i2").astype(np.float32)
    ramp = np.linspace(1.0, 0.0, len(samples), dtype=np.float32)
    return bytes((samples * ramp).astype("<i2").tobytes())
