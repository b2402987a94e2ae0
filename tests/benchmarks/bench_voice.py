"""Speakers at once at the built-in server with its voice engines: from the end of speech to the first audio.

Beside them sessions that do not speak: how late the server answers what those send.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Iterator

import orjson
from websockets.asyncio.client import ClientConnection

from rtcli.dsp.wav import read_speech
from rtcli.protocol.audio_formats import PCM16
from tests.benchmarks.bench_server import PIECE_MS, Serving, pieces, serving, session
from tests.benchmarks.rows import Row, digits, percentile, row
from tests.kit.foreign import recording
from tests.server.playbook import silence
from tests.soak.measures import rss_mb

SPEAKERS = (1, 4, 8, 12, 16)
MAX_MS = {8: 350.0}
TURNS = 4
SILENT = 4
PROBE_SECONDS = 0.05
PROBE = b'{"type": "conversation.item.retrieve", "item_id": "none"}'


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


async def speak(url: str, speaker: int, count: int, pcm: bytes) -> list[float]:
    """One speaker's turns; they begin at different moments."""
    spoken, (quiet,) = pieces(pcm), pieces(silence(PIECE_MS / 1000))
    await asyncio.sleep(2 * speaker / count)
    async with session(url) as connection:
        return [await first_audio_ms(connection, spoken, quiet) for _ in range(TURNS)]


async def probe(url: str, found: list[float]) -> None:
    """Ask again and again, until it is cancelled: a session that neither speaks nor listens."""
    async with session(url) as connection:
        while True:
            asked = time.monotonic()
            await connection.send(PROBE, text=True)
            await connection.recv()
            found.append(1000 * (time.monotonic() - asked))
            await asyncio.sleep(PROBE_SECONDS)


async def speakers_at_once(url: str, count: int, pcm: bytes) -> tuple[list[list[float]], list[float]]:
    """What each speaker waited, turn by turn, and what the silent sessions did."""
    late = list[float]()
    async with asyncio.TaskGroup() as group:
        probing = [group.create_task(probe(url, late)) for _ in range(SILENT)]
        waited = await asyncio.gather(*(speak(url, number, count, pcm) for number in range(count)))
        for task in probing:
            task.cancel()
    return waited, late


def rows_of_speakers(server: Serving, count: int, pcm: bytes) -> Iterator[Row]:
    """So many of them, and how it went."""
    cpu, started = server.cpu_seconds(), time.monotonic()
    each, late = asyncio.run(speakers_at_once(server.url, count, pcm))
    share = (server.cpu_seconds() - cpu) / (time.monotonic() - started)
    all_, medians = [ms for one in each for ms in one], [statistics.median(one) for one in each]
    beside = (
        f"p50 {digits(percentile(all_, 0.5))} ms, longest {digits(max(all_))} ms; by speaker p50 "
        f"{digits(min(medians))} to {digits(max(medians))} ms; {100 * share:.0f} % of one core"
    )
    title = f"{count} speakers at once"
    yield row(
        f"{title}: end of speech to first audio, p95", percentile(all_, 0.95), "ms", beside, at_most=MAX_MS.get(count)
    )
    longest = f"p50 {digits(percentile(late, 0.5))} ms, longest {digits(max(late))} ms"
    yield row(f"{title}: a session beside them is answered after, p95", percentile(late, 0.95), "ms", longest)


def rows() -> Iterator[Row]:
    pcm = read_speech(recording("beckett"))[: PCM16.byte_length(1_300)]
    with serving("auto") as server:
        asyncio.run(speakers_at_once(server.url, 1, pcm))  # the first answer warms what is still cold
        for count in SPEAKERS:
            yield from rows_of_speakers(server, count, pcm)
        yield row("memory of the server with its engines", rss_mb(server.pid), "MB", server.engines)
