"""WAV files to mono PCM16 and back."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rtcli.dsp.g711 import alaw_to_pcm, ulaw_to_pcm
from rtcli.dsp.resample import resample
from rtcli.dsp.wav_chunks import ALAW, FLOAT, ULAW, Chunks, read_chunks
from rtcli.errors import InputError
from rtcli.files import write_file
from rtcli.protocol.audio_formats import PCM16

if TYPE_CHECKING:
    import numpy as np

SPEECH_RATE = PCM16.rate
_WIDTH = 2  # bytes of a sample
_CANCELLED = 0.01  # of the channels' power: less of it in their mean, and they cancel each other out


@dataclass(frozen=True, slots=True)
class WavAudio:
    """The audio of a file as mono PCM16. `notes` say what of it is not as its user may think."""

    pcm: bytes
    rate: int
    notes: tuple[str, ...] = ()


def load_wav(path: Path | str) -> WavAudio:
    """A WAV file of PCM (8 to 32 bits), float, mu-law or A-law, of any rate and any number of channels.

    Raises InputError for a file that cannot be read, is not a WAV file, holds another coding, or no audio.
    """
    path = Path(path)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(str(path), error.strerror or str(error)) from error
    chunks = read_chunks(data, str(path))
    frame = chunks.channels * chunks.width
    whole = chunks.data[: len(chunks.data) // frame * frame]  # a file that ends early may end within a frame
    if not whole:
        raise InputError(str(path), "it contains no audio")
    pcm, notes = _mono16(_samples(whole, chunks).reshape(-1, chunks.channels))
    if chunks.missing:
        seconds = (chunks.missing + len(chunks.data)) / frame / chunks.rate
        notes.append(f"it is cut short: {len(whole) / frame / chunks.rate:.1f} s of the {seconds:.1f} s in its header")
    return WavAudio(pcm, chunks.rate, tuple(notes))


def read_wav(path: Path | str) -> tuple[bytes, int]:
    """Mono PCM16 and its sample rate. Raises InputError like `load_wav`."""
    audio = load_wav(path)
    return audio.pcm, audio.rate


def load_speech(path: Path | str) -> WavAudio:
    """A WAV file as 24 kHz PCM16 mono, the API's own format. Raises InputError like `load_wav`."""
    audio = load_wav(path)
    return WavAudio(resample(audio.pcm, audio.rate, SPEECH_RATE), SPEECH_RATE, audio.notes)


def read_speech(path: Path | str) -> bytes:
    """The samples of `load_speech` alone."""
    return load_speech(path).pcm


def wav_header(data_bytes: int, rate: int = SPEECH_RATE, channels: int = 1) -> bytes:
    """What stands before PCM16 in a WAV file. A length that the format cannot say is its largest."""
    longest, width = 2**32 - 1, channels * _WIDTH
    riff = struct.pack("<4sI4s", b"RIFF", min(data_bytes + 36, longest), b"WAVE")
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, channels, rate, rate * width, width, 16)
    return riff + form + struct.pack("<4sI", b"data", min(data_bytes, longest))


def interleaved(left: bytes, right: bytes) -> bytes:
    """Two channels of PCM16, equally long, as a file has them: a sample of each in turn."""
    import numpy as np

    return np.stack([np.frombuffer(channel, "<i2") for channel in (left, right)], axis=1).tobytes()


def write_wav(path: Path | str, pcm: bytes, rate: int = SPEECH_RATE, *, replace: bool = False) -> None:
    """Mono PCM16 as a WAV file. Raises InputError where it cannot be written, or exists and is not to be replaced."""
    write_file(path, wav_header(len(pcm), rate) + pcm, replace=replace)


def _mono16(samples: np.ndarray[Any, Any]) -> tuple[bytes, list[str]]:
    """Channels of -1 to 1 as one, and what is odd about them."""
    import numpy as np

    notes: list[str] = []
    mono = samples.mean(axis=1) if samples.shape[1] > 1 else samples[:, 0]
    power = float(np.square(samples).mean())
    if power == 0.0:
        notes.append("it is silent")
    elif float(np.square(mono).mean()) < _CANCELLED * power:
        if samples.shape[1] == 2:
            mono = samples[:, 0]
            notes.append("its two channels are of opposite phase and would cancel out: the left one is used")
        else:
            notes.append("its channels cancel each other out: next to nothing is left")
    return bytes((mono * 32_768).round().clip(-32_768, 32_767).astype("<i2").tobytes()), notes


def _samples(frames: bytes, chunks: Chunks) -> np.ndarray[Any, Any]:
    """All samples as numbers from -1 to 1."""
    import numpy as np

    if chunks.coding == FLOAT:
        floats = np.frombuffer(frames, f"<f{chunks.width}").astype(np.float64)
        return np.nan_to_num(floats, nan=0.0, posinf=1.0, neginf=-1.0).clip(-1.0, 1.0)
    if chunks.coding in (ALAW, ULAW):
        decode = alaw_to_pcm if chunks.coding == ALAW else ulaw_to_pcm
        return np.frombuffer(decode(frames), "<i2").astype(np.float64) / 32_768
    raw: np.ndarray[Any, Any] = np.frombuffer(frames, np.uint8).reshape(-1, chunks.width)
    if chunks.width == 1:
        raw = raw ^ 0x80  # WAV keeps 8 bits unsigned
    padded = np.zeros((len(raw), 4), np.uint8)
    padded[:, 4 - chunks.width :] = raw
    return padded.view("<i4")[:, 0].astype(np.float64) / 2**31
