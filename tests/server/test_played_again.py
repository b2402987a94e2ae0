"""Record, serve, record: a session that is played again is the same session, whoever the client is."""

from __future__ import annotations

from pathlib import Path

import pytest

from rtcli.server import RealtimeServer
from tests.kit.recordings import records_of, story
from tests.kit.scenes import SCENES
from tests.kit.sessions import session_on


async def played(name: str, server: RealtimeServer, path: Path) -> Path:
    """A scene on a server, recorded by its client."""
    scene, options = SCENES[name]
    async with session_on(f"{server.url}?model=gpt-realtime-2.1", **options()) as live:
        live.session.recorder.start(path)
        await scene(live)
    return path


@pytest.mark.parametrize("name", SCENES)
async def test_a_session_played_again_is_the_same_session(name: str, tmp_path: Path) -> None:
    """But for ids and times, in both directions."""
    async with RealtimeServer(voice="tone", pace=4) as server:
        first = await played(name, server, tmp_path / "first.ndjson")
    async with RealtimeServer(recording=first, pace=0) as server:
        again = await played(name, server, tmp_path / "again.ndjson")
    assert [str(mismatch) for mismatch in server.mismatches] == []

    for direction in ("<", ">"):
        told = story(records_of(first), direction)
        assert story(records_of(again), direction) == told
        assert len(told) > 3
