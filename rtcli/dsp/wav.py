"""WAV files to mono PCM16 and back."""

from __future__ import annotations

import struct
import wave
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rtcli.dsp.resample import resample
from rtcli.errors import InputError
from rtcli.files import write_file
from rtcli.protocol.audio_formats import PCM16

if TYPE_CHECKING:
    import numpy as np

SPEECH_RATE = PCM16.rate
_WIDTH = 2  # bytes of a sample


def read_wav(path: Path | str) -> tuple[bytes, int]:
    """A PCM WAV file of 8 to 32 bits and any number of channels, as mono PCM16 and its sample rate.

    Raises InputError for a file that cannot be read, is not a WAV file, holds another coding, or no audio.
    """
    path = Path(path)
    try:
        with wave.open(str(path), "rb") as file:
            channels, width, rate = file.getnchannels(), file.getsampwidth(), file.getframerate()
            frames = file.readframes(file.getnframes())
    except OSError as error:
        raise InputError(str(path), error.strerror or str(error)) from error
    except (wave.Error, EOFError, struct.error) as error:
        raise InputError(str(path), f"not a PCM WAV file ({error or 'it ends too early'})") from error
    if not 1 <= width <= 4 or not channels or rate <= 0:
        raise InputError(str(path), f"{width * 8} bits, {channels} channels, {rate} Hz cannot be read")
    # a file that ends early may end within a frame
    frames = frames[: len(frames) // (channels * width) * channels * width]
    if not frames:
        raise InputError(str(path), "it contains no audio")
    return _mono16(frames, channels, width), rate


def read_speech(path: Path | str) -> bytes:
    """A WAV file as 24 kHz PCM16 mono, the API's own format. Raises InputError like `read_wav`."""
    pcm, rate = read_wav(path)
    return resample(pcm, rate, SPEECH_RATE)


def wav_header(data_bytes: int, rate: int = SPEECH_RATE) -> bytes:
    """What stands before mono PCM16 in a WAV file. A length that the format cannot say is its largest."""
    longest = 2**32 - 1
    riff = struct.pack("<4sI4s", b"RIFF", min(data_bytes + 36, longest), b"WAVE")
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, rate, rate * _WIDTH, _WIDTH, 16)
    return riff + form + struct.pack("<4sI", b"data", min(data_bytes, longest))


def write_wav(path: Path | str, pcm: bytes, rate: int = SPEECH_RATE, *, replace: bool = False) -> None:
    """Mono PCM16 as a WAV file. Raises InputError where it cannot be written, or exists and is not to be replaced."""
    write_file(path, wav_header(len(pcm), rate) + pcm, replace=replace)


def _mono16(frames: bytes, channels: int, width: int) -> bytes:
    samples = _samples32(frames, width).reshape(-1, channels)
    mono = samples.mean(axis=1) if channels > 1 else samples[:, 0]
    # the top 16 of 32 bits, rounded: half a step could exceed the range
    return bytes((mono / 65_536).round().clip(-32_768, 32_767).astype("<i2").tobytes())


def _samples32(frames: bytes, width: int) -> np.ndarray[Any, Any]:
    """Samples of any width, as the top bits of 32."""
    import numpy as np

    raw: np.ndarray[Any, Any] = np.frombuffer(frames, np.uint8).reshape(-1, width)
    if width == 1:
        raw = raw ^ 0x80  # WAV keeps 8 bits unsigned
    padded = np.zeros((len(raw), 4), np.uint8)
    padded[:, 4 - width :] = raw
    return padded.view("<i4")[:, 0].astype(np.float64)
