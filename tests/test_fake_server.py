"""The tests' own fake server: it plays its script, and a script that was not played to its end fails the test."""

from __future__ import annotations

import json

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from tests.kit.events import CREATED, Event, text_response
from tests.kit.fake_server import Step, fake_server, steps

UPDATE: Event = {"type": "session.update", "session": {"type": "realtime"}}
CREATE: Event = {"type": "response.create"}


async def talk(url: str, *events: Event, replies: int) -> list[str]:
    """Send these, and read so many events: their types, and "closed" where the server closes before."""
    async with connect(url) as socket:
        try:
            for event in events:
                await socket.send(json.dumps(event))
            return [json.loads(await socket.recv())["type"] for _ in range(replies)]
        except ConnectionClosed:
            return ["closed"]


async def test_steps_are_played_in_order_and_the_rest_is_confirmed() -> None:
    """The session, the confirmation of what no step expects, then what the steps emit."""
    answer = text_response("r", "hi")[:2]
    async with fake_server(steps(Step("response.create", answer), Step("response.cancel", answer[:1]))) as server:
        types = await talk(server.url, UPDATE, CREATE, {"type": "response.cancel"}, replies=5)

    assert types == [CREATED["type"], "session.updated", answer[0]["type"], answer[1]["type"], answer[0]["type"]]
    assert server.types == ["session.update", "response.create", "response.cancel"]


async def test_a_step_can_close() -> None:
    """What comes after it is a closed connection."""
    async with fake_server(steps(Step("response.create", close=(1011, "down")))) as server:
        assert await talk(server.url, CREATE, replies=2) == ["closed"]


async def test_leftover_steps_fail() -> None:
    """A client that leaves before the script is over is told which events never came."""
    with pytest.raises(AssertionError, match=r"never sent\n  response\.create\n  response\.cancel"):
        async with fake_server(steps(Step("response.create"), Step("response.cancel"))) as server:
            await talk(server.url, UPDATE, replies=2)
