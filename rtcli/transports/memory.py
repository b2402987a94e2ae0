"""A WebSocket without a network: its peer is in the same program."""

from __future__ import annotations

import asyncio

from websockets.exceptions import ConnectionClosedError, ConnectionClosedOK
from websockets.frames import Close


class MemorySocket:
    """One end of a connection, for `create_websocket`. `deliver` and `end` are what the peer does."""

    def __init__(self) -> None:
        self.close_code: int | None = None
        self.close_reason: str | None = None
        self._messages: asyncio.Queue[str | bytes | None] = asyncio.Queue()  # None: the connection has ended

    def __repr__(self) -> str:
        state = "open" if self.close_code is None else f"closed with {self.close_code}"
        return f"<MemorySocket {state}, {self._messages.qsize()} messages wait>"

    @property
    def is_empty(self) -> bool:
        """Everything that was delivered has been received."""
        return self._messages.empty()

    def deliver(self, message: str | bytes) -> None:
        """The peer sends a message."""
        self._messages.put_nowait(message)

    def end(self, code: int | None, reason: str = "") -> None:
        """The peer ends the connection after what it has sent; without a close frame where `code` is None."""
        self.close_code, self.close_reason = 1006 if code is None else code, reason
        self._messages.put_nowait(None)

    async def recv(self) -> str | bytes:
        """The next message. Raises ConnectionClosed."""
        message = await self._messages.get()
        if message is not None:
            return message
        frame = None if self.close_code in (None, 1006) else Close(self.close_code or 1000, self.close_reason or "")
        if frame is not None and frame.code == 1000:
            raise ConnectionClosedOK(frame, None)
        raise ConnectionClosedError(frame, None)

    async def send(self, message: str, /) -> None:
        """Nothing: what is sent was looked at before."""

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """End the connection."""
        self.end(code, reason)
