"""A session that runs, with its clients."""

from __future__ import annotations

from rtcli.server import RealtimeServer
from tests.kit.waiting import until
from tests.server.client import dial, session


async def test_a_session_shows_its_clients() -> None:
    """The one that opened it and those that joined it, until they leave."""
    async with RealtimeServer(pace=0, voice="tone") as server, session(server):
        (running,) = server.sessions
        assert repr(running) == f"<LiveSession {running.id}: clients 1, responses 0>"
        opener = running._clients[0]
        assert repr(opener).startswith("<ClientConnection opener ('127.0.0.1', ")
        await until(lambda: repr(opener).endswith(": 0 queued, 0 bytes>"))
        async with dial(server, f"?call_id={running.id}") as joined:
            await joined.send("conversation.item.create", item={})
            await joined.until("error")
            assert repr(running) == f"<LiveSession {running.id}: clients 2, responses 0>"
            assert "sideband" in repr(running._clients[1])
        await until(lambda: len(running._clients) == 1)
