"""A client that stalls is given up in time, whatever the server has for it, and cannot hold up the server's end."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import pytest
from websockets.asyncio.client import connect

from rtcli.server import RealtimeServer
from rtcli.server.net import app, http_connection
from tests.kit.waiting import DEADLINE, until
from tests.server.client import MODEL


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """The server pings often, so that nobody has to wait."""
    monkeypatch.setattr(app, "_PING_SECONDS", 0.3)


async def _stalled(server: RealtimeServer, asks: int) -> socket.socket:
    """A client that asked for a session and much else, and reads nothing of it."""
    parts = server.url.removeprefix("ws://").partition("/")
    host, _, port = parts[0].rpartition(":")
    loop, client = asyncio.get_running_loop(), socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.setblocking(False)
    await loop.sock_connect(client, (host, int(port)))
    head = (
        f"GET /{parts[2]}{MODEL} HTTP/1.1\r\nHost: {parts[0]}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    await loop.sock_sendall(client, head.encode())
    update = b'{"type":"session.update","session":{"type":"realtime","instructions":"%b"}}' % (b"x" * 60_000)
    frame = b"\x81\xfe" + len(update).to_bytes(2, "big") + bytes(4) + update  # masked with zeros
    for _ in range(asks):
        try:
            await asyncio.wait_for(loop.sock_sendall(client, frame), 0.3)
        except (TimeoutError, ConnectionError):
            break  # the server reads no more from a client that does not read
    return client


@pytest.mark.parametrize("asks", [0, 400], ids=["nothing waits", "megabytes wait"])
async def test_a_client_that_reads_nothing_is_given_up(soon: None, asks: int) -> None:
    """Its session ends with it."""
    async with RealtimeServer(pace=0, voice="tone") as server:
        client = await _stalled(server, asks)
        await until(lambda: server.sessions != () or asks)
        await until(lambda: server.sessions == (), "the session of the stalled client is over")
        client.close()


async def test_a_client_that_answers_pings_stays(soon: None) -> None:
    """However long it says nothing."""
    async with RealtimeServer(pace=0, voice="tone") as server, connect(server.url + MODEL) as client:
        await client.recv()
        connection: Any = next(iter(server._opened))
        answered = connection._pieces + 8  # pongs, one every 0.3 s
        await until(lambda: connection._pieces >= answered)
        assert len(server.sessions) == 1


@pytest.mark.parametrize("what", ["nothing waits", "megabytes wait", "half a request", "half a post"])
async def test_the_server_ends_whatever_its_clients_do(what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that read nothing, and those that never finished to ask: it waits for no handshake."""
    monkeypatch.setattr(http_connection, "_PATIENCE_SECONDS", 10 * DEADLINE)
    async with asyncio.timeout(DEADLINE), RealtimeServer(pace=0, voice="tone") as server:
        if what.startswith("half"):
            host, _, port = server.url.removeprefix("ws://").partition("/")[0].rpartition(":")
            client = socket.create_connection((host, int(port)))
            client.sendall(b"GET /v1/rea" if "request" in what else b"POST /v1/rea")
            await asyncio.sleep(0)
        else:
            client = await _stalled(server, 400 if "megabytes" in what else 0)
        await until(lambda: server._opened)
    client.close()
