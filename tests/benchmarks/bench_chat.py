"""What `rtcli chat` takes at a prompt.

- the microphone open and nobody speaking: processor time and growth over half a minute, on a virtual sound card
- memory while 100 MB of text events of a megabyte come: unknown events, items, deltas, errors
"""

from __future__ import annotations

import asyncio
import json
import os
import select
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import pairwise
from typing import Any

from tests.benchmarks.rows import Row, row
from tests.kit.events import CREATED, item_events
from tests.kit.fake_server import Conversation, fake_server, reply_to
from tests.kit.sound_card import SoundCard, missing
from tests.kit.terminal import Terminal
from tests.soak.measures import cpu_seconds, rss_mb

SECONDS = 30
MEGABYTES = 100
PARTS = 6


@contextmanager
def chat(*options: str, environ: dict[str, str]) -> Iterator[Terminal]:
    """A chat at a prompt, in a home of its own."""
    with tempfile.TemporaryDirectory() as home:
        argv = [sys.executable, "-m", "rtcli", "chat", *options]
        with Terminal(argv, environ={**environ, "HOME": home, "XDG_STATE_HOME": home}) as terminal:
            terminal.wait_for("leave")
            yield terminal


def take(terminal: Terminal, seconds: float) -> None:
    """Take what it writes, as fast as a terminal does: nobody looks at it."""
    if select.select([terminal._fd], [], [], seconds)[0]:
        os.read(terminal._fd, 2**20)


def watch(terminal: Terminal, seconds: float) -> None:
    """Let it run, taking what it writes."""
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        take(terminal, 0.2)


def idle(seconds: float) -> Iterator[Row]:
    """The microphone open, and silence in it."""
    with SoundCard() as card, chat("--local", "--mic", environ=card.settings) as terminal:
        terminal.wait_for("│ mic ")
        watch(terminal, 5)
        used, resident = cpu_seconds(terminal.pid), [rss_mb(terminal.pid)]
        for _ in range(PARTS):  # what grows until a bound is reached, and stops there, is told from what goes on
            watch(terminal, seconds / PARTS)
            resident.append(rss_mb(terminal.pid))
        share = (cpu_seconds(terminal.pid) - used) / seconds
    grown = ", ".join(f"{after - before:+.1f}" for before, after in pairwise(resident))
    yield row(f"microphone open and idle for {seconds:g} s", 100 * share, "% of a core")
    beside = f"{resident[0]:.1f} MB, then {grown} MB in {PARTS} equal parts"
    yield row(f"microphone open and idle for {seconds:g} s: growth", resident[-1] - resident[0], "MB", beside)


KINDS: dict[str, Callable[[int, str], list[dict[str, Any]]]] = {
    "unknown events": lambda number, text: [{"type": "some.event", "number": number, "text": text}],
    "items": lambda number, text: item_events(
        {
            "id": f"item_{number}",
            "type": "message",
            "role": "user",
            "status": "completed",
            "content": [{"type": "input_text", "text": text}],
        }
    ),
    "deltas": lambda number, text: [
        {"type": "response.output_text.delta", "item_id": f"i{number}", "content_index": 0, "delta": text}
    ],
    "errors": lambda number, text: [{"type": "error", "error": {"type": "x", "code": str(number), "message": text}}],
}


def flood(kind: str) -> Row:
    """A server that sends 100 MB of one kind; the most that the chat had in memory before and after."""
    sent, address = threading.Event(), list[str]()
    text = "word " * 200_000

    async def script(talk: Conversation) -> None:
        await talk.send(CREATED)
        await talk.send(*reply_to(await talk.receive()))
        sending = asyncio.create_task(send(talk))
        try:
            await talk.receive_all()
        finally:
            await sending

    async def send(talk: Conversation) -> None:
        await asyncio.sleep(2)  # for the prompt to stand, and be weighed
        size = number = 0
        while size < MEGABYTES * 10**6:
            for event in KINDS[kind](number, text):
                frame = json.dumps(event)
                size += len(frame)
                await talk.socket.send(frame)
            number += 1
        await (await talk.socket.ping())
        sent.set()

    async def serve() -> None:
        async with fake_server(script) as server:
            address.append(server.url)
            await asyncio.to_thread(over.wait)

    over = threading.Event()
    serving = threading.Thread(target=asyncio.run, args=(serve(),))
    serving.start()
    while not address:
        time.sleep(0.01)
    with chat("--url", address[0], "--text", environ={}) as terminal:
        watch(terminal, 1)
        before, most = rss_mb(terminal.pid), 0.0
        while not sent.is_set():
            take(terminal, 0.05)
            most = max(most, rss_mb(terminal.pid))
        terminal.send("/quit\r")
        while terminal.status is None:  # what waits is shown first: the emulator would take a minute for it
            with suppress(OSError):  # its end of the terminal is closed
                take(terminal, 0.02)
            pid, status = os.waitpid(terminal.pid, os.WNOHANG)
            terminal.status = status if pid else None
    over.set()
    serving.join()
    return row(f"{MEGABYTES} MB of {kind} come: peak of memory", most, "MB", f"{before:.0f} MB before")


def rows() -> Iterator[Row]:
    yield from map(flood, KINDS)
    if reason := missing():
        yield Row("microphone open and idle", "", f"no virtual sound card: {reason}")
    else:
        yield from idle(SECONDS)
