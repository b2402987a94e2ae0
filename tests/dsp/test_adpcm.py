"""IMA ADPCM, against what the format says and against another decoder."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest

from rtcli.dsp.adpcm import BLOCK_BYTES, BLOCK_SAMPLES, decode, encode
from tests.kit.waveforms import RATE, noise, samples_of


def error_db(pcm: bytes, coded: bytes) -> float:
    """How far what is decoded lies below what was encoded."""
    there = samples_of(pcm).astype(float)
    back = samples_of(decode(coded)).astype(float)[: len(there)]
    return float(10 * np.log10(np.square(there).mean() / max(np.square(there - back).mean(), 1e-9)))


def test_audio_comes_back_nearly_as_it_was() -> None:
    """A quarter of the bytes, and an error that speech covers."""
    pcm = noise(2)
    coded = encode(pcm)

    assert len(coded) < len(pcm) * 0.26
    assert error_db(pcm, coded) > 25


@pytest.mark.parametrize("level", [0, 1, -32_768, 32_767])
def test_what_does_not_change_stays(level: int) -> None:
    """Silence, and both ends of the range."""
    pcm = np.full(3000, level, "<i2").tobytes()

    assert np.abs(samples_of(decode(encode(pcm)))[:3000].astype(int) - level).max() <= 15


def test_a_jump_from_end_to_end_does_not_run_over() -> None:
    """What is decoded stays within 16 bits, and finds its way."""
    pcm = np.repeat(np.array([-32_768, 32_767] * 4, "<i2"), 500).tobytes()

    assert error_db(pcm, encode(pcm)) > 6


@pytest.mark.parametrize("count", [0, 1, 2, BLOCK_SAMPLES, BLOCK_SAMPLES + 1])
def test_the_last_block_is_filled_up(count: int) -> None:
    """Whole blocks, whatever the number of samples; half a sample at the end is none."""
    coded = encode(noise(1)[: count * 2] + b"\0")

    assert len(coded) == -(-count // BLOCK_SAMPLES) * BLOCK_BYTES
    assert len(decode(coded)) == -(-count // BLOCK_SAMPLES) * BLOCK_SAMPLES * 2


def test_each_block_can_be_decoded_alone() -> None:
    """So that a player may begin anywhere."""
    coded = encode(noise(1))

    assert decode(coded)[BLOCK_SAMPLES * 2 :] == decode(coded[BLOCK_BYTES:])


def test_damaged_blocks_are_decoded_to_something() -> None:
    """Any byte may stand anywhere."""
    damaged = bytes(np.random.default_rng(3).integers(0, 256, BLOCK_BYTES * 3 + 7, np.uint8))

    assert len(decode(damaged)) == 3 * BLOCK_SAMPLES * 2


def test_another_decoder_reads_the_same() -> None:
    """FFmpeg's, of the same blocks in a WAV file."""
    av = pytest.importorskip("av")
    coded = encode(noise(1))
    form = struct.pack(
        "<HHIIHHHH", 0x11, 1, RATE, RATE * BLOCK_BYTES // BLOCK_SAMPLES, BLOCK_BYTES, 4, 2, BLOCK_SAMPLES
    )
    data = b"WAVEfmt " + struct.pack("<I", len(form)) + form + b"data" + struct.pack("<I", len(coded)) + coded
    with av.open(io.BytesIO(b"RIFF" + struct.pack("<I", len(data)) + data)) as file:
        frames = [frame.to_ndarray() for frame in file.decode(audio=0)]

    assert np.concatenate(frames, axis=1)[0].tolist() == samples_of(decode(coded)).tolist()
