"""wait_ready(): the session, or the right error with the server's words, in time and with nothing left running."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from http import HTTPStatus
from typing import Any

import pytest

from rtcli.errors import ConnectError, ConnectionLostError, NotConnectedError
from rtcli.transports import OpenAIRealtimeWebSocket
from tests.kit.events import CREATED, SESSION, error
from tests.kit.fake_server import FakeServer, fake_server, greeting, greets, raw_server, refuses, upgrade_and_freeze
from tests.kit.waiting import DEADLINE, until


@contextlib.asynccontextmanager
async def nothing_left() -> AsyncIterator[None]:
    """No task of a transport is alive afterwards."""
    yield
    left = [task for task in asyncio.all_tasks() if task.get_name().startswith("rtcli")]
    assert left == []


async def _connected(server: FakeServer, **options: Any) -> OpenAIRealtimeWebSocket:
    t = OpenAIRealtimeWebSocket(api_key="sk", url=server.url, auto_tracing=False)
    await t.connect(**options)
    return t


async def test_it_returns_the_session() -> None:
    """As session.created tells it, as often as it is asked."""
    async with fake_server(greets) as server:
        t = await _connected(server)

        assert await t.wait_ready(DEADLINE) == SESSION
        assert await t.wait_ready(DEADLINE) == SESSION
        t.close()
        await t.wait_closed()


async def test_a_joined_call_is_ready_at_session_updated() -> None:
    """Who joins a call never sees session.created."""
    updated = {"type": "session.updated", "session": {**SESSION, "voice": "x"}}
    async with fake_server(greeting(updated)) as server:
        t = await _connected(server, url=server.url, call_id="rtc_1")

        assert await t.wait_ready(DEADLINE) == updated["session"]
        t.close()
        await t.wait_closed()


REFUSALS = [
    ("invalid_api_key", "Incorrect API key provided: sk-proj_***_1234.", 3000, "invalid_request_error.invalid_api_key"),
    (None, "Missing bearer or basic authentication in header", 3000, "invalid_request_error"),
    (
        "invalid_model",
        'Model "gpt-nope" is not supported in realtime mode',
        4000,
        "invalid_request_error.invalid_model",
    ),
    ("missing_model", "You must provide a model parameter", 4000, "invalid_request_error.missing_model"),
    ("beta_api_shape_disabled", "The Realtime Beta API is no longer supported.", 4000, "x.beta_api_shape_disabled"),
]


@pytest.mark.parametrize(("code", "message", "close_code", "reason"), REFUSALS, ids=lambda value: str(value)[:20])
async def test_an_error_and_a_close_frame_instead_of_a_session(
    code: str | None, message: str, close_code: int, reason: str
) -> None:
    """OpenAI accepts every upgrade and only then refuses: the error carries its words, the code and the reason."""
    refusal = error(code, message)

    async with fake_server(refuses(refusal, close_code, reason)) as server, nothing_left():
        t = await _connected(server)
        with pytest.raises(ConnectionLostError) as caught:
            await t.wait_ready(DEADLINE)

        assert message in str(caught.value)
        assert (caught.value.code, caught.value.reason) == (close_code, reason)
        assert caught.value.server_error == refusal
        assert t.status == "disconnected"
        assert (t.close_code, t.close_reason) == (close_code, reason)
        with pytest.raises(ConnectionLostError, match="server ended"):
            await t.wait_ready(DEADLINE)


async def test_a_refusal_at_the_upgrade_is_raised_by_connect() -> None:
    """Azure's manner; wait_ready has nothing to wait for then."""
    async with fake_server(refuse=(HTTPStatus.UNAUTHORIZED, "Access denied")) as server, nothing_left():
        t = OpenAIRealtimeWebSocket(api_key="sk", url=server.url)
        with pytest.raises(ConnectError, match="Access denied") as caught:
            await t.connect()

        assert caught.value.status == 401
        with pytest.raises(NotConnectedError):
            await t.wait_ready(DEADLINE)


async def test_a_silent_server_is_given_up_at_the_deadline() -> None:
    """It is said what was missing, and the connection is closed."""
    async with fake_server() as server, nothing_left():
        t = await _connected(server)
        with pytest.raises(ConnectError, match=r"no session within 0\.05 s"):
            await t.wait_ready(0.05)

        assert t.status == "disconnected"
        await until(lambda: server.closed == 1)


async def test_the_error_that_a_silent_server_did_send_is_in_the_message() -> None:
    """Some servers answer an unknown model with an error and then nothing."""
    async with fake_server(greeting(error("x", "out of order today"))) as server, nothing_left():
        t = await _connected(server)
        told: list[object] = []
        t.on("error", told.append)
        await until(lambda: told, "the error has arrived")
        with pytest.raises(ConnectError, match="out of order today"):
            await t.wait_ready(0.05)


async def test_a_frozen_server_cannot_hold_it_beyond_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    """A peer that answers nothing is not waited for when closing either."""
    monkeypatch.setattr("rtcli.transports.connect._CLOSE_TIMEOUT", 10 * DEADLINE)
    async with raw_server(upgrade_and_freeze) as address, nothing_left():
        t = OpenAIRealtimeWebSocket(api_key="sk", url=f"ws://{address}/")
        await t.connect()
        async with asyncio.timeout(DEADLINE):
            with pytest.raises(ConnectError, match="no session"):
                await t.wait_ready(0.05)
        assert t.status == "disconnected"


async def test_closing_ourselves_ends_the_waiting() -> None:
    """It is not the server that is blamed."""
    async with fake_server() as server, nothing_left():
        t = await _connected(server)
        waiting = asyncio.create_task(t.wait_ready(DEADLINE))
        await asyncio.sleep(0)  # it has begun
        t.close()
        with pytest.raises(ConnectError, match="was closed before"):
            await waiting
        await t.wait_closed()


async def test_it_may_begin_before_connect_is_done() -> None:
    """Then it waits for both."""
    async with fake_server(greets) as server, nothing_left():
        t = OpenAIRealtimeWebSocket(api_key="sk", url=server.url)
        connecting = asyncio.create_task(t.connect())
        await until(lambda: t.status != "disconnected")

        assert await t.wait_ready(DEADLINE) == SESSION
        await connecting
        t.close()
        await t.wait_closed()


async def test_cancelling_it_leaves_the_connection_alone() -> None:
    """Who waited less long than it takes may wait again."""
    async with fake_server() as server, nothing_left():
        t = await _connected(server)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(t.wait_ready(DEADLINE), 0.02)
        assert t.status == "connected"

        await server.send(CREATED)
        assert await t.wait_ready(DEADLINE) == SESSION
        t.close()
        await t.wait_closed()


@pytest.mark.parametrize("odd", [None, 17, [], "x"])
async def test_a_session_created_without_a_session_is_no_session(odd: object) -> None:
    """It is survived, and the next one counts."""
    async with fake_server(greeting({"type": "session.created", "session": odd}, CREATED)) as server, nothing_left():
        t = await _connected(server)

        assert await t.wait_ready(DEADLINE) == SESSION
        t.close()
        await t.wait_closed()
