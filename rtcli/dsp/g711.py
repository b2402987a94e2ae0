"""G.711: mu-law and A-law bytes to PCM16 and back, by tables."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    import numpy as np

    _Table: TypeAlias = np.ndarray[Any, Any]

_ULAW_BIAS = 33  # at the 14 bits that mu-law works with
_ULAW_CLIP = 8_191  # with the bias


def ulaw_to_pcm(data: bytes) -> bytes:
    """mu-law as PCM16, little-endian: twice the bytes."""
    return _decode(data, _ulaw_decoder())


def pcm_to_ulaw(pcm: bytes) -> bytes:
    """PCM16 as mu-law: half the bytes. A byte that is half a sample is left out."""
    return _encode(pcm, _ulaw_encoder())


def alaw_to_pcm(data: bytes) -> bytes:
    """A-law as PCM16, little-endian: twice the bytes."""
    return _decode(data, _alaw_decoder())


def pcm_to_alaw(pcm: bytes) -> bytes:
    """PCM16 as A-law: half the bytes. A byte that is half a sample is left out."""
    return _encode(pcm, _alaw_encoder())


def _decode(data: bytes, table: _Table) -> bytes:
    import numpy as np

    return bytes(table[np.frombuffer(data, np.uint8)].tobytes())


def _encode(pcm: bytes, table: _Table) -> bytes:
    import numpy as np

    samples = np.frombuffer(pcm[: len(pcm) // 2 * 2], "<u2")
    return bytes(table[samples].tobytes())


@cache
def _ulaw_decoder() -> _Table:
    import numpy as np

    code = ~np.arange(256, dtype=np.uint8)  # mu-law is sent inverted
    exponent = ((code >> 4) & 7).astype(np.int32)
    magnitude = ((((code & 15).astype(np.int32) << 1) + _ULAW_BIAS) << exponent) - _ULAW_BIAS
    return (np.where(code & 0x80, -magnitude, magnitude) << 2).astype("<i2")


@cache
def _ulaw_encoder() -> _Table:
    """A code for each of the 65,536 bit patterns of a sample."""
    import numpy as np

    samples = np.arange(65_536, dtype=np.uint16).view(np.int16).astype(np.int32) >> 2
    magnitude = np.minimum(np.abs(samples) + _ULAW_BIAS, _ULAW_CLIP)
    exponent = np.floor(np.log2(magnitude)).astype(np.int32) - 5
    mantissa = (magnitude >> (exponent + 1)) & 15
    sign = np.where(samples < 0, 0x80, 0)
    table: _Table = (~(sign | (exponent << 4) | mantissa) & 0xFF).astype(np.uint8)
    return table


@cache
def _alaw_decoder() -> _Table:
    import numpy as np

    code = np.arange(256, dtype=np.int32) ^ 0x55  # A-law is sent with its even bits inverted
    exponent = (code >> 4) & 7
    mantissa = ((code & 15) << 4) + 8
    magnitude = np.where(exponent == 0, mantissa, (mantissa + 0x100) << np.maximum(exponent - 1, 0))
    return np.where(code & 0x80, magnitude, -magnitude).astype("<i2")


@cache
def _alaw_encoder() -> _Table:
    """A code for each of the 65,536 bit patterns of a sample."""
    import numpy as np

    samples = np.arange(65_536, dtype=np.uint16).view(np.int16).astype(np.int32)
    magnitude = np.where(samples >= 0, samples, -samples - 1)  # the law is symmetric about -0.5
    exponent = np.maximum(np.floor(np.log2(np.maximum(magnitude, 1))).astype(np.int32) - 7, 0)
    mantissa = (magnitude >> np.maximum(exponent + 3, 4)) & 15
    sign = np.where(samples >= 0, 0x80, 0)
    table: _Table = ((sign | (exponent << 4) | mantissa) ^ 0x55).astype(np.uint8)
    return table
