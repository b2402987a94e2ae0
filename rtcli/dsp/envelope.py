"""The envelope of a stream of audio: one level for every 10 ms, to find voices in and to draw."""

from __future__ import annotations

from rtcli.dsp.codec import to_pcm16
from rtcli.dsp.levels import SILENCE_DB
from rtcli.protocol.audio_formats import AudioFormat

STEP_MS = 10
"""What one level stands for."""


class Envelope:
    """Levels of one stream in a wire format: `levels` has a byte for each 10 ms, decibels above -96 dBFS.

    The mean power of a step counts, without a constant offset. Pieces wait until `settle`: measured together they cost
    a tenth of what each alone does.
    """

    def __init__(self, audio_format: AudioFormat) -> None:
        self.format = audio_format
        self.levels = bytearray()
        self._step = max(1, audio_format.rate * STEP_MS // 1000) * audio_format.width  # bytes
        self._waiting: list[bytes] = []
        self._rest = b""  # less than a step

    def __repr__(self) -> str:
        return f"<Envelope of {self.format.type}: {len(self.levels) * STEP_MS} ms>"

    def add(self, data: bytes) -> None:
        """Take in bytes of the wire format."""
        self._waiting.append(data)

    def settle(self) -> bytearray:
        """Measure what waits; all levels so far."""
        if self._waiting:
            data = b"".join((self._rest, *self._waiting))
            self._waiting.clear()
            whole = len(data) // self._step * self._step
            self._rest = data[whole:]
            if whole:
                pcm = to_pcm16(data[:whole], self.format)
                self.levels += _levels(pcm, self._step // self.format.width)
        return self.levels


def _levels(pcm: bytes, step: int) -> bytes:
    import numpy as np

    samples = np.frombuffer(pcm, "<i2").astype(np.float32).reshape(-1, step)
    power = np.einsum("ij,ij->i", samples, samples) / step - np.square(samples.mean(axis=1))
    decibels = 10 * np.log10(np.maximum(power, 1e-9) / 32_768.0**2) - SILENCE_DB
    return bytes(decibels.round().clip(0, -SILENCE_DB).astype(np.uint8).tobytes())
