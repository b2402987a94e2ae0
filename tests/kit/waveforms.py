"""A sound to recognize again, and comparing sounds: where a piece lies in another, and how alike two are."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.int16]

RATE = 24_000


class SpoiltError(Exception):
    """The machine was too busy to play and to record without a gap: nothing can be measured in what came of it."""


def noise(seconds: int) -> bytes:
    """PCM16 in which every moment is like no other: noise between 100 Hz and 2 kHz, the same every time."""
    white = np.random.default_rng(1).standard_normal(RATE * seconds)
    spectrum = np.fft.rfft(white)
    frequencies = np.fft.rfftfreq(len(white), 1 / RATE)
    spectrum[(frequencies < 100) | (frequencies > 2000)] = 0
    band = np.fft.irfft(spectrum)
    return bytes((band / np.abs(band).max() * 12_000).astype("<i2").tobytes())


def samples_of(pcm: bytes) -> Samples:
    """PCM16 as numbers."""
    return np.frombuffer(pcm, "<i2")


def quiet_ms(samples: Samples, *, quiet: int = 40) -> int:
    """How long nothing has been heard at the end, after something was; 0 before. `quiet` is what rounding leaves."""
    loud = np.flatnonzero(np.abs(samples.astype(np.int32)) > quiet)
    return (len(samples) - 1 - int(loud[-1])) * 1000 // RATE if len(loud) else 0


def place_of(piece: Samples, whole: Samples) -> tuple[int, float]:
    """Where `piece` lies in `whole` (in samples; it may stick out by its own length), and how alike they are there.

    1.0 is the same but for its loudness, 0 nothing in common.
    """
    pad = len(piece)
    hay = np.concatenate([np.zeros(pad), whole.astype(np.float64), np.zeros(pad)])
    needle = piece.astype(np.float64)
    size = 1 << (len(hay) + pad - 1).bit_length()
    product = np.fft.irfft(np.fft.rfft(hay, size) * np.conj(np.fft.rfft(needle, size)), size)[: len(hay) - pad + 1]
    power = np.concatenate([[0.0], np.cumsum(np.square(hay))])
    window = np.sqrt(np.maximum(power[pad:] - power[:-pad], 1.0))
    likeness = product / (window * max(float(np.sqrt(np.square(needle).sum())), 1.0))
    likeness[window < 0.1 * window.max()] = 0  # next to nothing is like everything
    best = int(likeness.argmax())
    return best - pad, float(likeness[best])


def share_heard(sent: Samples, heard: Samples) -> float:
    """How much of `sent` is in `heard`, by pieces of 100 ms: a machine that is busy loses one now and then.

    Its pauses do not count: one is like the other.
    """
    step = RATE // 10
    pieces = [sent[start : start + step] for start in range(0, len(sent) - step + 1, step)]
    levels = [float(np.abs(piece.astype(np.float64)).mean()) for piece in pieces]
    loud = [piece for piece, level in zip(pieces, levels, strict=True) if level > 0.5 * max(levels)]
    return sum(place_of(piece, heard)[1] > 0.9 for piece in loud) / len(loud)


def heard_ms(heard: Samples, sent: Samples, *, fade_ms: int = 15) -> float:
    """How much of `sent` was played when `heard` ended, whatever was lost before; `heard` may end in a fade.

    Found by the last 300 ms before the fade. Raises SpoiltError where they are not whole.
    """
    fade, step = fade_ms * RATE // 1000, RATE // 10
    places = [place_of(heard[-fade - back * step :][:step], sent) for back in (3, 2, 1)]
    whole = all(likeness > 0.9 for _, likeness in places)
    if not whole or max(abs(place - places[0][0] - k * step) for k, (place, _) in enumerate(places)) > 2:
        raise SpoiltError(f"the last 300 ms are not whole: {places}")
    return (places[-1][0] + step + fade) * 1000 / RATE


def tone(milliseconds: int, hertz: int = 220) -> bytes:
    """A tone of 24 kHz PCM16 that swells and fades, as a voice does: turn detection hears it."""
    at = np.arange(24 * milliseconds) / 24_000
    wave = 8_000 * np.sin(2 * np.pi * hertz * at) * (0.6 + 0.4 * np.sin(2 * np.pi * 4 * at))
    return bytes(wave.astype("<i2").tobytes())


def loudness(pcm: bytes) -> float:
    """RMS of the loud parts, of 32768."""
    samples = np.frombuffer(pcm, "<i2").astype(np.float64)
    loud = samples[np.abs(samples) > 0.05 * np.abs(samples).max(initial=1.0)]
    return float(np.sqrt(np.mean(np.square(loud)))) if len(loud) else 0.0


def peak_db(pcm: bytes) -> float:
    """The level of the loudest sample in dBFS."""
    samples = np.frombuffer(pcm, "<i2").astype(np.int32)
    return 20 * math.log10(float(np.abs(samples).max()) / 32_768)
