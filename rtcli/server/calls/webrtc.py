"""The line of a call from a browser: a WebRTC peer, whose clock takes what is played and whose audio is heard."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence

from rtcli.protocol.audio_formats import PCM16
from rtcli.protocol.faults import FaultPlan
from rtcli.rtc.peer import OPEN_TIMEOUT, CreatePeer, PeerHandlers
from rtcli.server.calls.channel import ChannelConnection
from rtcli.server.runtime.client_connection import ClientConnection
from rtcli.server.runtime.live_session import LiveSession

_MAX_WAITING = PCM16.byte_length(30_000)  # of the caller's audio, while the engines are loaded
_MAX_GAP = PCM16.byte_length(1_000)  # of audio that was lost: silence takes its place


class WebRtcLine:
    """A peer and what hangs on it. `answer` makes it; its session may be played from then on."""

    def __init__(self, session: LiveSession, create_peer: CreatePeer, *, loopback: bool, faults: Sequence[str]) -> None:
        self._session = session
        self.connection = ChannelConnection()
        self.client = ClientConnection(self.connection, FaultPlan.parse(faults))
        handlers = PeerHandlers(
            on_open=self.connection.on_open,
            on_text=self.connection.on_text,
            on_audio=self._on_audio,
            on_end=self.connection.on_end,
        )
        self._peer = create_peer(handlers, source=self._next_frame, loopback=loopback, open_timeout=OPEN_TIMEOUT)
        self.connection.peer = self._peer
        self._heard: deque[bytes] = deque()  # 24 kHz PCM16 that waits to be taken
        self._waiting = 0  # bytes of it
        self._next_sample: int | None = None  # the one that follows what came last
        self._arrived = asyncio.Event()

    @property
    def is_open(self) -> bool:
        """See `CallLine`."""
        return self._peer.is_open

    async def answer(self, offer: str) -> str:
        """Our answer to the caller's offer. Raises ValueError for one that cannot be used."""
        return await self._peer.accept(offer)

    async def carry(self, session: LiveSession) -> None:
        """See `CallLine`: what has arrived meanwhile is handed over in one go."""
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            pcm = b"".join(self._heard)
            self._heard.clear()
            self._waiting = 0
            if pcm:
                await session.hear(pcm)

    async def end(self) -> None:
        """See `CallLine`."""
        await self._peer.close()

    def _next_frame(self) -> bytes:
        frame = self._session.next_frame()
        if self.connection.recorder is not None:
            self.connection.recorder.call.heard(frame.pcm, frame.item_id)
        return frame.pcm

    def _on_audio(self, pcm: bytes, sample: int) -> None:
        lost = 0 if self._next_sample is None else 2 * (sample - self._next_sample)
        self._next_sample = sample + len(pcm) // 2
        if 0 < lost <= _MAX_GAP:
            pcm = bytes(lost) + pcm  # else every position behind it would be too early
        if self.connection.recorder is not None:
            self.connection.recorder.call.said(pcm)
        self._heard.append(pcm)
        self._waiting += len(pcm)
        while self._waiting > _MAX_WAITING:
            self._waiting -= len(self._heard.popleft())
        self._arrived.set()
