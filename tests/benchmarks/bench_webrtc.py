"""What a WebRTC call takes, and what arrives, on loopback alone.

- set-up: the first call of a process (with the library's import) and the median of those that follow
- one-way latency of audio: from 20 ms that a microphone hands over until a speaker has their first sound
- processor time of both sides of a call
- audio that arrives at 1 % and 5 % loss with 20 ms jitter, by an impairer of our own between the two sockets
- 20 calls in a row: memory, threads, tasks and open files
"""

from __future__ import annotations

import asyncio
import functools
import gc
import itertools
import os
import statistics
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

from rtcli.rtc.live_stream import LiveStream
from rtcli.rtc.pace import SendQueue
from rtcli.rtc.peer import PeerHandlers, create_peer, is_available
from tests.benchmarks.rows import Row, digits, row
from tests.kit.calls import Side, make_side
from tests.kit.impairer import Impairer
from tests.kit.waiting import until
from tests.soak.measures import rss_mb

CALLS = 20
SECONDS = 10
MARK_EVERY = 10  # frames: one is loud, so that it is known again on the other side
_LOUD = (b"\0\x40" * 4 + b"\0\xc0" * 4) * 60  # 3 kHz
_QUIET = bytes(960)
_PEAK = 0x1000


class Marks:
    """A microphone on a clock of its own, every tenth piece of which is loud; when each of those was handed over."""

    def __init__(self) -> None:
        self.handed: list[float] = []
        self.queue = SendQueue()

    async def run(self) -> None:
        due = time.perf_counter()
        for number in itertools.count(1):
            due += 0.02
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            if number % MARK_EVERY == 0:
                self.handed.append(time.perf_counter())
            self.queue.write(_QUIET if number % MARK_EVERY else _LOUD)


def tone() -> bytes:
    """A source that is loud all the time."""
    return _LOUD


@asynccontextmanager
async def call(caller: Side, called: Side, impairer: Impairer | None = None) -> AsyncIterator[None]:
    """An open call, through the impairer if there is one."""
    try:
        answer = await called.peer.accept(await caller.peer.offer())
        await caller.peer.answer(answer if impairer is None else await impairer.between(answer))
        await until(lambda: caller.opened and called.opened, "the data channel is open")
        yield
    finally:
        await caller.peer.close()
        await called.peer.close()


async def setup() -> list[Row]:
    """The first call, and those after it."""
    seconds = []
    for _ in range(10):
        began = time.perf_counter()
        async with call(make_side(), make_side()):
            seconds.append(time.perf_counter() - began)
    first = f"the first of a process, with the import of the library: {seconds[0]:.2f} s"
    return [row("set-up of a call: median", statistics.median(seconds[1:]) * 1000, "ms", first)]


class Ear(Side):
    """Notes when each mark comes."""

    def __init__(self) -> None:
        super().__init__()
        self.marks: list[float] = []

    def _on_audio(self, pcm: bytes, start: int) -> None:
        if max(memoryview(pcm).cast("h")) > _PEAK:
            now = time.perf_counter()
            if not self.marks or now - self.marks[-1] > 0.1:
                self.marks.append(now)


async def latency(seconds: float) -> list[Row]:
    """From the source to where it could be played, on a good line; and the processor's share."""
    marks, ear = Marks(), Ear()
    ear.peer = create_peer()(ear.handlers(), source=lambda: None, loopback=True, open_timeout=15)
    speaking = asyncio.create_task(marks.run())
    async with call(make_side(marks.queue.frame), ear):
        await until(lambda: ear.marks, "the first mark")
        marks.handed.clear()
        ear.marks.clear()
        used, began = time.process_time(), time.perf_counter()
        await asyncio.sleep(seconds)
        share = (time.process_time() - used) / (time.perf_counter() - began) / 2
    speaking.cancel()
    delays = sorted(heard - max((at for at in marks.handed if at <= heard), default=heard) for heard in ear.marks)
    delays = [delay for delay in delays if delay > 0]
    late = f"p95 {digits(delays[int(len(delays) * 0.95)] * 1000)} ms, {len(delays)} marks"
    return [
        row("one-way latency of audio: median", statistics.median(delays) * 1000, "ms", late),
        row("one side of a call", share * 100, "% of a core"),
    ]


async def loss(share: float, seconds: float) -> list[Row]:
    """How much of a tone arrives, and how much a speaker gets after concealment."""
    ear, stream, played = Side(), LiveStream(), 0

    def hear(pcm: bytes, start: int) -> None:
        nonlocal played
        arrived.append(len(pcm))
        played += len(stream.push(pcm, start, time.perf_counter()))

    arrived: list[int] = []
    handlers = PeerHandlers(ear._on_open, ear.texts.append, hear, ear.ends.append)
    ear.peer = create_peer()(handlers, source=lambda: None, loopback=True, open_timeout=15)
    async with Impairer(loss=share, jitter=0.02).running() as impairer, call(make_side(tone), ear, impairer):
        await until(lambda: len(arrived) > 20, "the audio")
        arrived.clear()
        played, began = 0, time.perf_counter()
        await asyncio.sleep(seconds)
        whole = (time.perf_counter() - began) * 48_000
    beside = f"{100 * played / whole:.1f} % is played: {stream.lost_ms} ms concealed, {stream.late_ms} ms late left out"
    return [row(f"{share:.0%} loss, 20 ms jitter: arrives", 100 * sum(arrived) / whole, "%", beside)]


async def in_a_row() -> list[Row]:
    """What is left of many calls."""

    def state() -> tuple[float, int, int, int]:
        gc.collect()
        files = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
        return rss_mb(os.getpid()), threading.active_count(), len(asyncio.all_tasks()), files

    before = state()
    for _ in range(CALLS):
        caller, called = make_side(tone), make_side(tone)
        async with call(caller, called):
            await until(functools.partial(getattr, caller, "audio"), "audio")
    after = state()
    grown = [f"{late - early:+.0f} {name}" for early, late, name in zip(before, after, _NAMES, strict=True)]
    return [Row(f"{CALLS} calls in a row leave", ", ".join(grown))]


_NAMES = ("MB", "threads", "tasks", "files")


def rows() -> Iterator[Row]:
    if not is_available():
        yield Row("not measured", "", "rtcli[webrtc] is not installed")
        return
    yield from asyncio.run(setup())
    yield from asyncio.run(latency(SECONDS))
    for share in (0.0, 0.01, 0.05):
        yield from asyncio.run(loss(share, SECONDS))
    yield from asyncio.run(in_a_row())
