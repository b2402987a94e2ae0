"""What a session costs as it grows: with 1,000, 10,000 and 100,000 records behind it, all of them recorded to a file.

An event, commands that look, Tab, a redraw of the toolbar, and a reconnect, which carries the conversation over.
Processor time, the least disturbed of several runs, each size in a process of its own.
"""

from __future__ import annotations

import asyncio
import gc
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

from rtcli.commands import Context, default_registry, run_line
from rtcli.config.endpoints import Endpoint
from rtcli.repl.backend import SessionBackend
from rtcli.repl.toolbar import toolbar
from rtcli.session.recorder import RecordingSetup
from rtcli.session.session import RealtimeSession
from rtcli.transports import OpenAIRealtimeWebSocket
from rtcli.views import DisplaySettings
from tests.benchmarks.bench_session import Server
from tests.benchmarks.load import PER_ANSWER, answer
from tests.benchmarks.rows import Row, digits, exponent, row
from tests.kit.foreign import ROOT

SIZES = (1_000, 10_000, 100_000)
MAX_FLAT, MAX_LINEAR = 0.1, 1.1
WHAT: dict[str, float] = {
    "an event": MAX_FLAT,
    "/why": MAX_FLAT,
    "/last response.done": MAX_FLAT,
    "/show": MAX_FLAT,
    "/turn": MAX_FLAT,
    "/status": MAX_FLAT,
    "what Tab offers": MAX_FLAT,
    "a redraw of the toolbar": MAX_FLAT,
    "/grep": MAX_LINEAR,
    "/history": MAX_LINEAR,
    "/reconnect": MAX_LINEAR,
}


class Taking(Server):
    """A server that takes every item it is given."""

    async def send(self, message: str, /) -> None:
        await super().send(message)
        event = json.loads(message)
        if event["type"] == "conversation.item.create":
            for name in ("conversation.item.added", "conversation.item.done"):
                told = {"type": name, "event_id": "event_1", "previous_item_id": None, "item": event["item"]}
                self._frames.put_nowait(json.dumps(told))


async def best(action: Callable[[], Awaitable[object]], runs: int = 20) -> float:
    """Seconds of processor time: the least disturbed run."""
    costs = []
    for _ in range(runs):
        gc.collect()
        began = time.process_time()
        await action()
        costs.append(time.process_time() - began)
    return min(costs)


async def measured(size: int, folder: Path) -> dict[str, float]:
    """Seconds for each of WHAT with so many records."""

    async def create(url: str, headers: dict[str, str]) -> Server:
        return Taking()

    patient: dict[str, Any] = {"create_websocket": create, "ping_interval": None, "ping_timeout": None}
    transport = OpenAIRealtimeWebSocket(api_key="sk", url="ws://memory", auto_tracing=False, **patient)
    setup = RecordingSetup(defer=asyncio.get_running_loop().call_soon)
    session = RealtimeSession(transport, endpoint=Endpoint("ws://memory", None, "memory"), recording=setup)
    session.recorder.start(folder / f"{size}.ndjson")
    await session.start()
    context = Context(session, DisplaySettings(), default_registry())
    backend = SessionBackend(context)
    number = 0

    async def grow(answers: int) -> None:
        nonlocal number
        for _ in range(answers):
            for text in [json.dumps(event) for event in answer(number)]:
                transport._on_message(text)
            number += 1
            await asyncio.sleep(0)

    async def redraw() -> None:
        for _ in range(100):
            toolbar(session.status, context.display, 120)

    async def offer() -> None:
        for _ in range(10):
            list(backend.complete("/show ")())

    def line(text: str) -> Callable[[], Awaitable[object]]:
        return lambda: run_line(text, context)

    await grow(size // PER_ANSWER)
    events = [[json.dumps(event) for event in answer(n)] for n in range(number, number + 10)]

    async def take() -> None:
        for frames in events:
            for frame in frames:
                transport._on_message(frame)
            await asyncio.sleep(0)

    found = {"an event": await best(take, 1) / (10 * PER_ANSWER)}
    found["/why"] = await best(line(f"/why {size // 2}"))
    found["/last response.done"] = await best(line("/last response.done"))
    found["/show"] = await best(line(f"/show {size // 2}"))
    found["/turn"] = await best(line("/turn"))
    found["/status"] = await best(line("/status"))
    found["what Tab offers"] = await best(offer, 5) / 10
    found["a redraw of the toolbar"] = await best(redraw, 5) / 100
    found["/grep"] = await best(line("/grep xylophone"), 3)
    found["/history"] = await best(line("/history"), 3)
    found["/reconnect"] = await best(line("/reconnect"), 1)
    await session.close()
    return found


def rows() -> Iterator[Row]:
    found: dict[int, dict[str, float]] = {}
    for size in SIZES:
        command = [sys.executable, "-m", "tests.benchmarks.bench_growth", str(size)]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, cwd=ROOT)
        found[size] = json.loads(done.stdout)
    for what, bound in WHAT.items():
        seconds = {size: of[what] for size, of in found.items()}
        times, unit = (1e6, "us") if max(seconds.values()) < 0.001 else (1e3, "ms")
        each = ", ".join(f"{digits(one * times)}" for one in seconds.values())
        beside = f"{each} {unit} with {', '.join(f'{size:,}' for size in SIZES)} records"
        yield row(f"{what}: growth exponent", exponent(seconds), "", beside, at_most=bound)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        sys.stdout.write(json.dumps(asyncio.run(measured(int(sys.argv[1]), Path(name)))))
