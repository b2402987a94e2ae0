"""The chunks of a WAV file: its format and its audio, also where its writer was killed or forgot the padding."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace

from rtcli.errors import InputError

PCM, FLOAT, ALAW, ULAW = 1, 3, 6, 7
_EXTENSIBLE = 0xFFFE
_WIDTHS = {PCM: (1, 2, 3, 4), FLOAT: (4, 8), ALAW: (1,), ULAW: (1,)}
_CODINGS = {
    0x0002: "Microsoft ADPCM",
    0x0011: "IMA ADPCM",
    0x0031: "GSM 6.10",
    0x0050: "MPEG",
    0x0055: "MP3",
    0x0092: "AC-3",
    0x00FF: "AAC",
    0x0161: "WMA",
    0x1610: "AAC",
}
_OTHERS = (
    (b"ID3", "an MP3 file"),
    (b"\xff\xfb", "an MP3 file"),
    (b"\xff\xf3", "an MP3 file"),
    (b"\xff\xf2", "an MP3 file"),
    (b"\xff\xf1", "an AAC file"),
    (b"OggS", "an Ogg file (Opus or Vorbis)"),
    (b"fLaC", "a FLAC file"),
    (b"FORM", "an AIFF file"),
    (b".snd", "an AU file"),
    (b"caff", "a CAF file"),
    (b"RIFX", "a big-endian WAV file"),
    (b"\x1aE\xdf\xa3", "a WebM or Matroska file"),
)
_UNKNOWN_SIZES = frozenset({0, 2**32 - 1, 2**31 - 1})
"""What a writer puts into the header before it knows the length: the audio goes to the end of the file."""

_MAX_CHANNELS = 64
_MIN_RATE, _MAX_RATE = 1_000, 1_000_000  # below, a small file would be hours of audio


@dataclass(frozen=True, slots=True)
class Chunks:
    """What a WAV file holds. `missing`: so many bytes fewer than its header says. `width`: bytes of a sample."""

    coding: int
    channels: int
    rate: int
    width: int
    data: bytes = b""
    missing: int = 0


def read_chunks(data: bytes, file: str) -> Chunks:
    """Raises InputError, in one line, for what is not a WAV file or in a coding that is not read."""
    hint = f"ffmpeg -i {file} -ar 24000 -ac 1 out.wav converts it"
    if data[:4] not in (b"RIFF", b"RF64") or data[8:12] != b"WAVE":
        kind = next((what for mark, what in _OTHERS if data.startswith(mark)), None)
        kind = "an MP4 or M4A file" if data[4:8] == b"ftyp" else kind
        if kind:
            raise InputError(file, f"not a WAV file but {kind}", hint=hint)
        raise InputError(file, "not a WAV file" if data else "not a WAV file: it is empty")
    found: Chunks | None = None
    long_size: int | None = None  # the data's, in a file of more than 4 GiB
    for name, size, begin in _walk(data):
        if name == b"ds64" and len(data) >= begin + 16:
            (long_size,) = struct.unpack_from("<Q", data, begin + 8)
        elif name == b"fmt ":
            found = _format(data[begin : begin + size], file, hint)
        elif name == b"data":
            if found is None:
                break
            return _with_audio(found, data, begin, size if long_size is None else long_size)
    raise InputError(file, "not a WAV file that can be read: it has no format" if found is None else "it has no audio")


def _walk(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Name, size and beginning of each chunk."""
    at = 12
    while at + 8 <= len(data):
        name, size = struct.unpack_from("<4sI", data, at)
        yield name, size, at + 8
        at += 8 + size
        if size % 2 and data[at : at + 1] == b"\0":  # the padding, which many writers forget
            at += 1


def _with_audio(found: Chunks, data: bytes, begin: int, size: int) -> Chunks:
    rest = len(data) - begin
    if size in _UNKNOWN_SIZES and not _is_chunk(data, begin):
        size = rest
    return replace(found, data=data[begin : begin + size], missing=max(size - rest, 0))


def _is_chunk(data: bytes, at: int) -> bool:
    """Whether another chunk stands here, that fits into the file: then the audio before it is empty."""
    name, rest = data[at : at + 4], data[at + 4 : at + 8]
    if len(rest) < 4 or not name.isascii() or not name.strip().isalnum():
        return False
    return bool(at + 8 + struct.unpack("<I", rest)[0] <= len(data) + 1)


def _format(chunk: bytes, file: str, hint: str) -> Chunks:
    if len(chunk) < 16:
        raise InputError(file, "not a WAV file that can be read: its format chunk is too short")
    coding, channels, rate, _, block, bits = struct.unpack_from("<HHIIHH", chunk)
    if coding == _EXTENSIBLE and len(chunk) >= 26:
        (coding,) = struct.unpack_from("<H", chunk, 24)
    if coding not in _WIDTHS:
        raise InputError(
            file, f"{_CODINGS.get(coding, f'the coding 0x{coding:04X}')} in a WAV file is not read", hint=hint
        )
    width = block // channels if channels and block % max(channels, 1) == 0 and block else (bits + 7) // 8
    good = 1 <= channels <= _MAX_CHANNELS and _MIN_RATE <= rate <= _MAX_RATE and width in _WIDTHS[coding]
    if not good:
        what = f"{bits} bits in {width} bytes, {channels} channels, {rate} Hz"
        raise InputError(file, f"{what} cannot be read", hint=hint)
    return Chunks(coding, channels, rate, width)
