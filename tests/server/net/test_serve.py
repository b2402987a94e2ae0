"""`serve`: what it announces, what it logs, how it ends."""

from __future__ import annotations

import asyncio
import json
import re

import pytest
from websockets.asyncio.client import connect

from rtcli.errors import UsageError
from rtcli.server import RealtimeServer
from rtcli.server.net.serve import serve
from tests.kit.waiting import DEADLINE


async def test_it_announces_its_address_and_says_which_engines_run() -> None:
    """One address, once clients can connect; replies, key and engines for the user. It ends when it is stopped."""
    announced: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    engines, stop, lines = asyncio.Event(), asyncio.Event(), []

    def log(line: str) -> None:
        lines.append(line)
        if line.startswith("engines"):
            engines.set()

    serving = asyncio.ensure_future(
        serve(RealtimeServer(voice="tone"), announce=announced.set_result, log=log, until=stop.wait)
    )
    url = await asyncio.wait_for(announced, DEADLINE)
    async with connect(f"{url}?model=gpt-realtime") as connection:
        created = json.loads(await connection.recv())
    await asyncio.wait_for(engines.wait(), DEADLINE)
    stop.set()
    await asyncio.wait_for(serving, DEADLINE)

    assert re.fullmatch(r"ws://127\.0\.0\.1:\d+/v1/realtime", url)
    assert created["type"] == "session.created"
    assert lines == [
        "replies: built-in rules",
        "any key is accepted, or none",
        "engines: energy voice detector, no recognizer, tones for a voice",
    ]


async def test_a_key_and_faults_are_logged_without_the_key() -> None:
    """The key itself is nobody's business."""
    lines: list[str] = []
    stop = asyncio.Event()
    stop.set()
    server = RealtimeServer(voice="tone", key="sk-secret", faults=["n=9:drop"])
    await serve(server, announce=lambda url: None, log=lines.append, until=stop.wait)

    assert lines[1:3] == ["faults: n=9:drop", "clients must present the key"]
    assert not any("sk-secret" in line for line in lines)


async def test_what_cannot_be_used_is_raised_plainly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also engines that turn out to be missing while the server runs already: no group of exceptions."""

    def missing(choice: str) -> None:
        raise UsageError("no voice engine available")

    monkeypatch.setattr("rtcli.server.runtime.engine_pool.load_engines", missing)
    with pytest.raises(UsageError, match="no voice engine available"):
        serving = serve(
            RealtimeServer(voice="voice"), announce=lambda url: None, log=lambda line: None, until=asyncio.Event().wait
        )
        await asyncio.wait_for(serving, DEADLINE)
