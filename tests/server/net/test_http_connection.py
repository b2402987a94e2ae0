"""Requests beside WebSockets: how long they may take to come, and to be answered."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import httpx2
import pytest
import websockets.asyncio.client

from rtcli.http.front import HttpRequest, HttpResponse
from rtcli.server import RealtimeServer
from tests.kit.waiting import DEADLINE

PATIENCE = 1.0
"""Seconds. What has to come in time comes at once; even a loaded machine does that in a second."""


@pytest.fixture
async def server(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[RealtimeServer]:
    monkeypatch.setattr("rtcli.server.net.http_connection._PATIENCE_SECONDS", PATIENCE)
    async with RealtimeServer(voice="tone") as server:
        yield server


async def _patience_ends(server: RealtimeServer, sent: bytes = b"") -> None:
    """A connection that begins now and says no more than this is ended: timers fire in order, so that those of others
    would have ended theirs."""
    reader, writer = await asyncio.open_connection("127.0.0.1", urlsplit(server.url).port)
    writer.write(sent)
    with contextlib.suppress(ConnectionResetError):
        assert await asyncio.wait_for(reader.read(), DEADLINE) == b""
    writer.close()


async def test_an_answer_may_take_longer_than_a_request(monkeypatch: pytest.MonkeyPatch) -> None:
    """What makes it may be loading: the first call of a process imports a media library."""
    monkeypatch.setattr("rtcli.server.net.http_connection._PATIENCE_SECONDS", PATIENCE)

    async def slow(server: RealtimeServer, _request: HttpRequest) -> HttpResponse:
        await _patience_ends(server)
        return HttpResponse(201)

    monkeypatch.setattr(RealtimeServer, "_answer_http", slow)
    async with RealtimeServer(voice="tone") as server, httpx2.AsyncClient() as client:
        response = await client.post(server.url.replace("ws", "http", 1), timeout=DEADLINE)

    assert response.status_code == 201


@pytest.mark.parametrize("sent", [b"", b"POST /v1/realtime/calls HTTP/1.1\r\n", b"GET /v1/realtime HTTP/1.1\r\n"])
async def test_a_request_that_does_not_come_is_not_waited_for(server: RealtimeServer, sent: bytes) -> None:
    """A connection that is open and says nothing would be one for ever."""
    await _patience_ends(server, sent)


async def test_a_session_lasts_longer_than_its_handshake_may_take(server: RealtimeServer) -> None:
    """The limit ends with the handshake."""
    async with websockets.asyncio.client.connect(f"{server.url}?model=gpt-realtime-2.1", ping_interval=None) as socket:
        await socket.recv()
        await _patience_ends(server)
        await socket.send('{"type": "response.create"}')
        async with asyncio.timeout(DEADLINE):
            assert "response.created" in str(await socket.recv())
