"""An hour of a recorded session at full speed, in a process of its own: `python -m tests.kit.hour FOLDER`.

180,000 pieces of a microphone and a spoken answer every 12 seconds cross a socket of memory. One line of JSON says what
was resident after the first turn and after each sixth, and what commands then showed of the first frames.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import sys
from pathlib import Path
from typing import Any

from rtcli.commands import Context, default_registry, run_line
from rtcli.config.endpoints import Endpoint
from rtcli.protocol.provenance import caused_by
from rtcli.session.recorder import RecordingSetup
from rtcli.session.session import RealtimeSession
from rtcli.transports import OpenAIRealtimeWebSocket
from rtcli.views import DisplaySettings
from tests.benchmarks.bench_session import Server
from tests.benchmarks.load import answer
from tests.soak.measures import rss_mb

PIECES = 180_000  # 20 ms each
PIECES_A_TURN = 600
PIECE_BYTES = 960
A_LOOP_TURN = 10


async def hour(folder: Path) -> dict[str, Any]:
    """Play it; the figures and what the commands showed."""

    async def create(url: str, headers: dict[str, str]) -> Server:
        return Server()

    # A slow machine takes minutes, and this server does not answer pings.
    patient: dict[str, Any] = {"create_websocket": create, "ping_interval": None, "ping_timeout": None}
    transport = OpenAIRealtimeWebSocket(api_key="sk", url="ws://memory", auto_tracing=False, **patient)
    setup = RecordingSetup(defer=asyncio.get_running_loop().call_soon)
    endpoint = Endpoint("ws://memory", None, "memory")
    session = RealtimeSession(transport, endpoint=endpoint, config={"instructions": "xylophone"}, recording=setup)
    session.recorder.start(folder / "hour.ndjson")
    await session.start()
    resident: list[float] = []  # MB
    for number in range(PIECES):
        with caused_by("microphone"):
            session.audio.send(os.urandom(PIECE_BYTES))
        if number % A_LOOP_TURN == 0:
            await transport.flush()
        if number % PIECES_A_TURN == PIECES_A_TURN - 1:
            for event in answer(number // PIECES_A_TURN):
                transport._on_message(json.dumps(event))
            await asyncio.sleep(0)
        if number == PIECES_A_TURN - 1 or (number + 1) % (PIECES // 6) == 0:
            gc.collect()
            resident.append(rss_mb(os.getpid()))
    context = Context(session, DisplaySettings(), default_registry())
    shown = {line: repr(await run_line(line, context)) for line in ("/show 1", "/grep xylophone", "/why 3")}
    log = session.state.log
    found = {"resident": resident, "shown": shown, "frames": log.last_number, "oldest_kept": log.forgotten + 1}
    await session.close()
    return {**found, "size": (folder / "hour.ndjson").stat().st_size}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asyncio.run(hour(Path(sys.argv[1])))))
