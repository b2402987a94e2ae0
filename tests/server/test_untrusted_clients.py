"""What strangers can do to the port: wrong keys, pages, floods, garbage, and clients that do not read."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Subprotocol

from rtcli.errors import UsageError
from rtcli.server import RealtimeServer
from tests.kit.waiting import DEADLINE
from tests.server.client import MODEL, dial, said, session
from tests.server.playbook import user

TEXT: dict[str, Any] = {"output_modalities": ["text"]}


@pytest.fixture
async def server() -> AsyncIterator[RealtimeServer]:
    async with RealtimeServer(pace=0, voice="tone") as running:
        yield running


async def test_a_wrong_key_is_let_in_told_and_closed() -> None:
    """OpenAI's manner: 101, one error, close 3000."""
    async with RealtimeServer(key="sk-right-0123456789", voice="tone") as server:
        async with dial(server, additional_headers={"Authorization": "Bearer sk-wrong"}) as client:
            code, reason = await client.closed()
        async with dial(server, additional_headers={"Authorization": "Bearer sk-right-0123456789"}) as right:
            await right.until("session.created")

    assert (code, reason) == (3000, "invalid_request_error.invalid_api_key")
    assert client.types() == ["error"]


async def test_a_browser_is_answered_in_its_subprotocol(server: RealtimeServer) -> None:
    """`realtime` is chosen among those it offers; others offer none."""
    offered = [Subprotocol("realtime"), Subprotocol("openai-insecure-api-key.sk-any")]
    async with dial(server, subprotocols=offered) as client:
        assert client.connection.subprotocol == "realtime"
    async with dial(server) as client:
        assert client.connection.subprotocol is None


async def test_a_page_cannot_dial_in(server: RealtimeServer) -> None:
    """403 for an Origin that nobody allowed."""
    with pytest.raises(InvalidStatus) as caught:
        async with dial(server, origin="https://evil.example"):
            pass

    assert caught.value.response.status_code == 403


@pytest.mark.parametrize("host", ["0.0.0.0", "example.com", "192.168.1.1"])
def test_beyond_loopback_a_key_is_demanded(host: str) -> None:
    """Otherwise anybody could connect."""
    with pytest.raises(UsageError, match="without a key"):
        RealtimeServer(host)


@pytest.mark.parametrize("options", [{"reply": "magic"}, {"voice": "loud"}, {"faults": ["never:mind"]}])
def test_what_cannot_be_used_is_said_before_anything_runs(options: dict[str, object]) -> None:
    """At construction."""
    with pytest.raises(UsageError):
        RealtimeServer(**options)  # type: ignore[arg-type]


async def test_a_port_that_is_taken_is_named(server: RealtimeServer) -> None:
    """With the system's reason."""
    port = urlsplit(server.url).port or 0
    with pytest.raises(UsageError, match=f"127.0.0.1:{port}"):
        async with RealtimeServer(port=port, voice="tone"):
            pass


async def test_a_client_that_does_not_read_costs_only_itself(server: RealtimeServer) -> None:
    """It stops being served once its queue is full; others are answered all the while."""
    async with dial(server, max_queue=1) as stalled:
        content = [{"type": "input_text", "text": "x" * 400_000}]
        for number in range(200):
            item = user("") | {"content": content, "id": f"item_{number}"}
            sending = asyncio.ensure_future(stalled.send("conversation.item.create", item=item))
            done, _ = await asyncio.wait([sending], timeout=0.5)
            if not done:
                break  # the server reads no more of it
        async with session(server, **TEXT) as client:
            assert said(await client.ask("Say: served")) == "served"
        stalled.connection.transport.abort()
        await asyncio.gather(sending, return_exceptions=True)

    assert number < 199


async def test_a_server_can_be_left_while_a_client_does_not_read() -> None:
    """Whoever does not take the close frame is cut off."""
    async with RealtimeServer(pace=0, voice="tone") as server:
        stalled = await connect(server.url + MODEL, max_queue=1, compression=None)
        frame = json.dumps({"type": "conversation.item.create", "item": user("x" * 400_000)})
        sending: list[asyncio.Future[None]] = []
        while not sending or sending[-1].done():
            sending.append(asyncio.ensure_future(stalled.send(frame)))
            await asyncio.wait(sending[-1:], timeout=0.5)
    stalled.transport.abort()

    assert server.sessions == ()
    await asyncio.gather(*sending, return_exceptions=True)


async def test_a_client_that_floods_is_served_in_turn(server: RealtimeServer) -> None:
    """Two thousand events at once delay nobody else's answer beyond its deadline, and all are carried out."""
    async with session(server) as flooding, session(server, **TEXT) as client:

        async def flood() -> None:
            for _ in range(2_000):
                await flooding.send("input_audio_buffer.clear")

        async def read() -> None:
            for _ in range(2_000):
                await flooding.until("input_audio_buffer.cleared")

        async with asyncio.TaskGroup() as group:
            group.create_task(flood())
            group.create_task(read())
            assert said(await client.ask("Say: served")) == "served"


async def test_a_frame_beyond_the_limit_ends_that_connection(server: RealtimeServer) -> None:
    """It is not read to its end; others do not notice."""
    flooding = await connect(server.url + MODEL, compression=None)
    async with session(server, **TEXT) as other:
        sending = asyncio.ensure_future(flooding.send("x" * (25 * 2**20)))
        await asyncio.wait_for(flooding.wait_closed(), DEADLINE)
        await asyncio.gather(sending, return_exceptions=True)

        assert said(await other.ask("Say: served")) == "served"


async def test_garbage_on_the_port_is_survived(server: RealtimeServer) -> None:
    """Not HTTP at all, or HTTP without an upgrade."""
    for request in (b"\x16\x03\x01garbage\r\n\r\n", b"GET /v1/realtime HTTP/1.1\r\nHost: x\r\n\r\n"):
        reader, writer = await asyncio.open_connection("127.0.0.1", urlsplit(server.url).port)
        writer.write(request)
        await asyncio.wait_for(reader.read(), DEADLINE)
        writer.close()
        await writer.wait_closed()
    async with session(server) as client:
        assert client.types()[0] == "session.created"


async def test_leaving_the_server_ends_its_sessions() -> None:
    """Clients see 1001, and no task is left."""
    before = asyncio.all_tasks()
    async with RealtimeServer(voice="tone") as server, session(server) as client:
        await client.say("Count to 100")
        await client.until("response.output_audio.delta")
        closing = asyncio.ensure_future(client.closed())
        await server.__aexit__(None, None, None)
        assert (await closing)[0] == 1001

    assert asyncio.all_tasks() == before
