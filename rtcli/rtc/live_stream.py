"""What of a call's endless stream goes to a loudspeaker: no silence, no gaps, and nothing that is too late.

Pure: `now` comes in, in seconds. Audio is PCM16 at 24 kHz, mono.
"""

from __future__ import annotations

from rtcli.dsp.concealment import concealed

_RATE = 24_000
_QUIET_PEAK = 32  # -60 dBFS: what an encoder makes of silence
_MAX_PAUSE = _RATE // 4  # samples of quiet within speech
_MAX_GAP = _RATE // 10  # samples that are concealed: more would be heard as a machine
_MAX_BEHIND = 0.2  # seconds that what is played may be behind what arrives, after a stall of the network


class LiveStream:
    """Fed with each piece as it comes. `lost_ms` did not come, `late_ms` came in a burst and were left out."""

    def __init__(self) -> None:
        self.is_open = False  # somebody speaks
        self._lost = self._late = 0  # samples
        self._cut = False  # what comes until the next silence was stopped by the user
        self._next: int | None = None  # the sample that is due
        self._last = b""
        self._quiet = 0  # samples of it, so far
        self._began = 0.0  # when the first sample of this speech would have been played, had nothing stalled
        self._given = 0  # samples of this speech

    @property
    def lost_ms(self) -> int:
        """Milliseconds that did not come, by the numbers of the samples."""
        return self._lost * 1000 // _RATE

    @property
    def late_ms(self) -> int:
        """Milliseconds that were left out, so as not to stay behind."""
        return self._late * 1000 // _RATE

    def cut(self) -> None:
        """The rest of what is spoken now is not to be played."""
        self._cut = self._cut or self.is_open
        self.is_open = False

    def push(self, pcm: bytes, start: int, now: float) -> bytes:
        """What is to be played now; `start` is the number of its first sample in the stream."""
        gap = start - self._next if self._next is not None else 0
        self._next = start + len(pcm) // 2
        self._lost += max(0, gap)
        quiet = _is_quiet(pcm)
        if self._cut:
            self._cut = not quiet
            return b""
        if not self.is_open:
            if quiet:
                return b""
            self.is_open, self._quiet, self._began, self._given, gap = True, 0, now, 0, 0
        self._quiet = self._quiet + len(pcm) // 2 if quiet else 0
        if self._quiet > _MAX_PAUSE:
            self.is_open = False
            return b""
        played = (concealed(self._last, gap) if 0 < gap <= _MAX_GAP else b"") + pcm
        self._last = pcm
        return self._in_time(played, now)

    def _in_time(self, pcm: bytes, now: float) -> bytes:
        """Nothing, where so much has been given lately that this would be played too late."""
        behind = self._given / _RATE - (now - self._began)
        if behind > _MAX_BEHIND:
            self._late += len(pcm) // 2
            return b""
        if behind < 0:  # the speaker ran dry: its clock begins anew
            self._began += -behind
        self._given += len(pcm) // 2
        return pcm


def _is_quiet(pcm: bytes) -> bool:
    samples = memoryview(pcm).cast("h")
    return not samples or (max(samples) <= _QUIET_PEAK and min(samples) >= -_QUIET_PEAK)
