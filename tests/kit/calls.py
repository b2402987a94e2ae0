"""Calls between two WebRTC peers of this process, on 127.0.0.1 alone; tests that use them skip without the extra."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from rtcli.rtc.peer import AudioSource, Peer, PeerEnd, PeerHandlers, create_peer, is_available
from tests.kit.waiting import until

needs_webrtc = pytest.mark.skipif(not is_available(), reason="needs the extra rtcli[webrtc]")


@dataclass
class Side:
    """One peer, and all that it told."""

    opened: int = 0
    texts: list[str | bytes] = field(default_factory=list)
    audio: list[tuple[int, bytes]] = field(default_factory=list)
    ends: list[PeerEnd] = field(default_factory=list)
    peer: Peer = field(init=False)

    def handlers(self) -> PeerHandlers:
        return PeerHandlers(self._on_open, self.texts.append, self._on_audio, self.ends.append)

    def _on_open(self) -> None:
        self.opened += 1

    def _on_audio(self, pcm: bytes, start: int) -> None:
        self.audio.append((start, pcm))

    def pcm(self) -> bytes:
        return b"".join(pcm for _, pcm in self.audio)


def make_side(source: AudioSource = lambda: None, open_timeout: float = 15) -> Side:
    """A peer that has done nothing yet."""
    side = Side()
    side.peer = create_peer()(side.handlers(), source=source, loopback=True, open_timeout=open_timeout)
    return side


@asynccontextmanager
async def connected(
    here: AudioSource = lambda: None, there: AudioSource = lambda: None
) -> AsyncIterator[tuple[Side, Side]]:
    """A caller and who was called, with an open data channel; both are closed at the end."""
    caller, called = make_side(here), make_side(there)
    try:
        await caller.peer.answer(await called.peer.accept(await caller.peer.offer()))
        await until(lambda: caller.opened and called.opened, "the data channel is open")
        yield caller, called
    finally:
        await caller.peer.close()
        await called.peer.close()
