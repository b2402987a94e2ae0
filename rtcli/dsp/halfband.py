"""Between 24 and 48 kHz by a half-band filter: a piece in is exactly one piece out, half a millisecond later."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Samples = NDArray[np.float32]

_HALF = 31  # taps on each side of the middle one: 0.65 ms at 48 kHz
_KAISER_BETA = 7.0  # 70 dB down in the stop band


@cache
def _taps() -> Samples:
    """A windowed sinc that passes up to 11 kHz; its taps sum to 1."""
    import numpy as np

    offset = np.arange(-_HALF, _HALF + 1)
    taps = np.sinc(offset / 2) * np.kaiser(2 * _HALF + 1, _KAISER_BETA)
    return np.asarray(taps / taps.sum(), np.float32)


class _Filter:
    """The filter over one stream of samples at 48 kHz."""

    def __init__(self) -> None:
        self._past: Samples | None = None  # the samples before the next ones

    def run(self, samples: Samples) -> Samples:
        """As many filtered samples as came."""
        import numpy as np

        if self._past is None:
            self._past = np.zeros(2 * _HALF, np.float32)
        whole = np.concatenate((self._past, samples))
        self._past = whole[len(whole) - 2 * _HALF :]
        return np.convolve(whole, _taps(), "valid")


class Doubler:
    """One stream of mono PCM16 from 24 to 48 kHz, without a sample held back: the next frame has to be whole."""

    def __init__(self) -> None:
        self._filter = _Filter()

    def process(self, pcm: bytes, channels: int = 1) -> bytes:
        """Twice as many samples as there are in `pcm`, a whole number of them; the same in each channel."""
        import numpy as np

        samples = np.frombuffer(pcm, "<i2")
        spread = np.zeros(2 * len(samples), np.float32)
        spread[::2] = samples
        return _to_pcm((2 * self._filter.run(spread)).repeat(channels))


class Halver:
    """One stream of PCM16 from 48 kHz to mono at 24 kHz."""

    def __init__(self) -> None:
        self._filter = _Filter()

    def process(self, pcm: bytes, channels: int = 1) -> bytes:
        """Half as many samples as a channel has in `pcm`, an even number of them; channels are interleaved."""
        import numpy as np

        mono = np.frombuffer(pcm, "<i2").reshape(-1, channels).mean(axis=1, dtype=np.float32)
        return _to_pcm(self._filter.run(mono)[::2])


def _to_pcm(samples: Samples) -> bytes:
    return bytes(samples.round().clip(-32_768, 32_767).astype("<i2").tobytes())
