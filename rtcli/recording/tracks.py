"""The two tracks of a session in its own time: what the user said, and what was heard of the model."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from rtcli.dsp.codec import Decoder
from rtcli.dsp.resample import Resampler
from rtcli.protocol.audio_formats import PCM16, AudioFormat
from rtcli.timeline.turns import HeardRun, SpokenPart

_TOLERANCE = 0.03
"""Seconds by which a piece may miss the end of the one before and still follow on it: a clock is not a sample rate."""

_BLOCK_SECONDS = 10


@dataclass(slots=True)
class Run:
    """Audio without a gap, in a format of the wire, from `start` (seconds of the session) on."""

    start: float
    format: AudioFormat
    pieces: list[bytes] = field(default_factory=list)
    length: int = 0  # bytes

    @property
    def end(self) -> float:
        """When it is over."""
        return self.start + self.length / self.format.bytes_per_second

    def pcm(self, rate: int) -> Iterator[bytes]:
        """All of it as mono PCM16 at a rate, in blocks of about ten seconds."""
        decoder, resampler = Decoder(self.format), Resampler(PCM16.rate, rate)
        waiting, size = bytearray(), _BLOCK_SECONDS * rate * 2
        for piece in self.pieces:
            waiting += resampler.process(decoder.decode(piece))
            while len(waiting) >= size:
                yield bytes(waiting[:size])
                del waiting[:size]
        waiting += resampler.process(decoder.flush())
        # The resampler looks ahead, and holds the last samples back.
        waiting += resampler.flush()
        if waiting:
            yield bytes(waiting)


@dataclass(slots=True)
class Track:
    """Runs that follow on each other in time."""

    runs: list[Run] = field(default_factory=list)

    @property
    def end(self) -> float:
        """When the last of it is over; 0 for an empty track."""
        return self.runs[-1].end if self.runs else 0.0

    def add(self, start: float, data: bytes, audio_format: AudioFormat) -> None:
        """The next piece. What began before the last one ended (a file that was sent at once) goes on behind it."""
        last = self.runs[-1] if self.runs else None
        if last is None or last.format != audio_format or start - last.end > _TOLERANCE:
            last = Run(max(start, last.end if last else 0.0), audio_format)
            self.runs.append(last)
        last.pieces.append(data)
        last.length += len(data)

    def blocks(self, rate: int = PCM16.rate) -> Iterator[tuple[float, bytes]]:
        """The audio as mono PCM16 at a rate, each block with the second at which it begins."""
        for run in self.runs:
            at = run.start
            for pcm in run.pcm(rate):
                yield at, pcm
                at += len(pcm) / 2 / rate


class Tracks:
    """Keeps the audio of a session that a timeline places (`read(records, Tracks())`)."""

    def __init__(self) -> None:
        self.user = Track()
        self._said: deque[tuple[bytes, AudioFormat]] = deque()  # not placed yet
        self._answers: dict[int, tuple[SpokenPart, list[bytes]]] = {}  # by the identity of the part

    def on_said(self, data: bytes, audio_format: AudioFormat) -> None:
        """The user's next piece."""
        self._said.append((data, audio_format))

    def on_placed(self, at: float) -> None:
        """When the oldest piece began that waits."""
        self.user.add(at, *self._said.popleft())

    def on_answered(self, part: SpokenPart, data: bytes) -> None:
        """More of a part."""
        # By identity: parts compare by their fields, which change. The part is kept beside it, so that its id stays its
        # own.
        self._answers.setdefault(id(part), (part, []))[1].append(data)

    @property
    def played(self) -> bool:
        """A player told what was heard; else the model's track has what arrived, at the moment it did."""
        return any(part.heard for part, _ in self._answers.values())

    def heard(self) -> Track:
        """What was heard of the model."""
        track, played = Track(), self.played
        runs = [
            (run, part, pieces)
            for part, pieces in self._answers.values()
            for run in (part.heard if played else _as_it_came(part))
        ]
        # Parts may be heard in another order than they arrived.
        for run, part, pieces in sorted(runs, key=lambda one: one[0].start):
            form = part.envelope.format
            first, last = (form.byte_length(ms) for ms in (run.first_ms, run.last_ms))
            if data := _cut(pieces, first, last):
                track.add(run.start, data, form)
        return track


def _as_it_came(part: SpokenPart) -> Iterable[HeardRun]:
    end = part.received_ms if part.cut_ms is None else min(part.cut_ms, part.received_ms)
    return [HeardRun(part.first.at, 0, end)] if end > 0 else []


def _cut(pieces: list[bytes], first: int, last: int) -> bytes:
    # Joined once, in place: an answer that was heard in many runs would be joined for each of them.
    if len(pieces) > 1:
        pieces[:] = [b"".join(pieces)]
    return pieces[0][first:last] if pieces else b""
