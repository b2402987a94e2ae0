"""What the proxy costs.

An app gets 500 events a second and echoes a few: how much later they come through the proxy than without it, and how
much CPU the proxy takes beside a relay of twenty lines on the same messages. The best round counts: the machine may be
busy. With nothing recorded and shown frames are not even decoded; then with a recording and NDJSON.
"""

from __future__ import annotations

import asyncio
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache

import orjson
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosedOK

from rtcli.protocol.audio_formats import encode_base64
from tests.benchmarks.rows import Row, digits, row
from tests.kit.foreign import ROOT
from tests.soak.measures import cpu_seconds

RATE = 500
SECONDS = 4
ROUNDS = 3
WARM_UP = 500  # events that are not counted

RELAY = """
import asyncio, sys
from websockets.asyncio.client import connect
from websockets.asyncio.server import serve

async def pump(source, target):
    async for message in source:
        await target.send(message)
    await target.close()

async def relay(app):
    async with connect(sys.argv[1] + app.request.path, compression=None, max_size=None) as endpoint:
        await asyncio.gather(pump(app, endpoint), pump(endpoint, app))

async def main():
    async with serve(relay, "127.0.0.1", 0, compression=None, max_size=None) as server:
        print("at http://127.0.0.1:%d/v1" % server.sockets[0].getsockname()[1], file=sys.stderr, flush=True)
        await server.serve_forever()

asyncio.run(main())
"""
"""The relay to compare with: all that has to be done, and nothing else."""


@dataclass(frozen=True, slots=True)
class Cost:
    """Milliseconds from the endpoint to the app, at the median and at 99 %, and CPU in percent of a core."""

    median_ms: float
    late_ms: float
    cpu: float


@cache
def events() -> list[bytes]:
    """A mix as of a spoken answer: half of them audio of 40 ms, the others deltas of its transcript."""
    audio = encode_base64(bytes(range(256)) * 7 + bytes(128))
    about = {"response_id": "resp_1", "item_id": "item_1", "output_index": 0, "content_index": 0}
    return [
        orjson.dumps(
            {"type": "response.output_audio.delta", "event_id": f"event_{number:08}", **about, "delta": audio}
            if number % 2
            else {
                "type": "response.output_audio_transcript.delta",
                "event_id": f"event_{number:08}",
                **about,
                "delta": " word",
            }
        )
        for number in range(RATE * SECONDS + WARM_UP)
    ]


async def _feed(connection: ServerConnection) -> None:
    """Send every event at its time, with that time in front."""
    made = events()
    started = time.monotonic()
    for number, event in enumerate(made):
        wait = started + number / RATE - time.monotonic()
        if wait > 0:
            await asyncio.sleep(wait)
        await connection.send(event[:-1] + b',"sent":%d}' % time.monotonic_ns(), text=True)
    await connection.close()


async def latencies(base: str) -> list[float]:
    """Milliseconds that each event takes from the endpoint to the app; every tenth is answered by one of the app's."""
    found: list[float] = []
    async with connect(f"{base}/realtime?model=m", compression=None, max_size=None) as app:
        async for event in app:
            now = time.monotonic_ns()
            assert isinstance(event, str)
            found.append((now - int(event[event.rindex(":") + 1 : -1])) / 1e6)
            if len(found) % 10 == 5:
                with suppress(ConnectionClosedOK):  # what comes late is read behind the end of the connection
                    await app.send('{"type":"input_audio_buffer.clear"}')
    return found[WARM_UP:]


@contextmanager
def running(*command: str, out: int | None = subprocess.DEVNULL) -> Iterator[tuple[str, int]]:
    """A relay in a process of its own: its base URL and its pid."""
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=out, stderr=pipe, text=True, cwd=ROOT) as process:
        assert process.stderr is not None
        try:
            line = next(line for line in process.stderr if "at http" in line)
            yield next(word for word in line.split() if word.startswith("http")).replace("http", "ws", 1), process.pid
        finally:
            process.terminate()


async def measure(*command: str) -> Cost:
    """One round of one way; without a command there is nothing between endpoint and app."""
    # Nobody takes what the app sends: a queue that is full would hold up the closing handshake until its time is over.
    async with serve(_feed, "127.0.0.1", 0, compression=None, max_size=None, max_queue=None) as server:
        endpoint = f"ws://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}"
        if not command:
            return _cost(await latencies(f"{endpoint}/v1"), 0.0)
        with running(*(word.format(endpoint=endpoint) for word in command)) as (base, pid):
            before = cpu_seconds(pid)
            found = await latencies(base)
            return _cost(found, cpu_seconds(pid) - before)


def _cost(found: list[float], cpu: float) -> Cost:
    cuts = statistics.quantiles(found, n=100)
    return Cost(statistics.median(found), cuts[98], 100 * cpu / (len(found) + WARM_UP) * RATE)


def rows() -> Iterator[Row]:
    """Each way in turn, and the best round of each."""
    proxy = (sys.executable, "-m", "rtcli", "proxy", "--json", "--listen", "127.0.0.1:0", "--to", "{endpoint}/v1")
    with tempfile.TemporaryDirectory() as folder:
        ways = {
            "nothing between": (),
            "a relay of 20 lines": (sys.executable, "-c", RELAY, "{endpoint}"),
            "rtcli proxy --no-record --events off": (*proxy, "--no-record", "--events", "off"),
            "rtcli proxy --record FOLDER, NDJSON": (*proxy, "--record", folder),
        }
        costs = {name: [asyncio.run(measure(*way)) for _ in range(ROUNDS)] for name, way in ways.items()}
    best = {
        name: Cost(*(min(getattr(cost, field) for cost in found) for field in ("median_ms", "late_ms", "cpu")))
        for name, found in costs.items()
    }
    direct, relay = best["nothing between"], best["a relay of 20 lines"]
    for name, cost in best.items():
        title = f"{RATE} events/s: {name}"
        if cost is direct:
            yield row(title, cost.median_ms, "ms", f"99 %: {digits(cost.late_ms)} ms")
            continue
        late = f"99 %: {digits(cost.late_ms - direct.late_ms)} ms"
        yield row(f"{title}, adds", cost.median_ms - direct.median_ms, "ms", late)
        yield row(f"{title}, CPU", cost.cpu, "% of a core", f"{cost.cpu / relay.cpu:.2f} x the relay of 20 lines")
