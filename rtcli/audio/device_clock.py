"""When the blocks of a device begin: its count of samples, held against times that it tells and that jitter."""

from __future__ import annotations

from collections import deque
from statistics import median
from typing import NamedTuple

_TYPICAL = 25  # blocks: half a second, over which jitter evens out
_LATEST = 5  # blocks that have to agree before a break is believed: 100 ms
_AGREEMENT = 0.004  # seconds; the blocks of a late burst are 20 ms apart, and agree on nothing
_BREAK = 0.008  # seconds off the count: samples were lost, or silence was inserted
_SLACK = 0.001  # seconds that count as jitter
_SLEW = 0.000_02  # seconds for each block: 1000 ppm, more than any two crystals differ


class BlockTime(NamedTuple):
    """When a block begins to be heard, or to be recorded."""

    at: float  # seconds, on the clock of `time.monotonic`
    steady: bool  # False: the stream broke just now, or may have, and the time is a guess


class DeviceClock:
    """One for each stream of a device. Follows slow drift, ignores a late block, and jumps where the stream broke."""

    def __init__(self, rate: int) -> None:
        self._rate = rate  # samples per second
        self._samples = 0  # so far
        self._origins: deque[float] = deque(maxlen=_TYPICAL)  # when sample 0 was, as the last blocks tell
        self._origin = 0.0  # when it was, as far as is believed
        self._unbroken = 0  # blocks since the last break

    def place(self, samples: int, told: float, *, broken: bool = False) -> BlockTime:
        """When the next block begins. `told` is what the device says; `broken`: it says that it stuttered."""
        origin = told - self._samples / self._rate
        self._unbroken += 1
        if broken:
            self._origins.clear()
            self._unbroken = 0
        self._origins.append(origin)
        if len(self._origins) == 1:
            self._origin = origin
        if len(self._origins) < _TYPICAL or abs(origin - self._origin) > _SLACK:
            self._follow()
        steady = self._unbroken >= _TYPICAL and abs(origin - self._origin) < _BREAK
        at = self._origin + self._samples / self._rate
        self._samples += samples
        return BlockTime(at, steady)

    def _follow(self) -> None:
        latest = list(self._origins)[-_LATEST:]
        agree = len(latest) == _LATEST and max(latest) - min(latest) < _AGREEMENT
        if agree and abs(median(latest) - self._origin) > _BREAK:
            self._origins = deque(latest, _TYPICAL)
            self._origin = median(latest)
            self._unbroken = 0
        elif len(self._origins) < _TYPICAL:
            self._origin = median(self._origins)
        elif abs(off := median(self._origins) - self._origin) > _SLACK:
            self._origin += max(-_SLEW, min(_SLEW, off))
