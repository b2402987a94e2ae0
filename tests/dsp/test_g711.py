"""G.711 against the values of the recommendation, and against itself."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from rtcli.dsp.g711 import alaw_to_pcm, pcm_to_alaw, pcm_to_ulaw, ulaw_to_pcm

ALL_CODES = bytes(range(256))
ALL_SAMPLES = np.arange(-32_768, 32_768).astype("<i2").tobytes()
LAWS = [(ulaw_to_pcm, pcm_to_ulaw), (alaw_to_pcm, pcm_to_alaw)]


def samples(pcm: bytes) -> list[int]:
    return [int(value) for value in np.frombuffer(pcm, "<i2")]


def test_mu_law_has_the_values_of_the_recommendation() -> None:
    """Loudest, quietest and both zeros of mu-law."""
    assert samples(ulaw_to_pcm(bytes([0x00, 0x80, 0xFF, 0x7F, 0xF0]))) == [-32_124, 32_124, 0, 0, 120]


def test_a_law_has_the_values_of_the_recommendation() -> None:
    """Loudest and quietest of A-law; it has no zero."""
    assert samples(alaw_to_pcm(bytes([0xAA, 0x2A, 0xD5, 0x55]))) == [32_256, -32_256, 8, -8]


@pytest.mark.parametrize(("decode", "encode"), LAWS)
def test_every_code_comes_back(decode: Callable[[bytes], bytes], encode: Callable[[bytes], bytes]) -> None:
    """Decoding and encoding again changes no level (mu-law's second zero becomes the first)."""
    assert decode(encode(decode(ALL_CODES))) == decode(ALL_CODES)


@pytest.mark.parametrize(("decode", "encode"), LAWS)
def test_the_error_is_a_small_part_of_the_sample(
    decode: Callable[[bytes], bytes], encode: Callable[[bytes], bytes]
) -> None:
    """Companding is off by 1/16 of a sample at most, apart from the quietest, the clipped loudest and half a step."""
    before = np.frombuffer(ALL_SAMPLES, "<i2").astype(int)
    after = np.frombuffer(decode(encode(ALL_SAMPLES)), "<i2").astype(int)

    assert np.all(np.abs(after - before) <= np.maximum(np.abs(before) / 16, 16) + 8 + (np.abs(before) > 32_000) * 640)


@pytest.mark.parametrize(("decode", "encode"), LAWS)
def test_order_is_kept(decode: Callable[[bytes], bytes], encode: Callable[[bytes], bytes]) -> None:
    """A louder sample never becomes a quieter one."""
    after = np.frombuffer(decode(encode(ALL_SAMPLES)), "<i2").astype(int)

    assert np.all(np.diff(after) >= 0)


@pytest.mark.parametrize("encode", [pcm_to_ulaw, pcm_to_alaw])
def test_half_a_sample_is_left_out(encode: Callable[[bytes], bytes]) -> None:
    """Three bytes are one sample."""
    assert len(encode(b"\x00\x10\x00")) == 1
