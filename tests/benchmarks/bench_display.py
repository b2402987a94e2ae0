"""How late and how costly the prompt shows things.

- display delay: from a delta's leaving the session to its characters' leaving the pseudo terminal
- CPU: the prompt with streaming text and typing, beside the same session on the same socket that shows nothing
- typing: from a key to its echo, while 5,000 events come in a second
- the last two also for a prompt that runs three times slower (see slower.py)
"""

from __future__ import annotations

import asyncio
import json
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from websockets.asyncio.server import ServerConnection, serve

from tests.benchmarks.rows import Row, digits, percentile, row
from tests.benchmarks.slower import slowed
from tests.kit.terminal import Terminal

SECONDS = 4
ROUNDS = 3
FLOOD = 5_000
SLOWER = 3  # times, the machine on which a prompt still has to be good
TYPED = "αβγδεζηθικλμνξοπρστυφχψω"  # each once, and in no word of the answer: its echo is known by it
KEY_EVERY = 0.1
BUFFERED = {"PYTHONUNBUFFERED": ""}  # else a write that a stop cuts off is not finished: rtcli itself sees to that
MAX_POINTS = {100: 4.0, 1_000: 6.0}  # of a core
MAX_DELAY_MS = MAX_TYPING_MS = 60.0
WORD = re.compile(rb"w\d{6}")


async def _stream(connection: ServerConnection, rate: int) -> None:
    """A session that begins to talk by itself: numbered words at `rate` a second, for SECONDS."""
    session = {"type": "realtime", "id": "sess_bench", "model": "bench", "output_modalities": ["text"]}

    async def send(type_: str, **fields: Any) -> None:
        await connection.send(json.dumps({"type": type_, "event_id": "event_x", **fields}))

    part = {"response_id": "resp_1", "item_id": "item_1", "output_index": 0, "content_index": 0}
    await send("session.created", session=session)
    await asyncio.sleep(0.7)  # let the prompt come to rest
    await send("response.created", response={"id": "resp_1", "status": "in_progress", "output": []})
    loop = asyncio.get_running_loop()
    began, said = loop.time(), []
    for number in range(rate * SECONDS):
        said.append(f"w{number:06} ")
        await send("response.output_text.delta", **part, delta=said[-1], obfuscation="xxxxxxxx")
        if rate < FLOOD or number % 10 == 9:  # the flood comes in tens, or its server would be what is measured
            await asyncio.sleep(max(began + (number + 1) / rate - loop.time(), 0))
    await send("response.output_text.done", **part, text="".join(said))
    await connection.wait_closed()


@contextmanager
def server(rate: int) -> Iterator[str]:
    """The talking server in a thread of its own; gives its URL."""
    ready, done = threading.Event(), threading.Event()
    url = ""

    async def run() -> None:
        nonlocal url
        async with serve(lambda connection: _stream(connection, rate), "127.0.0.1", 0, compression=None) as running:
            url = f"ws://127.0.0.1:{running.sockets[0].getsockname()[1]}/v1/realtime?model=bench"
            ready.set()
            await asyncio.to_thread(done.wait)

    thread = threading.Thread(target=lambda: asyncio.run(run()))
    thread.start()
    ready.wait()
    try:
        yield url
    finally:
        done.set()
        thread.join()


@dataclass(slots=True)
class Lived:
    """One run at a prompt: CPU in percent of a core, and milliseconds until each word and each key was seen."""

    cpu: float
    words: list[float]
    keys: list[float]


def run_live(rate: int, folder: Path, times: float = 1) -> Lived:
    """Stream words to a prompt that is so many times slower, and type meanwhile."""
    file = folder / "live.json"
    seen: dict[str, float] = {}
    pressed: dict[str, float] = {}  # when each key was sent that has no echo yet
    typing: list[float] = []
    with server(rate) as url:
        argv = [sys.executable, "-m", "tests.benchmarks.display_program", url, "live", str(file)]
        with Terminal(argv, columns=100, environ=BUFFERED, keeps_screen=False) as terminal, slowed(terminal.pid, times):
            keys, position = iter(TYPED), 0
            next_key = float("inf")
            while terminal.status is None:
                if terminal.read(0.005):
                    now = time.monotonic()
                    for match in WORD.finditer(terminal.raw, max(position - 16, 0)):
                        if not seen:  # until the prompt is there, the terminal itself would echo
                            next_key = now + KEY_EVERY
                        seen.setdefault(match[0].decode(), now)
                    for key in [key for key in pressed if terminal.raw.find(key.encode(), max(position - 4, 0)) >= 0]:
                        typing.append((now - pressed.pop(key)) * 1000)
                    position = len(terminal.raw)
                elif file.exists():
                    terminal.wait_exit()
                if time.monotonic() > next_key and (key := next(keys, "")):
                    pressed[key] = time.monotonic()
                    terminal.send(key)
                    next_key += KEY_EVERY
    result = json.loads(file.read_text())
    file.unlink()
    missing = set(result["words"]) - set(seen)
    assert not missing, f"{len(missing)} words never came out, the first is {min(missing)}"
    delays = [(seen[word] - at) * 1000 for word, at in result["words"].items()]
    return Lived(100 * result["cpu"] / result["wall"], delays, typing)


def run_null(rate: int, folder: Path) -> float:
    """CPU in percent of a core of the session without any display."""
    file = folder / "null.json"
    with server(rate) as url:
        argv = [sys.executable, "-m", "tests.benchmarks.display_program", url, "null", str(file)]
        subprocess.run(argv, check=True, stdout=subprocess.DEVNULL)
    result = json.loads(file.read_text())
    return float(100 * result["cpu"] / result["wall"])


def spread(values: list[float]) -> str:
    return f"p50 {digits(percentile(values, 0.5))} ms, longest {digits(max(values))} ms"


def rows() -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as name:
        for rate, most in MAX_POINTS.items():
            points, delays = [], list[float]()
            for _ in range(ROUNDS):
                null = run_null(rate, Path(name))
                live = run_live(rate, Path(name))
                points.append(live.cpu - null)
                delays += live.words
            over = "over the same session without a display"
            yield row(
                f"{rate:,} deltas/s: CPU of showing them",
                statistics.median(points),
                "points of a core",
                over,
                at_most=most,
            )
            late = percentile(delays, 0.95)
            yield row(f"{rate:,} deltas/s: shown after, p95", late, "ms", spread(delays), at_most=MAX_DELAY_MS)
        for times, slower in ((1, ""), (SLOWER, f", {SLOWER} times slower")):
            if times > 1:
                words = run_live(1_000, Path(name), times).words
                what = f"1,000 deltas/s{slower}: shown after, p95"
                yield row(what, percentile(words, 0.95), "ms", spread(words), at_most=MAX_DELAY_MS)
            keys = run_live(FLOOD, Path(name), times).keys
            what = f"{FLOOD:,} deltas/s{slower}: a key shows after, p95"
            yield row(what, percentile(keys, 0.95), "ms", spread(keys), at_most=MAX_TYPING_MS)
