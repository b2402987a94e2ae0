"""Faults as a client meets them."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from rtcli.server import RealtimeServer
from tests.server.client import DEADLINE, MODEL, dial, said, session

TEXT: dict[str, Any] = {"output_modalities": ["text"]}


def faulty(*faults: str) -> RealtimeServer:
    return RealtimeServer(pace=0, voice="tone", faults=faults)


async def test_a_close_with_a_code() -> None:
    """Before the event that sets it off."""
    async with faulty("event=response.output_text.delta@2:close=1013") as server, session(server, **TEXT) as client:
        await client.say("Count to 9")
        code, _ = await client.closed()

    assert code == 1013
    assert client.types().count("response.output_text.delta") == 1


async def test_a_close_after_a_time() -> None:
    """Nothing has to be sent for it."""
    async with faulty("after=20ms:close=4001") as server, dial(server) as client:
        assert (await client.closed())[0] == 4001


async def test_a_drop_has_no_close_frame() -> None:
    """The client sees 1006."""
    async with faulty("n=3:drop") as server, dial(server) as client:
        await client.say("Hello")
        code, _ = await client.closed()

    assert code in (0, 1006)
    assert len(client.seen) == 2


@pytest.mark.parametrize("what", ["stall=300ms", "delay=300ms"])
async def test_a_pause_before_an_event(what: str) -> None:
    """What comes before it comes at once, and the rest comes later, whole."""
    async with faulty(f"event=response.done:{what}") as server, session(server, **TEXT) as client:
        await client.say("Hello")
        await client.until("response.output_item.done")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(client.connection.recv(), 0.1)
        await client.until("rate_limits.updated")


async def test_an_event_twice() -> None:
    """The same frame, with the same event_id."""
    async with faulty("event=response.created:duplicate") as server, session(server, **TEXT) as client:
        await client.ask("Hello")
        created = [event for event in client.seen if event["type"] == "response.created"]

    assert len(created) == 2
    assert created[0] == created[1]


async def test_a_frame_that_is_cut_off() -> None:
    """It is no JSON; the event itself follows."""
    async with faulty("n=1:malformed") as server, connect(server.url + MODEL) as connection:
        broken = await asyncio.wait_for(connection.recv(), DEADLINE)
        whole = await asyncio.wait_for(connection.recv(), DEADLINE)

    with pytest.raises(json.JSONDecodeError):
        json.loads(broken)
    assert json.loads(whole)["type"] == "session.created"


async def test_an_error_out_of_nothing() -> None:
    """With the code that was asked for; the session goes on."""
    async with faulty("event=response.created:error=boom") as server, session(server, **TEXT) as client:
        answer = await client.ask("Say: unharmed")
        (error,) = [event["error"] for event in client.seen if event["type"] == "error"]

    assert (error["type"], error["code"], error["event_id"]) == ("server_error", "boom", None)
    assert said(answer) == "unharmed"


async def test_an_early_expiry() -> None:
    """session_expired, then 1001."""
    async with faulty("event=response.created:expire") as server, session(server, **TEXT) as client:
        await client.say("Hello")
        code, reason = await client.closed()

    assert client.seen[-1]["error"]["code"] == "session_expired"
    assert (code, reason) == (1001, "Your session hit the maximum duration of 60 minutes.")


async def test_a_quota_that_runs_out_during_a_session() -> None:
    """What was answered was answered; the next fails."""
    async with faulty("event=response.done:quota") as server, session(server, **TEXT) as client:
        first, second = await client.ask("Hello"), await client.ask("Hello")

    assert [first["status"], second["status"]] == ["completed", "failed"]


async def test_an_upgrade_that_is_refused() -> None:
    """With the status that was asked for."""
    async with faulty("connect:http=503") as server:
        with pytest.raises(InvalidStatus) as caught:
            async with dial(server):
                pass

    assert caught.value.response.status_code == 503
