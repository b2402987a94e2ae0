"""What the built-in server bears: sessions that stream audio both ways (energy detector, tones), and idle ones."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import orjson
from websockets.asyncio.client import ClientConnection, connect

from rtcli.protocol.audio_formats import PCM16, decode_base64, encode_base64
from tests.benchmarks.rows import Row, digits, percentile, row
from tests.kit.foreign import ROOT
from tests.server.playbook import silence, voice
from tests.soak.measures import rss_mb

Json: TypeAlias = dict[str, Any]

SECONDS = 12
SESSIONS = (50, 100, 200)
IDLE = 500
PIECE_MS = 100
PROBE_EVERY = 5  # pieces between two questions whose answers tell how late the server is
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Serving:
    """A server process: where it is, what runs in it."""

    url: str
    pid: int
    engines: str

    def cpu_seconds(self) -> float:
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS


@contextmanager
def serving(voice_: str) -> Iterator[Serving]:
    """`rtcli serve` in a process of its own, its engines loaded."""
    command = [sys.executable, "-m", "rtcli", "serve", "--port", "0", "--voice", voice_, "--until-eof"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True, cwd=ROOT) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        try:
            url = process.stdout.readline().strip()
            engines = next(line for line in process.stderr if line.startswith("engines"))
            yield Serving(f"{url}?model=gpt-realtime", process.pid, engines.strip())
        finally:
            process.stdin.close()


@asynccontextmanager
async def session(url: str) -> AsyncIterator[ClientConnection]:
    """A connection whose session is created."""
    async with connect(url, compression=None, max_size=None, ping_interval=None) as connection:
        assert orjson.loads(await connection.recv())["type"] == "session.created"
        yield connection


def pieces(pcm: bytes) -> list[bytes]:
    """The frames that append this sound."""
    size = PCM16.byte_length(PIECE_MS)
    appends = (
        {"type": "input_audio_buffer.append", "audio": encode_base64(pcm[at : at + size])}
        for at in range(0, len(pcm), size)
    )
    return [orjson.dumps(append) for append in appends]


# sound both ways ------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Stream:
    """One session that hears and speaks: how late each probe was answered, and how its sound came."""

    late_ms: list[float] = field(default_factory=list)
    turns: int = 0
    pieces: int = 0  # of its audio
    starved: int = 0  # pieces of sound that came after their time, had they been played at once
    _asked: dict[str, float] = field(default_factory=dict)
    _play_end: float = 0.0

    async def send(self, connection: ClientConnection, frames: list[bytes]) -> None:
        """In real time, with a probe now and then."""
        started = time.monotonic()
        for number, frame in enumerate(frames):
            await asyncio.sleep(started + number * PIECE_MS / 1000 - time.monotonic())
            await connection.send(frame, text=True)
            if number % PROBE_EVERY == 0:
                self._asked[f"p{number}"] = time.monotonic()
                probe = {"type": "conversation.item.retrieve", "item_id": "none", "event_id": f"p{number}"}
                await connection.send(orjson.dumps(probe), text=True)

    async def read(self, connection: ClientConnection) -> None:
        """Until it is cancelled."""
        async for frame in connection:
            event = orjson.loads(frame)
            if reader := _READERS.get(event["type"]):
                reader(self, event)

    def _answered(self, event: Json) -> None:
        self.late_ms.append(1000 * (time.monotonic() - self._asked.pop(event["error"]["event_id"])))

    def _begins(self, event: Json) -> None:
        self.turns += 1
        self._play_end = 0.0

    def _sound(self, event: Json) -> None:
        now, length = time.monotonic(), PCM16.milliseconds(len(decode_base64(event["delta"])))
        self.pieces += 1
        self.starved += bool(self._play_end) and now > self._play_end
        self._play_end = max(self._play_end, now) + length / 1000


_READERS: dict[str, Callable[[Stream, Json], None]] = {
    "error": Stream._answered,
    "response.created": Stream._begins,
    "response.output_audio.delta": Stream._sound,
}


async def stream_both_ways(url: str, count: int) -> list[Stream]:
    """`count` sessions speak for a second, listen for two, and so on; each is answered, and interrupts the answer."""
    frames = pieces((silence(0.5) + voice(1) + silence(1.5)) * (SECONDS // 3) + silence(1))
    streams = [Stream() for _ in range(count)]

    async def run(number: int, stream: Stream) -> None:
        async with session(url) as connection:
            reading = asyncio.ensure_future(stream.read(connection))
            await asyncio.sleep(number / count)  # people do not speak in step
            await stream.send(connection, frames)
            reading.cancel()

    await asyncio.gather(*(run(number, stream) for number, stream in enumerate(streams)))
    return streams


def rows_of_streams(server: Serving, count: int) -> Iterator[Row]:
    """Stream, and say how it went."""
    cpu, mine, started = server.cpu_seconds(), time.process_time(), time.monotonic()
    streams = asyncio.run(stream_both_ways(server.url, count))
    cpu, seconds = server.cpu_seconds() - cpu, time.monotonic() - started
    late = [ms for stream in streams for ms in stream.late_ms]
    title = f"{count} sessions stream both ways for {SECONDS} s"
    pieces_ = sum(stream.pieces for stream in streams)
    unanswered = sum(not stream.turns for stream in streams)
    told = f"of {pieces_:,} in {sum(stream.turns for stream in streams)} answers; {unanswered} sessions without one"
    yield row(f"{title}: audio that came too late to play", sum(s.starved for s in streams), "pieces", told, at_most=0)
    longest = f"p50 {digits(percentile(late, 0.5))} ms, longest {digits(max(late))} ms"
    yield row(f"{title}: what a client sends takes effect after, p95", percentile(late, 0.95), "ms", longest)
    clients = f"of one core; the clients {100 * (time.process_time() - mine) / seconds:.0f} % of another"
    yield row(f"{title}: CPU of the server", 100 * cpu / seconds, "%", clients)
    yield row(f"{title}: memory of the server", rss_mb(server.pid), "MB")


# idle sessions --------------------------------------------------------------------------------------------------------


async def idle_growth_kb(server: Serving) -> float:
    """What each of many idle sessions adds to the server's memory."""
    before = rss_mb(server.pid)
    connections = [await connect(server.url, compression=None, ping_interval=None) for _ in range(IDLE)]
    for connection in connections:
        await connection.recv()
    growth = rss_mb(server.pid) - before
    await asyncio.gather(*(connection.close() for connection in connections))
    return growth * 1024 / IDLE


def rows() -> Iterator[Row]:
    for count in SESSIONS:
        with serving("tone") as server:
            yield from rows_of_streams(server, count)
    with serving("tone") as server:
        yield row(f"{IDLE} idle sessions: memory of each", asyncio.run(idle_growth_kb(server)), "kB")
