"""What an hour leaves in memory, compressed into seconds.

- The transport: 90,000 events, 173 MB of audio, over a real socket.
- A busy session that is recorded: 180,000 pieces of a microphone, and a spoken answer every 12 seconds.
- An idle session that is recorded: pings over a real socket to a server in the same process, and a toolbar that is
  drawn every second.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rtcli.config.endpoints import Endpoint
from rtcli.repl.toolbar import toolbar
from rtcli.server import RealtimeServer
from rtcli.session.recorder import RecordingSetup
from rtcli.session.session import RealtimeSession
from rtcli.transports import OpenAIRealtimeWebSocket
from rtcli.views import DisplaySettings
from tests.benchmarks.rounds import blaster
from tests.benchmarks.rows import Row, row
from tests.kit.foreign import ROOT
from tests.soak.measures import rss_mb

EVENTS = 90_000  # 1,800 answers of 2 s
MARKS = 6
FASTER = 300  # an idle hour takes 12 s
PING_SECONDS = 20
MAX_BUSY_MB = 64


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


async def _idle_hour(folder: Path) -> list[float]:
    """Resident after the beginning, and after every ten minutes."""
    async with RealtimeServer(voice="tone") as server:
        url = f"{server.url}?model=gpt-realtime-2.1"
        transport = OpenAIRealtimeWebSocket(api_key="sk", url=url, ping_interval=PING_SECONDS / FASTER)
        setup = RecordingSetup(defer=asyncio.get_running_loop().call_soon)
        session = RealtimeSession(transport, endpoint=Endpoint(url, None, "idle"), recording=setup)
        session.recorder.start(folder / "idle.ndjson")
        await session.start()
        display, marks = DisplaySettings(), []
        for second in range(3601):
            toolbar(session.status, display, 120)
            if second % 600 == 0:
                gc.collect()
                marks.append(rss_mb(os.getpid()))
            await asyncio.sleep(1 / FASTER)
        await session.close()
    return marks


def _busy_hour(folder: Path) -> list[float]:
    """Resident after the first turn, and after every ten minutes."""
    command = [sys.executable, "-m", "tests.kit.hour", str(folder)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, cwd=ROOT)
    marks: list[float] = json.loads(done.stdout)["resident"]
    return marks


def _row(what: str, since: str, growth: float, marks: list[float], at_most: float | None = None) -> Row:
    each = ", ".join(f"{mark:.1f}" for mark in marks)
    return row(f"{what}: growth after {since}", growth, "MB", f"resident: {each} MB", at_most=at_most)


def rows() -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as name:
        marks = asyncio.run(_idle_hour(Path(name)))
        yield _row("an idle hour of a session", "10 minutes", marks[-1] - marks[1], marks)
        marks = _busy_hour(Path(name))
        yield _row("a busy hour of a session", "the first turn", max(marks[1:]) - marks[0], marks, MAX_BUSY_MB)
    with blaster() as base:
        marks = asyncio.run(_hour(base))
    yield _row("an hour of speech through the transport", "10 minutes", marks[-1] - marks[1], marks)
