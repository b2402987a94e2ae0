"""One context for each kind of connection that commands meet: sockets of all kinds, calls, recordings, and none."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect

from rtcli.commands import Context, default_registry
from rtcli.config.endpoints import Endpoint
from rtcli.protocol.events import encode
from rtcli.protocol.record import Connected, Direction, Frame
from rtcli.recording.header import Header
from rtcli.recording.reader import open_recording
from rtcli.recording.writer import RecordingWriter
from rtcli.server import RealtimeServer
from rtcli.session.replay import Replay
from rtcli.session.session import RealtimeSession
from rtcli.transports import OpenAIRealtimeSIP, OpenAIRealtimeWebRTC, OpenAIRealtimeWebSocket
from rtcli.views import DisplaySettings
from tests.kit.events import CREATED
from tests.kit.fake_peer import CallPlace, Peers
from tests.kit.sessions import ManualMicrophone, ManualSpeaker
from tests.kit.told import spoken_turn_with_a_tool_and_an_interruption
from tests.kit.waiting import DEADLINE, until

MODEL = "gpt-realtime-2.1"


class BareSocket:
    """A WebSocket with what the transport asks for, and no more: no ping."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self.send, self.recv, self.close = socket.send, socket.recv, socket.close

    def __aiter__(self) -> AsyncIterator[Any]:
        return aiter(self._socket)

    @property
    def close_code(self) -> int | None:
        return self._socket.close_code

    @property
    def close_reason(self) -> str | None:
        return self._socket.close_reason


async def bare(url: str, headers: Mapping[str, str]) -> Any:
    return BareSocket(await connect(url, additional_headers=headers))


async def pinging(url: str, headers: Mapping[str, str]) -> Any:
    return await connect(url, additional_headers=headers)


def _context(session: RealtimeSession) -> Context:
    return Context(session, DisplaySettings(), default_registry())


def _session(url: str, **options: Any) -> RealtimeSession:
    transport = OpenAIRealtimeWebSocket(url=url, model=MODEL, headers={}, auto_tracing=False, **options)
    endpoint = Endpoint(url=url, model=MODEL, label="test")
    return RealtimeSession(transport, endpoint=endpoint, speaker=ManualSpeaker(), microphone=ManualMicrophone())


@asynccontextmanager
async def _websocket(_folder: Path, **options: Any) -> AsyncIterator[Context]:
    async with RealtimeServer(voice="tone", pace=0) as server:
        session = _session(f"{server.url}?model={MODEL}", **options)
        await session.start(DEADLINE)
        try:
            yield _context(session)
        finally:
            await session.close()


@asynccontextmanager
async def _picows(folder: Path) -> AsyncIterator[Context]:
    pytest.importorskip("picows")
    async with _websocket(folder, backend="picows") as context:
        yield context


@asynccontextmanager
async def _sip(_folder: Path) -> AsyncIterator[Context]:
    async with RealtimeServer(voice="tone", pace=0) as server:
        caller = _session(f"{server.url}?model={MODEL}")
        await caller.start(DEADLINE)
        (call_id,) = server.calls
        transport = OpenAIRealtimeSIP(headers={})
        session = RealtimeSession(
            transport, endpoint=Endpoint(f"{server.url}?call_id={call_id}", None, "test", call_id=call_id)
        )
        await session.start(DEADLINE)
        try:
            yield _context(session)
        finally:
            await session.close()
            await caller.close()


@asynccontextmanager
async def _webrtc(_folder: Path) -> AsyncIterator[Context]:
    """Its server confirms the session and answers nothing else."""
    async with CallPlace().running() as place:
        transport = OpenAIRealtimeWebRTC(api_key="sk", base_url=place.url, create_peer=Peers(), auto_tracing=False)
        endpoint = Endpoint(place.url.replace("http", "ws").removesuffix("/calls"), MODEL, "test", webrtc=True)
        session = RealtimeSession(transport, endpoint=endpoint, speaker=ManualSpeaker(), microphone=ManualMicrophone())
        await session.start(DEADLINE)
        try:
            yield _context(session)
        finally:
            await session.close()


@asynccontextmanager
async def _not_begun(_folder: Path) -> AsyncIterator[Context]:
    session = _session("ws://127.0.0.1:9/v1/realtime")
    yield _context(session)
    await session.close()


@asynccontextmanager
async def _lost(_folder: Path) -> AsyncIterator[Context]:
    async with RealtimeServer(voice="tone", pace=0) as server:
        session = _session(f"{server.url}?model={MODEL}")
        await session.start(DEADLINE)
    try:
        await until(lambda: session.state.connection is Connected.LOST)
        yield _context(session)
    finally:
        await session.close()


@asynccontextmanager
async def _replay(folder: Path) -> AsyncIterator[Context]:
    """At the end of a recording."""
    file = folder / "session.ndjson"
    writer = RecordingWriter(file, Header(datetime(2026, 1, 1, tzinfo=UTC), "chat", "test", MODEL))
    writer.add(Frame(1, 0.0, Direction.RECEIVED, CREATED, 0, raw=encode(CREATED)))
    for record in spoken_turn_with_a_tool_and_an_interruption().records:
        writer.add(dataclasses.replace(record, raw=encode(record.event)) if isinstance(record, Frame) else record)
    writer.close(60.0)
    replay = Replay(partial(open_recording, str(file)), speed=None)
    replay.seek("9999")
    try:
        yield Context(None, DisplaySettings(), default_registry(), recorded=replay)
    finally:
        replay.close()


CONNECTIONS: Mapping[str, Callable[[Path], Any]] = {
    "WebSocket": _websocket,
    "picows": _picows,
    "a socket of the user's own": partial(_websocket, create_websocket=bare),
    "a socket of the user's own that pings": partial(_websocket, create_websocket=pinging),
    "SIP": _sip,
    "WebRTC": _webrtc,
    "a replay": _replay,
    "no connection yet": _not_begun,
    "a lost connection": _lost,
}
