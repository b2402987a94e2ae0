"""How loud PCM16 is, in dB relative to full scale."""

from __future__ import annotations

SILENCE_DB = -96.0
"""What digital silence counts as: the floor of 16 bits."""


def rms_db(pcm: bytes) -> float:
    """The level of the mean power in dBFS, from -96 (nothing) to 0 (a square wave at full scale)."""
    import math

    import numpy as np

    samples = np.frombuffer(pcm[: len(pcm) // 2 * 2], "<i2").astype(np.float64)
    if not samples.size:
        return SILENCE_DB
    amplitude = float(np.dot(samples, samples) / samples.size) ** 0.5
    return max(SILENCE_DB, 20 * math.log10(amplitude / 32_768)) if amplitude > 0 else SILENCE_DB
