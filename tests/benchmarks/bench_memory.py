"""Whether the transport grows: `python -m tests.benchmarks.bench_memory`.

An hour of speech (90,000 events, 173 MB of sound) at full speed over a real socket; resident memory every ten minutes.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import Any

from rtcli.transports import OpenAIRealtimeWebSocket
from tests.benchmarks.rounds import blaster

EVENTS = 90_000  # 1,800 answers of 2 s
MARKS = 6


def _resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


async def _hour(base: str) -> list[float]:
    seen, marks, done = 0, [], asyncio.Event()
    t = OpenAIRealtimeWebSocket(api_key="sk", url=f"{base}/receive/realtime?count={EVENTS}", auto_tracing=False)

    def count(_: Any) -> None:
        nonlocal seen
        seen += 1
        if seen % (EVENTS // MARKS) == 0:
            marks.append(_resident_mb())
        if seen == EVENTS:
            done.set()

    await t.connect()
    await t.wait_ready(10)
    t.on("*", count)
    for name in ("audio", "audio_transcript_delta", "item_update", "turn_done"):
        t.on(name, lambda _: None)
    marks.append(_resident_mb())
    t.send_event({"type": "input_audio_buffer.clear"})
    await done.wait()
    t.close()
    await t.wait_closed()
    return marks


def main() -> None:
    """Measure and print."""
    with blaster() as base:
        marks = asyncio.run(_hour(base))
    cells = [f"{mark:.1f}" for mark in marks]
    minutes = [f"{60 // MARKS * number} min" for number in range(MARKS + 1)]
    sys.stdout.write("\n### Memory over an hour of speech, MB resident\n\n")
    sys.stdout.write(f"| {' | '.join(minutes)} |\n|{'---:|' * len(minutes)}\n| {' | '.join(cells)} |\n")
    sys.stdout.write(f"\nGrowth after the first ten minutes: {marks[-1] - marks[1]:+.1f} MB\n")


if __name__ == "__main__":
    main()
