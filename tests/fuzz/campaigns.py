"""Three campaigns against real parts: the transport, the writers of the terminal, the built-in server."""

from __future__ import annotations

import asyncio
import io
import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import websockets
from websockets.asyncio.client import connect

from rtcli import RealtimeServer
from rtcli.protocol.events import Malformed, decode
from rtcli.protocol.frame_maker import FrameMaker
from rtcli.protocol.record import Direction, Frame
from rtcli.session.state import SessionState
from rtcli.terminal.plain import PlainWriter
from rtcli.terminal.sink import Sink
from rtcli.transports import OpenAIRealtimeWebSocket
from rtcli.views import DisplaySettings, Notice
from tests.fuzz.hostile import Hostile
from tests.kit.fake_server import Conversation, fake_server

SECONDS = 60

# What acts on a terminal, or hides from who reads it; newlines are the writer's own.
_ACTS = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2066-\u2069\U000e0000-\U000e007f]"
)


@dataclass
class Outcome:
    """How many frames were tried, and what broke."""

    name: str
    tried: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        counts = "".join(f", {number:,} {what}" for what, number in sorted(self.counts.items()))
        return f"{self.name}: {self.tried:,} frames{counts}, {len(self.failures)} failures"


async def transport(seed: int, frames: int) -> Outcome:
    """Hostile frames from a server: each is seen once, in its order, and nothing ends the connection."""
    outcome, hostile = Outcome("transport"), Hostile(seed)
    sent = [hostile.frame() for _ in range(frames)]
    arrived: list[Frame] = []
    over = asyncio.Event()  # every frame has arrived, or the connection has ended

    async def send(talk: Conversation) -> None:
        for frame in sent:
            await talk.send(frame)
        await talk.receive_all()

    def arrive(frame: Frame) -> None:
        if frame.direction is Direction.RECEIVED:
            arrived.append(frame)
            if len(arrived) == frames:
                over.set()

    async with fake_server(send) as server:
        t = OpenAIRealtimeWebSocket(url=server.url, api_key="sk-fuzz", auto_tracing=False)
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: outcome.failures.append(f"escaped: {context}"))
        t.on("error", lambda payload: outcome.counts.update(["errors reported"]))
        t.attach_wire(arrive)
        t.on("disconnected", lambda *_: over.set())
        await t.connect()
        async with asyncio.timeout(SECONDS + frames / 500):
            await over.wait()
        if t.status != "connected":
            outcome.failures.append(f"the connection ended after {len(arrived)} frames: {t.close_code}")
        t.close()
        await t.wait_closed()
        loop.set_exception_handler(None)
    outcome.tried = len(arrived)
    outcome.counts["events"] = sum(frame.event is not None for frame in arrived)
    if [frame.number for frame in arrived] != sorted({frame.number for frame in arrived}):
        outcome.failures.append("frames were reordered or doubled")
    if len(arrived) != frames:
        outcome.failures.append(f"{frames - len(arrived)} frames were lost")
    return outcome


async def terminal(seed: int, frames: int) -> Outcome:
    """The same frames through the looking half and a writer: nothing raises, nothing acts on the terminal."""
    outcome, hostile = Outcome("terminal"), Hostile(seed)
    out, err = io.StringIO(), io.StringIO()
    for mode in ("summary", "all", "off"):
        state, maker = SessionState(), FrameMaker()
        writer = PlainWriter(Sink(out), Sink(err), DisplaySettings(events=mode), width=lambda: 80)
        for _ in range(frames // 3):
            outcome.tried += 1
            raw = hostile.frame()
            try:
                read = decode(raw)
                event, problem = (None, read.reason) if isinstance(read, Malformed) else (read, "")
                for view in state.observe(maker.received(event, raw, 0.0, problem=problem)):
                    if isinstance(view, Notice) and view.what.startswith("internal error"):
                        outcome.failures.append(view.why)
                    writer.write(view)
            except Exception as error:  # noqa: BLE001  # whatever it is, it is what is looked for
                outcome.failures.append(f"{type(error).__name__}: {error} at {raw[:200]!r}")
        writer.close()
    outcome.counts["characters shown"] = len(out.getvalue()) + len(err.getvalue())
    for shown in (out.getvalue(), err.getvalue()):
        outcome.failures += [f"reached the terminal: {found!r}" for found in set(_ACTS.findall(shown))]
    return outcome


async def server(seed: int, frames: int) -> Outcome:
    """Hostile frames from clients of the built-in server: it answers or closes, and serves the next one."""
    outcome, hostile = Outcome("server"), Hostile(seed)
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: outcome.failures.append(f"escaped: {context}"))
    async with RealtimeServer(pace=0, voice="tone") as running:
        while outcome.tried < frames:
            async with connect(f"{running.url}?model=gpt-realtime-2.1", max_size=None) as client:
                reading = asyncio.create_task(_count(client, outcome))
                try:
                    for _ in range(min(200, frames - outcome.tried)):
                        outcome.tried += 1
                        await client.send(hostile.frame())
                except websockets.ConnectionClosed as closed:
                    code = closed.rcvd.code if closed.rcvd else 1006
                    outcome.counts[f"closed with {code}"] += 1
                    if code == 1011:
                        outcome.failures.append(f"the server failed: {closed.rcvd}")
                await _answers(client, outcome)
                await client.close()
                await reading
    loop.set_exception_handler(None)
    return outcome


async def _count(client: Any, outcome: Outcome) -> None:
    try:
        async for _ in client:
            outcome.counts["replies"] += 1
    except websockets.ConnectionClosed:
        pass


async def _answers(client: Any, outcome: Outcome) -> None:
    """The connection is alive, or was closed by the rules: a ping is answered."""
    try:
        async with asyncio.timeout(SECONDS):
            await (await client.ping())
    except TimeoutError:
        outcome.failures.append("a connection answered no ping")
    except websockets.ConnectionClosed:
        pass


CAMPAIGNS = {"transport": transport, "terminal": terminal, "server": server}
