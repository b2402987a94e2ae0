"""Record, serve, record with the official clients: each gets from a recording what it got from the server."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rtcli.protocol.record import Connected, Connection
from rtcli.server import RealtimeServer
from tests.foreign.conftest import DRIVERS
from tests.kit.foreign import ROOT, UnavailableError, foreign_node_modules, foreign_python
from tests.kit.recordings import only_recording, records_of, story
from tests.kit.waiting import DEADLINE, until

pytestmark = pytest.mark.foreign

SCENES = ("text", "tools", "voice", "interruption", "error")


def openai_package() -> list[str]:
    return [str(foreign_python()), "-m", "tests.foreign.drivers.scenes"]


def agents_js() -> list[str]:
    copy = foreign_node_modules() / "scenes.mjs"  # a script imports what lies beside it
    shutil.copyfile(DRIVERS / "scenes.mjs", copy)
    return ["node", str(copy)]


def _ended(folder: Path) -> bool:
    states = [record.state for record in records_of(only_recording(folder)) if isinstance(record, Connection)]
    return Connected.OPEN not in states[-1:]


async def recorded(command: list[str], scene: str, server: RealtimeServer, folder: Path) -> Path:
    """A client takes part in a scene; gives the server's recording of it."""
    async with server:
        api = server.url.replace("ws://", "http://").removesuffix("/realtime")
        environment = os.environ | {"NO_PROXY": "127.0.0.1", "OPENAI_AGENTS_DISABLE_TRACING": "1"}
        client = await asyncio.create_subprocess_exec(
            *command, api, scene, cwd=ROOT, env=environment, stderr=asyncio.subprocess.PIPE
        )
        try:
            _, err = await asyncio.wait_for(client.communicate(), 2 * DEADLINE)
        finally:
            if client.returncode is None:
                client.kill()
                await client.wait()
        assert client.returncode == 0, err.decode()[-3000:]
        await until(lambda: _ended(folder))
    return only_recording(folder)


@pytest.mark.parametrize("scene", SCENES)
@pytest.mark.parametrize("client", [openai_package, agents_js])
async def test_a_session_played_again_is_the_same_session(
    client: Callable[[], list[str]], scene: str, tmp_path: Path
) -> None:
    """But for ids and times, in both directions."""
    try:
        command = client()
    except UnavailableError as reason:
        pytest.skip(str(reason))
    live, again = tmp_path / "live", tmp_path / "again"
    first = await recorded(command, scene, RealtimeServer(voice="tone", pace=4, record=live), live)
    server = RealtimeServer(recording=first, pace=0, record=again)
    second = await recorded(command, scene, server, again)
    assert [str(mismatch) for mismatch in server.mismatches] == []

    for direction in ("<", ">"):
        told = _in_order(story(records_of(first), direction))
        assert _in_order(story(records_of(second), direction)) == told
        assert len(told) > 1


def _in_order(told: list[Any]) -> list[Any]:
    """The SDK for JavaScript sends its update of tracing as soon as it reads the first event, whenever that is."""
    tracing = [event for event in told if isinstance(event, dict) and _is_tracing(event)]
    return [*(event for event in told if event not in tracing), *tracing]


def _is_tracing(event: dict[str, Any]) -> bool:
    return event["type"] == "session.update" and "tracing" in event["session"]
