"""The data channel of a call in the shape of a WebSocket, so that a connection can own it."""

from __future__ import annotations

import asyncio
from typing import Final

from websockets.exceptions import ConnectionClosedError

from rtcli.errors import ConnectError
from rtcli.rtc.peer import Peer, PeerEnd

_UNREACHED_HINT: Final = "WebRTC needs UDP to the server: check the firewall, or chat without --webrtc"


class ChannelSocket:
    """See `WebSocketLike`. A data channel has no close codes: `close_reason` says why it ended."""

    close_code = None

    def __init__(self) -> None:
        self.close_reason: str | None = None
        self.peer: Peer | None = None
        self._opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._messages: asyncio.Queue[str | bytes | None] = asyncio.Queue()
        self._ended = False

    # -- what the peer tells ---------------------------------------------------------------------

    def on_open(self) -> None:
        """The channel takes messages."""
        if not self._opened.done():
            self._opened.set_result(None)

    def on_text(self, message: str | bytes) -> None:
        """A message came."""
        self._messages.put_nowait(message)

    def on_end(self, why: PeerEnd) -> None:
        """The peer ended by itself."""
        self.close_reason, self._ended = why.value, True
        self._messages.put_nowait(None)
        if not self._opened.done():
            hint = _UNREACHED_HINT if why is PeerEnd.UNREACHED else ""
            self._opened.set_exception(ConnectError("the call was not set up", why=why.value, hint=hint))

    # -- what a connection asks ------------------------------------------------------------------

    async def opened(self) -> None:
        """Wait until it takes messages. Raises ConnectError where that will not come about."""
        await self._opened

    async def recv(self) -> str | bytes:
        """The next message. Raises ConnectionClosed at the end."""
        message = await self._messages.get()
        if message is None:
            raise ConnectionClosedError(None, None)
        return message

    async def send(self, message: str) -> None:
        """Send a message. Raises ConnectionClosed where the channel has ended."""
        try:
            if self.peer is not None:
                await self.peer.send(message)
        except ConnectionError as error:
            raise ConnectionClosedError(None, None) from error

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """End the call, when what was sent has left."""
        if self.peer is not None:
            await self.peer.close()
