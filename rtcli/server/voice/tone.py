"""A voice made of soft tones, one for each word: not speech, but in the rhythm and length of its words."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from functools import cache

from rtcli.protocol.audio_formats import PCM16
from rtcli.server.engines import SpokenChunk

_PENTATONIC = (0, 2, 4, 7, 9, 12)
_LEVEL = 5_000  # of 32,767: about -19 dBFS at the peak
_GAP_SECONDS = 0.05
_EDGE_MS = 30  # a note swells and fades, or it would click
_WORD = re.compile(r"\S+\s*|\s+")


class ToneVoice:
    """Says each word as one note of a pentatonic scale; each of the API's voices has its own pitch."""

    instant = True

    def speak(self, text: str, voice: str, speed: float) -> Iterator[SpokenChunk]:
        """One chunk for each word, its white space kept."""
        base = _base_frequency(voice)
        for match in _WORD.finditer(text):
            word = match.group()
            step = _PENTATONIC[zlib.crc32(word.strip().lower().encode()) % len(_PENTATONIC)]
            seconds = min(0.14 + 0.03 * len(word.strip()), 0.6) / max(speed, 0.25)
            pause = 0.15 if word.rstrip().endswith((".", "!", "?", ",", ";", ":")) else 0.0
            yield SpokenChunk(word, _note(base * 2 ** (step / 12), round(seconds, 2), _GAP_SECONDS + pause))


def _base_frequency(voice: str) -> float:
    """Between 180 and 300 Hz, the same for the same name."""
    return 180 + zlib.crc32(voice.encode()) % 120


@cache  # words repeat; a voice has some dozens of different notes
def _note(frequency: float, seconds: float, gap: float) -> bytes:
    import numpy as np

    length = PCM16.samples(1000 * seconds)
    time = np.arange(length) / PCM16.rate
    wave = np.sin(2 * np.pi * frequency * time) + 0.25 * np.sin(4 * np.pi * frequency * time)
    edge = min(PCM16.samples(_EDGE_MS), length // 2)
    envelope = np.ones(length)
    envelope[:edge] = np.sin(np.linspace(0, np.pi / 2, edge))
    envelope[length - edge :] = envelope[:edge][::-1]
    samples = (_LEVEL / 1.25 * wave * envelope).astype("<i2")
    return bytes(samples.tobytes()) + bytes(PCM16.byte_length(1000 * gap))
