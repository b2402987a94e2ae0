"""What a session costs over its transport, and what recording it adds.

Frames are handed to the transport as its reader does, without a socket: to a bare transport, to one with a session and
somebody who watches it, and to one whose session is recorded to a file, in one write for each ten frames. Each in a
process of its own, in turn; processor time alone is measured.
"""

from __future__ import annotations

import asyncio
import base64
import gc
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from rtcli.transports import OpenAIRealtimeWebSocket
from tests.benchmarks.load import PCM_BYTES, answer
from tests.benchmarks.rows import Row, digits, row
from tests.kit.foreign import ROOT

EVENTS = 5_000
FIRST = 500  # events that are not measured: modules are imported as their first use comes
ROUNDS = 5
SIDES = ("bare", "session", "recorded")


class Server:
    """The server's half of a connection, as far as a session needs it to begin."""

    close_code: int | None = None
    close_reason: str | None = None

    def __init__(self) -> None:
        self._frames: asyncio.Queue[str] = asyncio.Queue()
        self._say("session.created")

    def _say(self, event_type: str) -> None:
        session = {"id": "sess_1", "type": "realtime", "output_modalities": ["audio"]}
        self._frames.put_nowait(json.dumps({"type": event_type, "event_id": "event_0", "session": session}))

    async def recv(self) -> str:
        return await self._frames.get()

    async def send(self, message: str, /) -> None:
        if json.loads(message)["type"] == "session.update":
            self._say("session.updated")

    async def close(self, code: int = 1000, reason: str = "") -> None:
        pass


def _deltas(event_type: str, number: int) -> Iterator[dict[str, Any]]:
    pick = random.Random(number)
    audio = event_type == "response.output_audio.delta"
    place = {"item_id": f"item_{number:06}", "output_index": 0, "content_index": 0}
    for index in range(100):
        delta = base64.b64encode(pick.randbytes(PCM_BYTES)).decode() if audio else "word "
        names = {"event_id": f"event_{number:06}{index:03}", "response_id": f"resp_{number:06}"}
        yield {"type": event_type, **names, **place, "delta": delta}


def loads() -> Mapping[str, list[bytes]]:
    """Frames by what they are: deltas alone, and whole spoken answers."""
    deltas = {
        "text deltas": "response.output_text.delta",
        "audio deltas": "response.output_audio.delta",
    }
    made = {
        name: [json.dumps(event).encode() for number in range(EVENTS // 100) for event in _deltas(kind, number)]
        for name, kind in deltas.items()
    }
    return {**made, "spoken answers": [json.dumps(event).encode() for n in range(EVENTS // 50) for event in answer(n)]}


def _hand_over(t: OpenAIRealtimeWebSocket, frames: list[bytes], turn: list[Callable[[], None]]) -> None:
    for start in range(0, len(frames), 10):  # as many as come in one turn of a busy loop
        for frame in frames[start : start + 10]:
            t._on_message(frame)
        for call in turn:
            call()
        turn.clear()


async def _measure(what: str, folder: Path) -> dict[str, float]:
    from rtcli.config.endpoints import Endpoint
    from rtcli.session.recorder import RecordingSetup
    from rtcli.session.session import RealtimeSession

    async def create(url: str, headers: dict[str, str]) -> Server:
        return Server()

    cost = {}
    turn: list[Callable[[], None]] = []
    setup = RecordingSetup(defer=turn.append)
    for name, frames in loads().items():
        t = OpenAIRealtimeWebSocket(api_key="sk", url="ws://memory", create_websocket=create, auto_tracing=False)
        seen = 0

        def watch(_: object) -> None:
            nonlocal seen
            seen += 1

        if what != "bare":
            endpoint = Endpoint("ws://memory", None, "memory")
            s = RealtimeSession(t, endpoint=endpoint, config={"voice": "marin"}, recording=setup)
            await s.start()
            s.subscribe(watch)
            if what == "recorded":
                s.recorder.start(folder / f"{name}.ndjson")
        else:
            await t.connect()
            await t.wait_ready()
            t.on("*", watch)
        _hand_over(t, frames[:FIRST], turn)
        gc.collect()
        begun = time.process_time()
        _hand_over(t, frames[FIRST:], turn)
        cost[name] = (time.process_time() - begun) / (len(frames) - FIRST) * 1e6
        assert seen >= len(frames), f"{seen} of {len(frames)} were shown"
        t.close()
        await t.wait_closed()
    return cost


def _run(what: str) -> dict[str, float]:
    command = [sys.executable, "-m", "tests.benchmarks.bench_session", what]
    environment = {**os.environ, "PYTHONHASHSEED": "0"}
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT, env=environment)
    cost: dict[str, float] = json.loads(done.stdout)
    return cost


def rows() -> Iterator[Row]:
    played = [[_run(side) for side in SIDES] for _ in range(ROUNDS)]
    for name in played[0][0]:
        bare, whole, written = (statistics.median(round_[side][name] for round_ in played) for side in range(3))
        ratio = statistics.median(round_[1][name] / round_[0][name] for round_ in played)
        more = statistics.median(round_[2][name] - round_[1][name] for round_ in played)
        beside = f"its transport {digits(bare)} us, without a socket: {ratio:.2f} x"
        yield row(f"{name}: a session, an event", whole, "us CPU", beside)
        yield row(f"{name}: recording it adds", more, "us CPU", f"in all {digits(written)} us")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        sys.stdout.write(json.dumps(asyncio.run(_measure(sys.argv[1], Path(name)))))
