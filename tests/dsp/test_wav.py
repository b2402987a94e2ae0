"""WAV files: what can be read, and what is said of what cannot."""

from __future__ import annotations

import struct
import wave
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from rtcli.dsp.g711 import pcm_to_alaw, pcm_to_ulaw
from rtcli.dsp.wav import load_wav, read_speech, read_wav, write_wav
from rtcli.errors import InputError

RAMP = np.arange(-1_000, 1_000, dtype="<i2") * 16


def write(path: Path, data: bytes, *, width: int = 2, channels: int = 1, rate: int = 24_000) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.setframerate(rate)
        file.writeframes(data)
    return path


def test_what_is_written_is_read(tmp_path: Path) -> None:
    """A file holds the samples and the rate."""
    write_wav(tmp_path / "ramp.wav", RAMP.tobytes(), 16_000)

    assert read_wav(tmp_path / "ramp.wav") == (RAMP.tobytes(), 16_000)


@pytest.mark.parametrize("width", [1, 3, 4])
def test_other_widths_become_16_bits(tmp_path: Path, width: int) -> None:
    """8, 24 and 32 bits are read as 16, to within their precision."""
    wide = (RAMP.astype("<i4") << 16).view(np.uint8).reshape(-1, 4)[:, 4 - width :]
    data = wide ^ 0x80 if width == 1 else wide
    pcm, _ = read_wav(write(tmp_path / "wide.wav", np.ascontiguousarray(data).tobytes(), width=width))

    assert np.max(np.abs(np.frombuffer(pcm, "<i2").astype(int) - RAMP)) <= (256 if width == 1 else 0)


def test_channels_are_mixed(tmp_path: Path) -> None:
    """Stereo becomes the mean of both sides."""
    stereo = np.array([[100, 300], [-50, 50]], "<i2").tobytes()
    pcm, _ = read_wav(write(tmp_path / "stereo.wav", stereo, channels=2))

    assert list(np.frombuffer(pcm, "<i2")) == [200, 0]


def test_speech_is_read_at_the_rate_of_the_api(tmp_path: Path) -> None:
    """A second at 8 kHz is a second at 24 kHz."""
    path = write(tmp_path / "phone.wav", bytes(16_000), rate=8_000)

    assert len(read_speech(path)) == 48_000


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"not a wav file at all", "not a WAV file"),
        (b"", "not a WAV file"),
        (b"RIFF\x04\x00\x00\x00WAVE", "not a WAV file"),
    ],
)
def test_what_is_no_wav_file_is_named(tmp_path: Path, content: bytes, why: str) -> None:
    """The error names the file and the reason."""
    path = tmp_path / "bad.wav"
    path.write_bytes(content)

    with pytest.raises(InputError, match=why) as caught:
        read_wav(path)
    assert caught.value.file == str(path)


def test_a_file_without_audio_is_refused(tmp_path: Path) -> None:
    """A header alone is nothing to play."""
    with pytest.raises(InputError, match="no audio"):
        read_wav(write(tmp_path / "empty.wav", b""))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """The operating system's reason is passed on."""
    with pytest.raises(InputError, match="No such file"):
        read_wav(tmp_path / "none.wav")
    with pytest.raises(InputError):
        write_wav(tmp_path / "no folder" / "none.wav", b"\x00\x00")


def riff(
    coding: int, data: bytes, *, bits: int, channels: int = 1, rate: int = 8_000, size: int | None = None
) -> bytes:
    """A WAV file by hand. `size`: what its header says of the data."""
    form = struct.pack("<HHIIHH", coding & 0xFFFF, channels, rate, 0, channels * bits // 8, bits)
    if coding > 0xFFFF:
        form = struct.pack("<H", 0xFFFE) + form[2:] + struct.pack("<HHIH14x", 22, bits, 0, coding >> 16)
    chunks = (
        b"fmt " + struct.pack("<I", len(form)) + form + b"data" + struct.pack("<I", len(data) if size is None else size)
    )
    return b"RIFF" + struct.pack("<I", 0) + b"WAVE" + chunks + data


SOUND = RAMP.tobytes()
FLOATS = RAMP.astype("<f8") / 32_768


@pytest.mark.parametrize(
    "content",
    [
        riff(1, SOUND, bits=16),
        riff(1 << 16 | 0xFFFE, SOUND, bits=16),
        riff(3, FLOATS.astype("<f4").tobytes(), bits=32),
        riff(3, FLOATS.tobytes(), bits=64),
        riff(3 << 16 | 0xFFFE, FLOATS.astype("<f4").tobytes(), bits=32),
        riff(1, SOUND, bits=16, size=0),
        riff(1, SOUND, bits=16, size=0xFFFFFFFF),
        riff(1, np.repeat(RAMP, 6).tobytes(), bits=16, channels=6),
        riff(1, SOUND, bits=16)[:12] + b"odd \x03\0\0\0abc" + riff(1, SOUND, bits=16)[12:],
        riff(1, SOUND, bits=16)[:12] + b"odd \x03\0\0\0abc\0" + riff(1, SOUND, bits=16)[12:],
        riff(1, SOUND, bits=16) + b"LIST\x04\0\0\0abcd",
    ],
)
def test_every_way_to_write_the_same_audio_is_read(tmp_path: Path, content: bytes) -> None:
    """PCM, float, extensible, unknown sizes, 5.1, odd chunks with and without their padding."""
    (tmp_path / "a.wav").write_bytes(content)

    audio = load_wav(tmp_path / "a.wav")
    assert (audio.pcm, audio.rate, audio.notes) == (SOUND, 8_000, ())


@pytest.mark.parametrize(("coding", "encode"), [(7, pcm_to_ulaw), (6, pcm_to_alaw)])
def test_recordings_of_telephones_are_read(tmp_path: Path, coding: int, encode: Callable[[bytes], bytes]) -> None:
    """Mu-law and A-law at 8 kHz, to within their precision."""
    (tmp_path / "a.wav").write_bytes(riff(coding, encode(SOUND), bits=8))

    heard = np.frombuffer(load_wav(tmp_path / "a.wav").pcm, "<i2").astype(int)
    assert np.max(np.abs(heard - RAMP)) <= 512


def test_floats_beyond_all_bounds_are_bounded(tmp_path: Path) -> None:
    """Infinity is as loud as can be, what is no number is silence."""
    (tmp_path / "a.wav").write_bytes(riff(3, struct.pack("<4f", float("inf"), float("nan"), -2.0, 0.0), bits=32))

    assert list(np.frombuffer(load_wav(tmp_path / "a.wav").pcm, "<i2")) == [32_767, 0, -32_768, 0]


@pytest.mark.parametrize(
    ("content", "note"),
    [
        (riff(1, np.column_stack([RAMP, -RAMP]).tobytes(), bits=16, channels=2), "opposite phase"),
        (riff(1, bytes(800), bits=16), "silent"),
        (riff(1, SOUND, bits=16, size=2 * len(SOUND)), "cut short"),
    ],
)
def test_what_is_odd_about_a_file_is_noted(tmp_path: Path, content: bytes, note: str) -> None:
    """Channels that cancel each other out, silence, an end that is missing."""
    (tmp_path / "a.wav").write_bytes(content)

    (said,) = load_wav(tmp_path / "a.wav").notes
    assert note in said


def test_of_opposite_phases_one_is_heard(tmp_path: Path) -> None:
    """The mean of both would be silence."""
    (tmp_path / "a.wav").write_bytes(riff(1, np.column_stack([RAMP, -RAMP]).tobytes(), bits=16, channels=2))

    assert load_wav(tmp_path / "a.wav").pcm == SOUND


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (riff(0x11, SOUND, bits=4), "IMA ADPCM"),
        (riff(0x1234, SOUND, bits=16), "coding 0x1234"),
        (b"ID3\x04" + bytes(40), "an MP3 file"),
        (b"OggS" + bytes(40), "an Ogg file"),
        (b"\0\0\0 ftypM4A " + bytes(40), "an MP4"),
        (riff(1, SOUND, bits=16, channels=0), "0 channels"),
        (riff(1, SOUND, bits=16, rate=0), "0 Hz"),
        (riff(1, SOUND, bits=16, rate=3), "3 Hz"),
        (riff(3, SOUND, bits=16), "16 bits"),
        (riff(1, SOUND, bits=16)[:20], "not a WAV file"),
        (riff(1, b"", bits=16, size=0), "no audio"),
    ],
)
def test_what_is_refused_is_refused_in_one_line(tmp_path: Path, content: bytes, why: str) -> None:
    """The coding or the kind of file is named."""
    (tmp_path / "a.wav").write_bytes(content)

    with pytest.raises(InputError, match=why) as caught:
        load_wav(tmp_path / "a.wav")
    assert "\n" not in f"{caught.value}{caught.value.hint}"
