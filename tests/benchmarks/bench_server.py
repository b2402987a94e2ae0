"""What the local server bears: `python -m tests.benchmarks.bench_server [sessions]`.

Sessions that stream sound both ways with the energy detector and tones; idle sessions; and speakers at once with the
voice engines, until the 95th percentile of the time to first audio is beyond a second.
"""

from __future__ import annotations

import asyncio
import os
import statistics
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

from rtcli.dsp.wav import read_speech
from rtcli.protocol.audio_formats import PCM16, decode_base64, encode_base64
from tests.benchmarks.rounds import rounds_asked
from tests.kit.foreign import ROOT, UnavailableError, recording
from tests.server.playbook import silence, voice

Json: TypeAlias = dict[str, Any]

SECONDS = 10
IDLE = 500
PIECE_MS = 100
PROBE_EVERY = 5  # pieces between two questions whose answers tell how late the server is
SPEAKERS = (1, 2, 3, 4, 6, 8, 12, 16)
TURNS = 3
LIMIT_MS = 1000
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

    def resident_mb(self) -> float:
        pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


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
    heard_ms: int = 0
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
        self.starved += bool(self._play_end) and now > self._play_end
        self._play_end = max(self._play_end, now) + length / 1000
        self.heard_ms += length


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


def tell_streams(server: Serving, count: int) -> None:
    """Measure and print."""
    cpu, started = server.cpu_seconds(), time.monotonic()
    streams = asyncio.run(stream_both_ways(server.url, count))
    cpu, seconds = server.cpu_seconds() - cpu, time.monotonic() - started
    late = [ms for stream in streams for ms in stream.late_ms]
    rows = [
        ("sessions", f"{count}"),
        (
            "answers, seconds of audio sent by the server",
            f"{sum(s.turns for s in streams)}, {sum(s.heard_ms for s in streams) / 1000:.0f}",
        ),
        ("sessions without an answer", f"{sum(not s.turns for s in streams)}"),
        ("what was sent last takes effect after, ms (median, 95 %, longest)", percentiles(late)),
        ("pieces of sound that came too late to be played", f"{sum(s.starved for s in streams)}"),
        ("server: CPU, of one core", f"{100 * cpu / seconds:.0f} %"),
        ("server: resident, MB", f"{server.resident_mb():.0f}"),
    ]
    print_table(f"{count} sessions stream sound both ways for {SECONDS} s (energy detector, tones)", rows)


# idle sessions --------------------------------------------------------------------------------------------------------


async def idle_growth_kb(server: Serving) -> float:
    """What each of many idle sessions adds to the server's memory."""
    before = server.resident_mb()
    connections = [await connect(server.url, compression=None, ping_interval=None) for _ in range(IDLE)]
    for connection in connections:
        await connection.recv()
    growth = server.resident_mb() - before
    await asyncio.gather(*(connection.close() for connection in connections))
    return growth * 1024 / IDLE


# the voice engines ----------------------------------------------------------------------------------------------------


async def first_audio_ms(connection: ClientConnection, spoken: list[bytes], quiet: bytes) -> float:
    """One spoken turn: from the end of the speech to the first sound of the answer; reads to the answer's end."""
    for frame in spoken:
        await connection.send(frame, text=True)
        await asyncio.sleep(PIECE_MS / 1000)
    ended, first = time.monotonic(), 0.0
    async with asyncio.TaskGroup() as group:
        listening = group.create_task(_send_again_and_again(connection, quiet))
        while (event := orjson.loads(await connection.recv()))["type"] != "response.done":
            if event["type"] == "response.output_audio.delta" and not first:
                first = time.monotonic()
        listening.cancel()
    return 1000 * (first - ended)


async def _send_again_and_again(connection: ClientConnection, frame: bytes) -> None:
    while True:
        await connection.send(frame, text=True)
        await asyncio.sleep(PIECE_MS / 1000)


async def speakers_at_once(url: str, count: int, pcm: bytes) -> list[float]:
    """Each of them says the same a few times; they begin at different moments."""
    spoken, (quiet,) = pieces(pcm), pieces(silence(PIECE_MS / 1000))

    async def run(number: int) -> list[float]:
        await asyncio.sleep(2 * number / count)
        async with session(url) as connection:
            return [await first_audio_ms(connection, spoken, quiet) for _ in range(TURNS)]

    return [ms for found in await asyncio.gather(*map(run, range(count))) for ms in found]


def tell_speakers(server: Serving) -> None:
    """More and more speakers, until it takes too long."""
    pcm = read_speech(recording("beckett"))[: PCM16.byte_length(1_300)]
    asyncio.run(speakers_at_once(server.url, 1, pcm))  # the first answer warms what is still cold
    rows = []
    for count in SPEAKERS:
        cpu, started = server.cpu_seconds(), time.monotonic()
        took = asyncio.run(speakers_at_once(server.url, count, pcm))
        share = (server.cpu_seconds() - cpu) / (time.monotonic() - started)
        rows.append((f"{count} at once", f"{percentiles(took)}; CPU {100 * share:.0f} % of one core"))
        if percentile(took, 0.95) > LIMIT_MS:
            break
    print_table(
        f"Speakers at once: from the end of speech to the first sound, ms (median, 95 %, longest); {server.engines}",
        [*rows, ("resident, MB", f"{server.resident_mb():.0f}")],
    )


# printing -------------------------------------------------------------------------------------------------------------


def percentile(values: list[float], share: float) -> float:
    """The value below which that share of the values lies."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def percentiles(values: list[float]) -> str:
    """Median, 95 %, longest."""
    return f"{statistics.median(values):.0f}, {percentile(values, 0.95):.0f}, {max(values):.0f}"


def print_table(title: str, rows: list[tuple[str, str]]) -> None:
    """A Markdown table of two columns."""
    lines = [f"| {name} | {value} |" for name, value in rows]
    sys.stdout.write(f"\n### {title}\n\n| | |\n|---|---|\n" + "\n".join(lines) + "\n")
    sys.stdout.flush()


def main() -> None:
    """Measure and print."""
    with serving("tone") as server:
        tell_streams(server, rounds_asked(50))
    with serving("tone") as server:
        print_table("Idle sessions", [(f"memory for each of {IDLE}", f"{asyncio.run(idle_growth_kb(server)):.0f} kB")])
    with serving("auto") as server:
        try:
            tell_speakers(server)
        except UnavailableError as error:
            sys.stderr.write(f"without speakers: {error}\n")


if __name__ == "__main__":
    main()
