"""A call on a peer in memory: the server's side of it needs neither the extra nor a clock of its own."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from rtcli.protocol.record import Connected, Connection
from rtcli.recording.reader import open_recording
from rtcli.rtc.peer import Peer, PeerEnd, PeerHandlers
from rtcli.rtc.playout import SILENCE
from rtcli.server import RealtimeServer
from rtcli.server.calls import calls, endpoints
from rtcli.server.session.core import ServerCore
from tests.kit.fake_peer import FakePeer
from tests.kit.waiting import until
from tests.server.calls.test_browser_calls import post
from tests.server.calls.test_offers import SDP
from tests.server.playbook import user


class CalledPeer(FakePeer):
    """The one that is called: its answer is a word, and the test takes frames from its source as a track would."""

    async def accept(self, sdp: str) -> str:
        return "ANSWER"

    def types(self) -> list[str]:
        return [event["type"] for event in self.sent]

    def play(self, frames: int) -> list[bytes]:
        """So many frames of 20 ms leave."""
        return [self.source() or SILENCE for _ in range(frames)]


@pytest.fixture
def peers(monkeypatch: pytest.MonkeyPatch) -> list[CalledPeer]:
    """Every peer that a server of this test makes."""
    made: list[CalledPeer] = []

    def create(handlers: PeerHandlers, **options: Any) -> Peer:
        made.append(CalledPeer(handlers, source=options["source"], loopback=options["loopback"]))
        return made[-1]

    async def load() -> Any:
        return create

    monkeypatch.setattr(calls, "load", load)
    monkeypatch.setattr(endpoints, "is_available", lambda: True)
    return made


@asynccontextmanager
async def called(peers: list[CalledPeer], **options: Any) -> AsyncIterator[tuple[RealtimeServer, CalledPeer]]:
    """A call whose channel is open."""
    async with RealtimeServer(voice="tone", pace=0, **options) as server:
        answer = await post(server)
        assert (answer.status_code, answer.text) == (201, "ANSWER")
        peers[-1].open()
        await until(lambda: "session.created" in peers[-1].types(), "session.created")
        yield server, peers[-1]


async def test_what_is_sent_before_the_channel_opens_waits(peers: list[CalledPeer]) -> None:
    """The session runs from the answer on, and can be joined; its first event is the first on the channel."""
    async with RealtimeServer(voice="tone") as server:
        await post(server)
        assert len(server.calls) == 1
        assert peers[0].sent == []
        peers[0].open()
        await until(lambda: peers[0].sent, "session.created")

    assert peers[0].types()[0] == "session.created"
    assert peers[0].loopback


async def test_a_call_can_be_ended_before_its_channel_opens(peers: list[CalledPeer]) -> None:
    """At once, and not when the time for it to open is over."""
    async with RealtimeServer(voice="tone") as server:
        await post(server)
        ended = await post(server, f"/{server.calls[0]}/hangup", "")
        await until(lambda: peers[0].closed and not server.sessions, "the end of the call")

    assert ended.status_code == 200


async def test_a_peer_that_is_lost_ends_the_call(peers: list[CalledPeer], tmp_path: Path) -> None:
    """The peer is closed, its session too; the recording says that it was lost."""
    async with called(peers, record=tmp_path) as (server, peer):
        peer.end(PeerEnd.LOST)
        await until(lambda: not server.sessions, "the end of the session")
        await server.settled()
        (path,) = server.recordings
    with open_recording(str(path)) as reader:
        ends = [record for record in reader if isinstance(record, Connection)]

    assert peer.closed
    assert (ends[-1].state, ends[-1].reason) == (Connected.LOST, PeerEnd.LOST.value)


async def test_a_session_that_fails_ends_the_call(peers: list[CalledPeer], monkeypatch: pytest.MonkeyPatch) -> None:
    """A defect of ours costs this call, and nothing else: the peer is closed and other calls go on."""
    async with called(peers) as (server, peer):
        session = server.sessions[0]

        async def fail(pcm: bytes) -> None:
            raise RuntimeError("a defect")

        monkeypatch.setattr(session, "hear", fail)
        peer.handlers.on_audio(SILENCE, 0)
        await until(lambda: peer.closed and not server.sessions, "the end of the call")
        again = await post(server)

    assert again.status_code == 201


async def test_audio_that_was_lost_is_silence(peers: list[CalledPeer], monkeypatch: pytest.MonkeyPatch) -> None:
    """Positions in what was heard stay true; a jump of more than a second is not filled."""
    heard = bytearray()
    async with called(peers) as (server, peer):

        async def hear(pcm: bytes) -> None:
            heard.extend(pcm)

        monkeypatch.setattr(server.sessions[0], "hear", hear)
        piece = b"\1\0" * 480
        for sample in (0, 480, 1_440, 480_000):
            peer.handlers.on_audio(piece, sample)
        await until(lambda: len(heard) >= 5 * 960, "the audio")

    assert bytes(heard) == piece * 2 + SILENCE + piece * 2


async def test_idle_time_counts_from_the_end_of_what_is_heard(
    peers: list[CalledPeer], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer is made at once and played for seconds: the user is not silent meanwhile, but listens."""
    async with called(peers) as (server, peer):
        core = server.sessions[0].core
        assert isinstance(core, ServerCore)
        monkeypatch.setitem(core.state.input["turn_detection"], "idle_timeout_ms", 20)
        waits: list[tuple[float, float]] = []  # of the timer, and of the audio that is still to be heard then
        loop = asyncio.get_running_loop()
        call_at = loop.call_at

        def watched(when: float, callback: Any, *arguments: Any, **more: Any) -> asyncio.TimerHandle:
            if "LiveSession" in getattr(callback, "__qualname__", ""):
                assert core.output is not None
                waits.append((when - loop.time(), core.output.playout.waiting / 48_000))
            return call_at(when, callback, *arguments, **more)

        monkeypatch.setattr(loop, "call_at", watched)
        peer.say({"type": "conversation.item.create", "item": user("Count to 20")})
        peer.say({"type": "response.create"})
        await until(lambda: "response.done" in peer.types() and waits, "the timer")
        peer.say({"type": "output_audio_buffer.clear"})
        peer.say({"type": "conversation.item.create", "item": user("Say: hi")})
        peer.say({"type": "response.create"})
        await until(lambda: peer.types().count("response.done") == 2 and len(waits) > 1, "the timer")

    wait, left = waits[0]
    assert left > 4
    assert abs(wait - left - 0.02) < 1
    assert waits[-1][0] < 2, "what was cleared is not waited for"


async def test_faults_happen_to_calls(peers: list[CalledPeer]) -> None:
    """As to any connection; one that drops it closes the peer."""
    async with called(peers, faults=["event=response.created:drop"]) as (server, peer):
        peer.say({"type": "response.create"})
        await until(lambda: peer.closed and not server.sessions, "the end of the call")

    assert "response.created" not in json.dumps(peer.sent)


async def test_a_request_that_is_given_up_leaves_no_call(
    peers: list[CalledPeer], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The client leaves while its offer is being answered."""
    asked, answers = asyncio.Event(), asyncio.Event()

    async def accept(self: CalledPeer, sdp: str) -> str:
        asked.set()
        await answers.wait()
        return "ANSWER"

    monkeypatch.setattr(CalledPeer, "accept", accept)
    async with RealtimeServer(voice="tone") as server:
        place = urlsplit(server.url)
        _reader, writer = await asyncio.open_connection(place.hostname, place.port)
        head = ("POST /v1/realtime/calls HTTP/1.1", "Host: x", "Content-Type: application/sdp")
        writer.write("\r\n".join((*head, f"Content-Length: {len(SDP)}", "", SDP)).encode())
        await asked.wait()
        writer.transport.abort()
        await until(lambda: peers[0].closed, "the end of the peer")

        assert server.calls == ()
