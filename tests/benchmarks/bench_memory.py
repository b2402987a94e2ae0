"""Whether the transport grows: an hour of speech (90,000 events, 173 MB of audio) at full speed over a real socket."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from typing import Any

from rtcli.transports import OpenAIRealtimeWebSocket
from tests.benchmarks.rounds import blaster
from tests.benchmarks.rows import Row, row
from tests.soak.measures import rss_mb

EVENTS = 90_000  # 1,800 answers of 2 s
MARKS = 6


async def _hour(base: str) -> list[float]:
    seen, marks, done = 0, [], asyncio.Event()
    t = OpenAIRealtimeWebSocket(api_key="sk", url=f"{base}/receive/realtime?count={EVENTS}", auto_tracing=False)

    def count(_: Any) -> None:
        nonlocal seen
        seen += 1
        if seen % (EVENTS // MARKS) == 0:
            marks.append(rss_mb(os.getpid()))
        if seen == EVENTS:
            done.set()

    await t.connect()
    await t.wait_ready(10)
    t.on("*", count)
    for name in ("audio", "audio_transcript_delta", "item_update", "turn_done"):
        t.on(name, lambda _: None)
    marks.append(rss_mb(os.getpid()))
    t.send_event({"type": "input_audio_buffer.clear"})
    await done.wait()
    t.close()
    await t.wait_closed()
    return marks


def rows() -> Iterator[Row]:
    with blaster() as base:
        marks = asyncio.run(_hour(base))
    each = ", ".join(f"{mark:.1f}" for mark in marks)
    beside = f"resident every 10 minutes: {each} MB"
    yield row("an hour of speech through the transport: growth after 10 minutes", marks[-1] - marks[1], "MB", beside)
