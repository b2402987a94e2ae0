"""What the speaker plays, laid out by the time at which it is heard, and read by the time of the microphone."""

from __future__ import annotations

RATE = 24_000  # samples per second of what is put and taken
_WIDTH = 2  # bytes of a sample
_KEPT = 2 * RATE  # samples; older ones cannot be heard as echo
_LEAD = RATE // 50  # samples by which the reference runs ahead: a speaker may tell 20 ms too much, and is in time
_PATIENCE = 10  # pieces whose end is not there yet, before the reference runs less far ahead
_PAUSE = 4  # pieces; they come several at once, so the speaker may still go on if nothing was put for so many
_BREAK = RATE // 200  # 5 ms: more than that is a break in a stream, less is drift
_SLACK = RATE // 2000  # 0.5 ms that are not worth a correction


class EchoReference:
    """Samples have a position, which is their time in samples.

    Between breaks both sides are read without a gap. What drift there is between the two devices is followed sample by
    sample, so that a canceller sees the echo at the same distance for ever.
    """

    def __init__(self) -> None:
        self._pcm = bytearray()
        self._begin = 0  # position of its first sample
        self._next = 0  # index in it of the sample to be taken next; negative: before the first
        self._lead = _LEAD
        self._short = 0  # pieces of late whose end was not there yet, while the speaker went on
        self._enough = 0  # pieces in a row whose end was there
        self._since = _PAUSE  # pieces since something was put
        self.jumps = 0  # how often taking did not go on where it had stopped

    def put(self, pcm: bytes, at: float) -> None:
        """PCM16 whose first sample is heard at `at` seconds."""
        position = round(at * RATE)
        gap = position - self._begin - self._length
        if not self._pcm or abs(gap) > _KEPT:
            self._pcm.clear()
            self._next += self._begin - position
            self._begin = position
        elif gap > _BREAK:  # the device played nothing meanwhile
            self._pcm += bytes(gap * _WIDTH)
        elif gap < -_BREAK:  # it will never play the end of what it was given
            del self._pcm[gap * _WIDTH :]
        elif abs(gap) > _SLACK:
            self._begin += 1 if gap > 0 else -1
        self._since = 0
        self._pcm += pcm
        if (surplus := self._length - _KEPT) > 0:
            del self._pcm[: surplus * _WIDTH]
            self._begin += surplus
            self._next -= surplus

    @property
    def _length(self) -> int:
        return len(self._pcm) // _WIDTH

    def take(self, samples: int, at: float) -> bytes:
        """What is in the air with a piece of the microphone that begins at `at` seconds; silence where nothing is."""
        off = round(at * RATE) + self._lead - self._begin - self._next
        if abs(off) > _BREAK:
            self._next += off
            self.jumps += 1
        elif abs(off) > _SLACK:
            self._next += 1 if off > 0 else -1
        begin, end = self._next, self._next + samples
        self._next = end
        self._keep_up(end - self._length)
        before = bytes(max(0, min(samples, -begin)) * _WIDTH)
        taken = self._pcm[max(0, begin) * _WIDTH : max(0, end) * _WIDTH]
        return bytes(before + taken).ljust(samples * _WIDTH, b"\0")

    def _keep_up(self, missing: int) -> None:
        """A speaker of little latency is asked for its blocks too late for so much lead."""
        self._since += 1
        if missing <= 0 or self._since > _PAUSE:
            self._enough += 1
            if self._enough >= _PATIENCE:
                self._short = 0
            return
        self._short, self._enough = self._short + 1, 0
        if self._short >= _PATIENCE:
            self._lead -= missing
            self._short = 0
