"""Audio formats of the wire: bytes to milliseconds and back, in integers; base64."""

from __future__ import annotations

import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pybase64

from rtcli.protocol.events import value_at


@dataclass(frozen=True, slots=True)
class AudioFormat:
    """One way to write audio as bytes, mono.

    `type` is the wire's name (`audio/pcm`, `audio/pcmu`, `audio/pcma`), `rate` samples per second,
    `width` bytes per sample.
    """

    type: str
    rate: int
    width: int

    @property
    def bytes_per_second(self) -> int:
        """What a second of audio takes."""
        return self.rate * self.width

    def milliseconds(self, length: int) -> int:
        """The duration of `length` bytes in whole milliseconds, rounded down.

        Integer arithmetic: 48,048 bytes of 24 kHz PCM16 are 1001 ms, where floating point says 1000.999.
        """
        return length * 1000 // self.bytes_per_second

    def samples(self, milliseconds: float) -> int:
        """The whole samples that fit in `milliseconds`."""
        return int(milliseconds * self.rate / 1000)

    def byte_length(self, milliseconds: float) -> int:
        """The bytes of the whole samples that fit in `milliseconds`."""
        return self.samples(milliseconds) * self.width

    def to_wire(self) -> dict[str, Any]:
        """As the API writes it: only PCM names its rate."""
        return {"type": self.type, "rate": self.rate} if self.type == "audio/pcm" else {"type": self.type}


PCM16 = AudioFormat("audio/pcm", 24_000, 2)
PCMU = AudioFormat("audio/pcmu", 8_000, 1)
PCMA = AudioFormat("audio/pcma", 8_000, 1)

_BY_NAME = {
    "audio/pcm": PCM16,
    "pcm16": PCM16,
    "audio/pcmu": PCMU,
    "g711_ulaw": PCMU,
    "audio/pcma": PCMA,
    "g711_alaw": PCMA,
}


def format_named(name: str) -> AudioFormat:
    """A format by its name alone. An unknown name counts as 24 kHz PCM16, the API's default."""
    return _BY_NAME.get(name, PCM16)


def parse_format(value: object) -> AudioFormat:
    """Any spelling of a format (object of the GA API, text of the beta, None) as an AudioFormat.

    What is missing or unknown counts as 24 kHz PCM16, the API's default; a PCM `rate` is taken as given. A beta name
    that begins with `g711_` is one of the telephone's, whatever follows.
    """
    if isinstance(value, Mapping):
        name, rate = str(value.get("type")), value.get("rate")
        if name == PCM16.type and isinstance(rate, int) and rate > 0 and rate != PCM16.rate:
            return AudioFormat(PCM16.type, rate, 2)
        return format_named(name)
    name = str(value)
    return PCMU if name.startswith("g711_") and name not in _BY_NAME else format_named(name)


def session_format(session: Mapping[str, Any], side: str) -> AudioFormat:
    """The format of a session's "input" or "output", or of a response's "output"."""
    return parse_format(value_at(session, f"audio.{side}.format"))


def encode_base64(data: bytes | bytearray | memoryview) -> str:
    """Bytes as standard base64 text."""
    return pybase64.b64encode_as_string(data)


def encode_base64_bytes(data: bytes | bytearray | memoryview) -> bytes:
    """Bytes as standard base64, ready for a frame."""
    return pybase64.b64encode(data)


def base64_length(text: object) -> int:
    """The bytes that base64 text stands for, which is not decoded; 0 for anything else."""
    # Four characters for three bytes, less the padding: decoding an hour of audio takes seconds.
    return len(text) * 3 // 4 - text.count("=", -2) if isinstance(text, str) else 0


def decode_base64(text: str) -> bytes:
    """Standard base64, padded or not, white space allowed.

    Raises ValueError that says what is wrong with it.
    """
    try:
        return pybase64.b64decode(text, validate=True)  # strict is the fast path
    except binascii.Error:
        pass
    except (TypeError, AttributeError) as error:
        raise ValueError(f"not base64 text: {error}") from error
    # Some clients wrap base64 at 76 characters, or leave the padding out; the API takes both.
    compact = "".join(text.split())
    try:
        return pybase64.b64decode(compact + "=" * (-len(compact) % 4), validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError(f"not base64: {error}") from error
