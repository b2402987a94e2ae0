"""Where interruptions cut, beside the device and the room: `python -m tests.benchmarks.bench_sound [rounds]`.

On a virtual sound card of its own, so that the room can be recorded:

- truncation error: audio_end_ms against the samples that the device took less its latency, and against the monitor
- the device: its latency, the gaps between its callbacks, how often it ran dry
- first sound: from the sending of a message to the first sample on the monitor
"""

from __future__ import annotations

import asyncio
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from rtcli.audio.speaker import Speaker
from rtcli.audio.stream import BLOCK_MS
from rtcli.dsp.wav import write_wav
from rtcli.server import RealtimeServer
from tests.kit.sessions import session_on
from tests.kit.sound_card import SPEAKERS, SoundCard, find_devices_anew, missing
from tests.kit.waiting import until
from tests.kit.waveforms import RATE, heard_ms, noise, samples_of

SECONDS = 6
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


def line(name: str, values: Sequence[float], note: str = "") -> str:
    """Least, median, 95th percentile and most."""
    low, middle, high, most = min(values), statistics.median(values), np.percentile(values, 95), max(values)
    return f"  {name:<38} min {low:6.1f}  p50 {middle:6.1f}  p95 {high:6.1f}  max {most:6.1f} ms  {note}".rstrip()


def report(figures: Figures) -> None:
    """One device's table."""
    latency = statistics.median(figures.latency)
    rows = (
        f"{figures.name}: {len(figures.device)} interruptions, ran dry {figures.underruns} times",
        line("cut, against what the device took", figures.device, f"(within {BLOCK_MS})"),
        line("heard beyond the cut, on the monitor", figures.room, f"(within {BLOCK_MS} + {latency:.0f} + fade 12)"),
        line("latency that the device tells", figures.latency),
        line("between two callbacks", figures.gaps, f"(blocks of {BLOCK_MS})"),
        line("message to first sound in the room", figures.first),
    )
    sys.stdout.write("\n".join(rows) + "\n")
    sys.stdout.flush()


async def main(rounds: int) -> None:
    """Interrupt on both devices, and print the tables."""
    sent = noise(SECONDS)
    with tempfile.TemporaryDirectory() as folder, SoundCard() as card:
        os.environ.update(card.settings)
        find_devices_anew()
        write_wav(Path(folder) / "noise.wav", sent)
        script = Path(folder) / "script.json"
        script.write_text(_SCRIPT)
        async with RealtimeServer(script=script, voice="tone") as server:
            for name in SPEAKERS:
                figures = Figures(name)
                for number in range(rounds):
                    after = 300 + 137 * number % 1500
                    await interruption(f"{server.url}?model=gpt-realtime", card, figures, after_ms=after, sent=sent)
                report(figures)


if __name__ == "__main__":
    if reason := missing():
        sys.stderr.write(f"no sound card for bench_sound: {reason}\n")
    else:
        asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 10))
