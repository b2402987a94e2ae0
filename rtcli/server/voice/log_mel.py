"""The log-mel spectrogram that Whisper reads, in numpy: 16 kHz samples in, 80 or 128 bands every 10 ms out."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

RATE = 16_000
BANDS = 80  # of every model but large-v3 and what is made of it
FRAMES_PER_SECOND = 100

_WINDOW = 400  # samples: 25 ms
_HOP = RATE // FRAMES_PER_SECOND
_DYNAMIC_RANGE = 8.0  # powers of ten below the loudest point; what lies deeper is noise to the model

Floats = NDArray[np.float32]


def log_mel(samples: Floats, frames: int, bands: int = BANDS) -> Floats:
    """The spectrogram of `samples` (16 kHz, -1..1), cut or padded with silence to `frames`; shape (bands, frames).

    The scaling is the one that the model was trained on: at most 8 powers of ten deep, moved to about -1..1.
    """
    length = frames * _HOP
    padded = np.zeros(length, np.float32)
    padded[: min(length, len(samples))] = samples[:length]
    centred = np.pad(padded, _WINDOW // 2, mode="reflect")
    slices = np.lib.stride_tricks.sliding_window_view(centred, _WINDOW)[::_HOP][:frames]
    spectrum = np.fft.rfft(slices * _hann(), axis=1)
    power = (spectrum.real**2 + spectrum.imag**2).astype(np.float32)
    logged = np.log10(np.maximum(_filters(bands) @ power.T, 1e-10))
    floored = np.maximum(logged, logged.max() - _DYNAMIC_RANGE)
    scaled: Floats = ((floored + 4.0) / 4.0).astype(np.float32)
    return scaled


@cache
def _hann() -> Floats:
    return (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(_WINDOW) / _WINDOW)).astype(np.float32)


@cache
def _filters(bands: int) -> Floats:
    """Triangles over the bins of the spectrum, spaced on Slaney's mel scale, each of unit area; shape (bands, 201)."""
    edges = _mel_to_hertz(np.linspace(0.0, _hertz_to_mel(RATE / 2), bands + 2))
    bins = np.linspace(0.0, RATE / 2, _WINDOW // 2 + 1)
    distance = edges[:, None] - bins[None, :]
    width = np.diff(edges)[:, None]
    triangles = np.maximum(0.0, np.minimum(-distance[:-2] / width[:-1], distance[2:] / width[1:]))
    filters: Floats = (triangles * (2.0 / (edges[2:] - edges[:-2]))[:, None]).astype(np.float32)
    return filters


# Slaney's scale: linear up to 1 kHz, logarithmic above (27 steps for a factor of 6.4).
_LINEAR_STEP = 200.0 / 3.0
_BREAK_HERTZ = 1000.0
_BREAK_MEL = _BREAK_HERTZ / _LINEAR_STEP
_LOG_STEP = float(np.log(6.4)) / 27.0


def _hertz_to_mel(hertz: float) -> float:
    if hertz < _BREAK_HERTZ:
        return hertz / _LINEAR_STEP
    return _BREAK_MEL + float(np.log(hertz / _BREAK_HERTZ)) / _LOG_STEP


def _mel_to_hertz(mel: NDArray[np.float64]) -> NDArray[np.float64]:
    above = _BREAK_HERTZ * np.exp(_LOG_STEP * (mel - _BREAK_MEL))
    return np.where(mel < _BREAK_MEL, mel * _LINEAR_STEP, above)
