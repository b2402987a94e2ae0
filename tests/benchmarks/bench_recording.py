"""What it costs to record a frame.

Ten frames are handed to the writer and written at once, as in one turn of a busy loop; processor time alone is
measured, the system's part of a write included, and beside it what a bare transport takes to receive the same frames
without a socket. The spoken answers are those of the receive benchmark, whose whole transport is measured here too.
"""

from __future__ import annotations

import asyncio
import base64
import json
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rtcli.masking import add_secret
from rtcli.protocol.frame_maker import FrameMaker
from rtcli.protocol.record import Frame
from rtcli.recording.header import Header
from rtcli.recording.writer import RecordingWriter
from rtcli.transports import OpenAIRealtimeWebSocket
from tests.benchmarks.bench_receive import COUNT, received
from tests.benchmarks.bench_session import Server, loads
from tests.benchmarks.load import answer
from tests.benchmarks.rows import Row, digits, row

FRAMES = 5_000
ROUNDS = 15
MAX_US = 5.0
MAX_SHARE = 25.0  # percent of what it takes to receive an event
KEY = "sk-proj-abcdEFGH1234567890abcdEFGH1234567890"  # not a real one: its forms are looked for in every frame


def _frames(texts: list[bytes]) -> list[Frame]:
    maker = FrameMaker()
    return [maker.received(json.loads(text), text, number / 50) for number, text in enumerate(texts)]


def _microphone() -> list[Frame]:
    maker, pick = FrameMaker(), random.Random(1)
    made = []
    for number in range(FRAMES):
        event = {"type": "input_audio_buffer.append", "audio": base64.b64encode(pick.randbytes(960)).decode()}
        made.append(maker.sent(event, json.dumps(event, separators=(",", ":")), number / 50))
    return made


def _recorded(frames: list[Frame], folder: Path) -> float:
    """Microseconds for one frame."""
    turn: list[Callable[[], None]] = []
    path = folder / "session.ndjson"
    writer = RecordingWriter(path, Header(datetime.now(UTC), "chat"), defer=turn.append)
    begun = time.process_time()
    for start in range(0, len(frames), 10):
        for frame in frames[start : start + 10]:
            writer.add(frame)
        for call in turn:
            call()
        turn.clear()
    cost = (time.process_time() - begun) / len(frames) * 1e6
    writer.close()
    path.unlink()
    return cost


async def _received(texts: list[bytes]) -> float:
    """Microseconds for one frame."""

    async def create(url: str, headers: dict[str, str]) -> Any:
        return Server()

    t = OpenAIRealtimeWebSocket(api_key=KEY, url="ws://memory", create_websocket=create, auto_tracing=False)
    await t.connect()
    await t.wait_ready()
    begun = time.process_time()
    for text in texts:
        t._on_message(text)
    cost = (time.process_time() - begun) / len(texts) * 1e6
    t.close()
    await t.wait_closed()
    return cost


def rows() -> Iterator[Row]:
    add_secret(KEY)
    texts: Mapping[str, list[bytes]] = {
        **{name: frames for name, frames in loads().items() if name != "spoken answers"},
        "spoken answers": [json.dumps(event).encode() for n in range(FRAMES // 50) for event in answer(n)],
    }
    frames = {**{name: _frames(these) for name, these in texts.items()}, "20 ms of microphone": _microphone()}
    cost: dict[str, list[float]] = {name: [] for name in frames}
    receiving: dict[str, list[float]] = {name: [] for name in frames}
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(ROUNDS):
            for name, these in frames.items():
                cost[name].append(_recorded(these, Path(folder)))
                if name in texts:
                    receiving[name].append(asyncio.run(_received(texts[name])))
    whole = received(["rtcli"], "receive", COUNT, 3).cost("rtcli")
    for name, these in frames.items():
        taken = statistics.median(cost[name])
        beside = f"{sum(frame.size for frame in these) // len(these):,} bytes a frame"
        if receiving[name]:
            beside += f"; receiving it without a socket takes {digits(statistics.median(receiving[name]))} us"
        yield row(f"{name}: written to a recording, a frame", taken, "us CPU", beside, at_most=MAX_US)
        if name == "spoken answers":
            beside = f"of {digits(whole)} us, the whole transport of the receive benchmark"
            yield row(f"{name}: written to a recording", 100 * taken / whole, "%", beside, at_most=MAX_SHARE)
