"""A WebRTC peer in memory, and a place that answers its offer: what a call needs, without a library and without UDP."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from rtcli.rtc.peer import AudioSource, Peer, PeerEnd, PeerHandlers

CREATED: dict[str, Any] = {"type": "session.created", "event_id": "e1", "session": {"id": "sess_1", "tracing": None}}
UPDATED: dict[str, Any] = {"type": "session.updated", "event_id": "e2", "session": {"id": "sess_1", "tracing": None}}


class FakePeer:
    """Notes what is asked of it (`told` gets a line for each); the test plays the other side."""

    def __init__(
        self,
        handlers: PeerHandlers,
        *,
        source: AudioSource,
        loopback: bool = False,
        open_timeout: float = 15,
        told: Callable[[str], object] = lambda line: None,
    ) -> None:
        self.handlers, self.source, self.loopback = handlers, source, loopback
        self.max_message_bytes: int | None = None
        self.is_open = False
        self.closed = False
        self.sent: list[dict[str, Any]] = []
        self._told = told

    async def offer(self) -> str:
        self._told("offer")
        return "OFFER"

    async def answer(self, sdp: str) -> None:
        self._told(f"answer {sdp}")
        if sdp == "BAD":
            raise ValueError("Failed to parse SessionDescription")

    async def accept(self, sdp: str) -> str:
        raise AssertionError("this peer calls")

    async def send(self, text: str) -> None:
        if not self.is_open:
            raise ConnectionError("the data channel is not open")
        self.sent.append(json.loads(text))
        self._told(f"channel.send {text}")

    async def close(self, linger: float = 0.0) -> None:
        if not self.closed:
            self.closed, self.is_open = True, False
            self._told("close")

    # -- the other side --------------------------------------------------------------------------

    def open(self) -> None:
        """The data channel is open."""
        self.is_open = True
        self.handlers.on_open()

    def say(self, event: dict[str, Any]) -> None:
        """A message of the server."""
        self.handlers.on_text(json.dumps(event))

    def end(self, why: PeerEnd) -> None:
        """The call ends from there."""
        self.is_open = False
        self.handlers.on_end(why)


@dataclass
class Peers:
    """A `CreatePeer` that keeps what it made; each opens and confirms its session by itself if `obliging`."""

    obliging: bool = True
    told: Callable[[str], object] = lambda line: None
    made: list[FakePeer] = field(default_factory=list)

    def __call__(self, handlers: PeerHandlers, *, source: AudioSource, loopback: bool, open_timeout: float) -> Peer:
        peer = FakePeer(handlers, source=source, loopback=loopback, open_timeout=open_timeout, told=self.told)
        self.made.append(peer)
        if self.obliging:
            _oblige(peer)
        return peer

    @property
    def last(self) -> FakePeer:
        """The peer of the newest call."""
        return self.made[-1]


def _oblige(peer: FakePeer) -> None:
    answer, send = peer.answer, peer.send

    async def answer_and_open(sdp: str) -> None:
        await answer(sdp)
        peer.open()
        peer.say(CREATED)

    async def send_and_confirm(text: str) -> None:
        await send(text)
        if json.loads(text)["type"] == "session.update" and len(peer.sent) == 1:
            peer.say(UPDATED)

    setattr(peer, "answer", answer_and_open)  # noqa: B010  (methods, replaced for this one object)
    setattr(peer, "send", send_and_confirm)  # noqa: B010


@dataclass
class CallPlace:
    """An HTTP server on loopback that answers each offer in the same way."""

    status: str = "201 Created"
    body: str = "ANSWER"
    location: str = "/v1/realtime/calls/rtc_u1_abc"
    url: str = ""
    requests: list[tuple[str, dict[str, str], str]] = field(default_factory=list)  # line, headers, body
    gate: asyncio.Event = field(default_factory=asyncio.Event)  # answers wait for it

    @asynccontextmanager
    async def running(self) -> AsyncIterator[CallPlace]:
        self.gate.set()
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        async with server:
            host, port = server.sockets[0].getsockname()
            self.url = f"http://{host}:{port}/v1/realtime/calls"
            yield self

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)}
            body = (await reader.readexactly(int(headers.get("content-length", 0)))).decode()
            self.requests.append((head[0], headers, body))
            await self.gate.wait()
            answer = f"HTTP/1.1 {self.status}\r\nContent-Length: {len(self.body)}\r\nConnection: close\r\n"
            if self.location:
                answer += f"Location: {self.location}\r\n"
            writer.write(f"{answer}\r\n{self.body}".encode())
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()
