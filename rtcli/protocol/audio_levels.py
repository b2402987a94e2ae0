"""How loud audio of a wire format is, from its bytes alone."""

from __future__ import annotations

import math
from array import array
from collections import Counter
from collections.abc import Callable, Mapping
from functools import cache

from rtcli.protocol.audio_formats import PCM16, PCMA, PCMU, AudioFormat

_MEASURED_SAMPLES = 240_000
"""A level is exact up to ten seconds; of longer audio every n-th sample is measured, so that no prompt waits for it."""


def level_db(data: bytes, audio_format: AudioFormat = PCM16) -> float | None:
    """The RMS level in dBFS; None for silence and for nothing. A byte that is half a sample counts for nothing."""
    power, count = _POWERS.get(audio_format.type, _pcm_power)(data)
    return 10 * math.log10(power / count / 32_768**2) if power else None


def _pcm_power(data: bytes) -> tuple[float, int]:
    # The wire is little-endian, as is every processor that this runs on.
    samples = array("h", data[: len(data) // 2 * 2])
    step = max(1, len(samples) // _MEASURED_SAMPLES) | 1  # odd: it does not walk in step with a tone
    measured = samples[::step]
    return sum(sample * sample for sample in measured), len(measured)


def _ulaw_power(data: bytes) -> tuple[float, int]:
    return _table_power(data, _ulaw_powers())


def _alaw_power(data: bytes) -> tuple[float, int]:
    return _table_power(data, _alaw_powers())


def _table_power(data: bytes, powers: list[int]) -> tuple[float, int]:
    # 256 codes are counted in C, and then there are 256 multiplications, however long the audio is.
    return sum(powers[code] * count for code, count in Counter(data).items()), len(data)


_POWERS: Mapping[str, Callable[[bytes], tuple[float, int]]] = {
    PCM16.type: _pcm_power,
    PCMU.type: _ulaw_power,
    PCMA.type: _alaw_power,
}


@cache
def _ulaw_powers() -> list[int]:
    """For each code of mu-law, which is sent inverted, the square of its sample (G.711, table 2)."""
    codes = [code ^ 0xFF for code in range(256)]
    return [(((((code & 15) << 1) + 33) << (code >> 4 & 7)) - 33 << 2) ** 2 for code in codes]


@cache
def _alaw_powers() -> list[int]:
    """For each code of A-law, whose even bits are sent inverted, the square of its sample (G.711, table 1)."""
    codes = [code ^ 0x55 for code in range(256)]
    return [_alaw_magnitude(code >> 4 & 7, ((code & 15) << 4) + 8) ** 2 for code in codes]


def _alaw_magnitude(exponent: int, mantissa: int) -> int:
    return mantissa if exponent == 0 else (mantissa + 0x100) << (exponent - 1)
