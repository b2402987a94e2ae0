"""IMA ADPCM: 4 bits for each sample of PCM16, in blocks that can be decoded alone.

A block is its first sample (16 bits, little-endian), an index into the table of step sizes, a zero, and two samples a
byte, the earlier one in the lower half. Source: "Recommended Practices for Enhancing Digital Audio Compatibility in
Multimedia Systems" of the IMA (1992), section 6; a WAV file of format 0x11 has the same blocks.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    import numpy as np

    _Samples: TypeAlias = np.ndarray[Any, Any]

BLOCK_SAMPLES = 1001
BLOCK_BYTES = 4 + (BLOCK_SAMPLES - 1) // 2

_INDEX_STEPS = (-1, -1, -1, -1, 2, 4, 6, 8)
STEP_SIZES = (
    7, 8, 9, 10, 11, 12, 13, 14, 16, 17, 19, 21, 23, 25, 28, 31, 34, 37, 41, 45, 50, 55, 60, 66, 73, 80, 88, 97, 107,
    118, 130, 143, 157, 173, 190, 209, 230, 253, 279, 307, 337, 371, 408, 449, 494, 544, 598, 658, 724, 796, 876, 963,
    1060, 1166, 1282, 1411, 1552, 1707, 1878, 2066, 2272, 2499, 2749, 3024, 3327, 3660, 4026, 4428, 4871, 5358, 5894,
    6484, 7132, 7845, 8630, 9493, 10442, 11487, 12635, 13899, 15289, 16818, 18500, 20350, 22385, 24623, 27086, 29794,
    32767,
)  # fmt: skip


def encode(pcm: bytes) -> bytes:
    """Mono PCM16 as blocks; the last one is filled up with its last sample.

    All blocks are coded side by side, sample for sample: a loop over each sample would take minutes for an hour.
    """
    import numpy as np

    samples = np.frombuffer(pcm[: len(pcm) // 2 * 2], "<i2").astype(np.int32)
    if not len(samples):
        return b""
    blocks = np.pad(samples, (0, -len(samples) % BLOCK_SAMPLES), "edge").reshape(-1, BLOCK_SAMPLES)
    index = _first_index(blocks)
    coded = np.zeros((len(blocks), BLOCK_BYTES), np.uint8)
    coded[:, :2] = blocks[:, :1].astype("<i2").view(np.uint8)
    coded[:, 2] = index
    state = _Coder(blocks[:, 0].copy(), index)
    columns = np.ascontiguousarray(blocks.T)  # a sample of every block lies together
    for position in range(1, BLOCK_SAMPLES, 2):
        low, high = state.code(columns[position]), state.code(columns[position + 1])
        coded[:, 4 + position // 2] = low | high << 4
    return coded.tobytes()


def decode(data: bytes) -> bytes:
    """Blocks as mono PCM16; what is left of a block counts for nothing."""
    import numpy as np

    whole = len(data) // BLOCK_BYTES * BLOCK_BYTES
    blocks = np.frombuffer(data[:whole], np.uint8).reshape(-1, BLOCK_BYTES)
    samples = np.zeros((len(blocks), BLOCK_SAMPLES), "<i2")
    state = _Coder(
        np.ascontiguousarray(blocks[:, :2]).view("<i2")[:, 0].astype(np.int32),
        np.minimum(blocks[:, 2].astype(np.int32), len(STEP_SIZES) - 1),
    )
    samples[:, 0] = state.predicted
    for position in range(1, BLOCK_SAMPLES):
        codes = blocks[:, 4 + (position - 1) // 2].astype(np.int32)
        state.take(codes >> 4 if position % 2 == 0 else codes & 15)
        samples[:, position] = state.predicted
    return samples.tobytes()


def _first_index(blocks: _Samples) -> _Samples:
    """The step size that a block begins with: about half of what its samples differ by."""
    import numpy as np

    typical = np.abs(np.diff(blocks[:, :64], axis=1)).mean(axis=1)
    index: _Samples = np.searchsorted(np.array(STEP_SIZES), typical)
    return np.minimum(index, len(STEP_SIZES) - 1).astype(np.int32)


@cache
def _tables() -> tuple[_Samples, _Samples]:
    """For each index and code (16 of them, side by side): the change of the sample, and the next index."""
    import numpy as np

    sizes, codes = np.array(STEP_SIZES, np.int32)[:, None], np.arange(16, dtype=np.int32)
    change = (sizes >> 3) + (codes & 4 > 0) * sizes + (codes & 2 > 0) * (sizes >> 1) + (codes & 1) * (sizes >> 2)
    following = np.arange(len(STEP_SIZES), dtype=np.int32)[:, None] + np.array(_INDEX_STEPS * 2, np.int32)
    return np.where(codes & 8, -change, change).ravel(), following.clip(0, len(STEP_SIZES) - 1).ravel()


class _Coder:
    """What both sides know after each sample, of every block at once: the sample as decoded, and the step size."""

    def __init__(self, predicted: _Samples, index: _Samples) -> None:
        import numpy as np

        self._np = np
        self._sizes = np.array(STEP_SIZES, np.int32)
        self._changes, self._following = _tables()
        self.predicted, self._index = predicted, index

    def code(self, samples: _Samples) -> _Samples:
        """The codes of the next samples, which count as decoded then."""
        np = self._np
        difference = samples - self.predicted
        codes = np.minimum((np.abs(difference) << 2) // self._sizes[self._index], 7)
        codes |= (difference < 0).astype(np.int32) << 3
        self.take(codes)
        written: _Samples = codes.astype(np.uint8)
        return written

    def take(self, codes: _Samples) -> None:
        """Decode one code of each block."""
        np = self._np
        key = (self._index << 4) | codes
        predicted = self.predicted + self._changes[key]
        # not clip(), which takes as long as all the rest
        self.predicted = np.maximum(np.minimum(predicted, 32_767), -32_768)
        self._index = self._following[key]
