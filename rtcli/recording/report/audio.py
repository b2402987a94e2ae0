"""The audio of a session for a page: waveforms of both tracks, and the tracks themselves in pieces to play."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from rtcli.dsp.adpcm import BLOCK_BYTES, BLOCK_SAMPLES, encode
from rtcli.dsp.envelope import STEP_MS, Envelope
from rtcli.protocol.audio_formats import PCM16, AudioFormat
from rtcli.recording.report.blobs import base64_element, packed_element
from rtcli.recording.tracks import Track

_COMPACT_RATE = 16_000
_PIECE_BLOCKS = 160  # ten seconds of ADPCM
_BATCH_SECONDS = 300  # side by side, blocks are coded quickly
_FOLLOWS = 0.001  # seconds between two blocks of one stretch, which rounding makes


class AudioKind(StrEnum):
    """What a page holds of the audio; it has the waveforms in any case."""

    COMPACT = "compact"  # 16 kHz, 4 bits a sample
    FULL = "full"  # 24 kHz PCM16
    NONE = "none"


@dataclass(slots=True)
class TrackElements:
    """One track in a page. `pieces` says of each of its elements when it begins (seconds) and its samples."""

    name: str
    kind: AudioKind
    pieces: list[tuple[float, int]] = field(default_factory=list)
    elements: list[bytes] = field(default_factory=list)
    levels: bytearray = field(default_factory=bytearray)

    @property
    def rate(self) -> int:
        """Samples per second."""
        return _COMPACT_RATE if self.kind is AudioKind.COMPACT else PCM16.rate

    def take(self, track: Track) -> None:
        """Measure and code a track."""
        for batch in _batches(track, self.rate):
            for start, pcm in batch:
                self._measure(start, pcm)
            if self.kind is AudioKind.COMPACT:
                self._encode(batch)
            elif self.kind is AudioKind.FULL:
                for start, pcm in batch:
                    self._add_pieces(start, pcm, pcm, 10 * self.rate, 20 * self.rate)

    def _encode(self, batch: list[tuple[float, bytes]]) -> None:
        """All stretches at once, each in blocks of its own."""
        coded = encode(b"".join(_padded(pcm) for _, pcm in batch))
        at = 0
        for start, pcm in batch:
            size = -(-len(pcm) // (2 * BLOCK_SAMPLES)) * BLOCK_BYTES
            self._add_pieces(
                start, pcm, coded[at : at + size], _PIECE_BLOCKS * BLOCK_SAMPLES, _PIECE_BLOCKS * BLOCK_BYTES
            )
            at += size

    def _measure(self, start: float, pcm: bytes) -> None:
        # One for each stretch: an envelope counts its steps from its own beginning.
        envelope = Envelope(AudioFormat(PCM16.type, self.rate, 2))
        envelope.add(pcm)
        levels = envelope.settle()
        first = round(start * 1000 / STEP_MS)
        # Filled up with silence where nothing was said.
        self.levels.extend(bytes(max(first + len(levels) - len(self.levels), 0)))
        self.levels[first : first + len(levels)] = levels

    def _add_pieces(self, start: float, pcm: bytes, coded: bytes, samples: int, size: int) -> None:
        """Cut what was coded; a piece of digital silence is left out."""
        for index in range(-(-len(coded) // size)):
            own = pcm[index * samples * 2 : (index + 1) * samples * 2]
            if own.strip(b"\0"):
                name = f"audio-{self.name}-{len(self.pieces)}"
                self.elements.append(base64_element(name, coded[index * size : (index + 1) * size]))
                self.pieces.append((round(start + index * samples / self.rate, 6), len(own) // 2))

    def about(self) -> dict[str, Any]:
        """What a page has to know to play it."""
        return {
            "rate": self.rate,
            "coding": "adpcm" if self.kind is AudioKind.COMPACT else "pcm",
            "pieces": self.pieces,
        }

    def waveform(self) -> bytes:
        """The element with its levels: a byte for each 10 ms from 0 on, decibels above -96 dBFS."""
        return packed_element(f"levels-{self.name}", bytes(self.levels))


def _padded(pcm: bytes) -> bytes:
    """Whole blocks: filled up with the last sample, which costs nothing to code."""
    return pcm + pcm[-2:] * (-(len(pcm) // 2) % BLOCK_SAMPLES)


def _batches(track: Track, rate: int) -> Iterator[list[tuple[float, bytes]]]:
    """Stretches without a gap, each with its begin; many together, as their blocks are coded side by side."""
    batch: list[tuple[float, bytearray]] = []
    size = 0
    for at, pcm in track.blocks(rate):
        if size >= _BATCH_SECONDS * rate * 2:
            yield [(start, bytes(stretch)) for start, stretch in batch]
            batch, size = [], 0
        if batch and abs(at - (batch[-1][0] + len(batch[-1][1]) / 2 / rate)) <= _FOLLOWS:
            batch[-1][1].extend(pcm)
        else:
            batch.append((at, bytearray(pcm)))
        size += len(pcm)
    if batch:
        yield [(start, bytes(stretch)) for start, stretch in batch]
