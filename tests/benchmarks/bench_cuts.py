"""Where interruptions cut, beside the device and the room.

On a virtual sound card of its own, so that the room can be recorded:

- truncation error: audio_end_ms against the samples that the device took less its latency, and against the monitor
- the device: its latency, the gaps between its callbacks, how often it ran dry
- first sound: from the sending of a message to the first sample on the monitor
"""

from __future__ import annotations

import asyncio
import os
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from rtcli.audio.speaker import Speaker
from rtcli.audio.stream import BLOCK_MS
from rtcli.dsp.wav import write_wav
from rtcli.server import RealtimeServer
from tests.benchmarks.rows import Row, digits, row
from tests.kit.sessions import session_on
from tests.kit.sound_card import SPEAKERS, SoundCard, find_devices_anew, missing
from tests.kit.waiting import until
from tests.kit.waveforms import RATE, SpoiltError, heard_ms, noise, samples_of

SECONDS = 6
ROUNDS = 10
_SCRIPT = '[{"reply": [{"audio": "noise.wav", "transcript": "Words."}]}]'


@dataclass
class Figures:
    """One device's: milliseconds, one of each for each interruption or callback."""

    name: str
    device: list[float] = field(default_factory=list)
    room: list[float] = field(default_factory=list)
    first: list[float] = field(default_factory=list)
    latency: list[float] = field(default_factory=list)
    gaps: list[float] = field(default_factory=list)
    underruns: int = 0


class Watched(Speaker):
    """A speaker whose callbacks are timed."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.called: list[tuple[float, float]] = []

    def _next_block(self, frames: int, latency: float) -> bytes:
        self.called.append((time.monotonic(), latency * 1000))
        return super()._next_block(frames, latency)


async def interruption(url: str, card: SoundCard, figures: Figures, *, after_ms: int, sent: bytes) -> None:
    """One answer that is cut after so much of it."""
    speaker = Watched(figures.name)
    config: dict[str, Any] = {"output_modalities": ["audio"]}
    async with session_on(url, speaker=speaker, config=config) as live:
        with card.record(figures.name) as room:
            silence, began = len(room.samples), time.monotonic()
            live.session.talk.say("go on")
            await until(lambda: (key := speaker.current) and (speaker.heard_ms(*key) or 0) >= after_ms)
            key = speaker.current
            assert key is not None
            live.session.talk.interrupt()
            consumed, latency = speaker.consumed_ms(*key), speaker.latency_ms
            await until(lambda: room.quiet_ms() > 200)
        (cut,) = live.events("conversation.item.truncate")
        end = cut["audio_end_ms"]
        figures.device.append(end - (consumed - latency))
        figures.room.append(heard_ms(room.sound(), samples_of(sent)) - end)
        onset = int(np.flatnonzero(np.abs(room.samples.astype(np.int32)) > 40)[0])
        figures.first.append((onset - silence) * 1000 / RATE)
        settled = [call for call in speaker.called if call[0] > began]
        figures.latency += [latency for _, latency in settled]
        figures.gaps += [float(gap) * 1000 for gap in np.diff([at for at, _ in settled])]
        figures.underruns += speaker.underruns


def spread(what: str, values: Sequence[float], note: str = "") -> Row:
    """The 95th percentile, beside the least, the median and the most."""
    low, middle, most = min(values), statistics.median(values), max(values)
    beside = f"min {digits(low)}, p50 {digits(middle)}, max {digits(most)} ms"
    return row(what, float(np.percentile(values, 95)), "ms p95", f"{beside}; {note}" if note else beside)


def report(figures: Figures) -> Iterator[Row]:
    """One device's rows."""
    name, latency = figures.name, statistics.median(figures.latency)
    yield spread(f"{name}: cut, against what the device took", figures.device, f"within {BLOCK_MS} (a block)")
    within = f"within {BLOCK_MS} + {latency:.0f} (latency) + 12 (fade)"
    yield spread(f"{name}: heard beyond the cut, on the monitor", figures.room, within)
    yield spread(f"{name}: latency that the device tells", figures.latency)
    yield spread(f"{name}: between two callbacks", figures.gaps, f"ran dry {figures.underruns} times")
    yield spread(f"{name}: message to first audio in the room", figures.first)


async def measured() -> list[Figures]:
    """Interruptions on each of the devices."""
    sent, found = noise(SECONDS), []
    with tempfile.TemporaryDirectory() as folder, SoundCard() as card:
        os.environ.update(card.settings)
        find_devices_anew()
        write_wav(Path(folder) / "noise.wav", sent)
        script = Path(folder) / "script.json"
        script.write_text(_SCRIPT)
        async with RealtimeServer(script=script, voice="tone") as server:
            for name in SPEAKERS:
                found.append(Figures(name))
                for number in range(ROUNDS):
                    after = 300 + 137 * number % 1500
                    await interruption(f"{server.url}?model=gpt-realtime", card, found[-1], after_ms=after, sent=sent)
    return found


def rows() -> Iterator[Row]:
    if reason := missing():
        yield Row("not measured", "", f"no virtual sound card: {reason}")
        return
    try:
        found = asyncio.run(measured())
    except SpoiltError as error:
        yield Row("not measured", "", str(error).rstrip("."))
        return
    for figures in found:
        yield from report(figures)
