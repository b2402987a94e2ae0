"""When the blocks of a device begin: its count of samples, held against times that it tells and that jitter."""

from __future__ import annotations

from collections import deque
from statistics import median
from typing import NamedTuple

_TYPICAL_MS = 500  # over which jitter evens out
_LATEST_MS = 100  # whose blocks have to agree before a break is believed
_MIN_LATEST = 3  # blocks
_AGREEMENT = 0.004  # seconds; the blocks of a late burst are 20 ms apart or more, and agree on nothing
_BREAK = 0.008  # seconds off the count: samples were lost, or silence was inserted
_SLACK = 0.001  # seconds that count as jitter
_SLEW = 0.001  # 1000 ppm, more than any two crystals differ


class BlockTime(NamedTuple):
    """When a block begins to be heard, or to be recorded."""

    at: float  # seconds, on the clock of `time.monotonic`
    steady: bool  # False: the stream broke just now, or may have, and the time is a guess


class DeviceClock:
    """One for each stream of a device. Follows slow drift, ignores a late block, and jumps where the stream broke."""

    def __init__(self, rate: int, block_ms: int) -> None:
        self._rate = rate  # samples per second
        self._typical, self._latest = _TYPICAL_MS // block_ms, max(_LATEST_MS // block_ms, _MIN_LATEST)  # blocks
        self._slew = _SLEW * block_ms / 1000  # seconds for each block
        self._samples = 0  # so far
        self._origins: deque[float] = deque(maxlen=self._typical)  # when sample 0 was, as the last blocks tell
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
        if len(self._origins) < self._typical or abs(origin - self._origin) > _SLACK:
            self._follow()
        steady = self._unbroken >= self._typical and abs(origin - self._origin) < _BREAK
        at = self._origin + self._samples / self._rate
        self._samples += samples
        return BlockTime(at, steady)

    def _follow(self) -> None:
        latest = list(self._origins)[-self._latest :]
        agree = len(latest) == self._latest and max(latest) - min(latest) < _AGREEMENT
        if agree and abs(median(latest) - self._origin) > _BREAK:
            self._origins = deque(latest, self._typical)
            self._origin = median(latest)
            self._unbroken = 0
        elif len(self._origins) < self._typical:
            self._origin = median(self._origins)
        elif abs(off := median(self._origins) - self._origin) > _SLACK:
            self._origin += max(-self._slew, min(self._slew, off))
