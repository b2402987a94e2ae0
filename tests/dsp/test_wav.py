"""WAV files: what can be read, and what is said of what cannot."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import pytest

from rtcli.dsp.wav import read_speech, read_wav, write_wav
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
    [(b"not a wav file at all", "not a PCM WAV"), (b"", "not a PCM WAV"), (b"RIFF\x04\x00\x00\x00WAVE", "not a PCM")],
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
