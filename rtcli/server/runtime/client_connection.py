"""One client's connection, as the session sees it: a bounded queue, one writer, and the faults it has to suffer."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeAlias

from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from rtcli.protocol.events import encode
from rtcli.server.faults import Action, FaultPlan, What
from rtcli.server.validation import api_errors

Json: TypeAlias = dict[str, Any]

HIGH_WATER = 4 * 2**20
"""Bytes that may wait for a client that reads slowly; whoever makes more waits, and so does the client's own input."""


class ClientConnection:
    """The writing half of a connection. `sideband` says that it joined a session that another client opened."""

    def __init__(self, connection: ServerConnection, plan: FaultPlan, *, sideband: bool = False) -> None:
        self.connection = connection
        self.sideband = sideband
        self.quota_spent = False  # a fault: every later response fails
        self._twice = False  # a fault: the next event comes twice
        self._plan = plan
        self._queue: deque[str | Action | tuple[int, str]] = deque()
        self._types: deque[str] = deque()
        self._waiting_bytes = 0
        self._ended = False
        self._wake = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()

    def send(self, event: Json) -> None:
        """Queue an event. Nothing is queued for a connection that has ended."""
        if self._ended:
            return
        frame = encode(event)
        self._types.append(event["type"])
        self._waiting_bytes += len(frame)
        if self._waiting_bytes > HIGH_WATER:
            self._room.clear()
        self._push(frame)

    def inject_fault(self, action: Action) -> None:
        """Queue a fault, to happen after what is queued already."""
        self._push(action)

    def end(self, code: int, reason: str) -> None:
        """Queue the end of the connection."""
        self._push((code, reason))

    async def has_room(self) -> None:
        """Wait until the client has read enough of what was queued."""
        await self._room.wait()

    async def write(self) -> None:
        """Send what is queued, until the connection ends: the one writer."""
        loop = asyncio.get_running_loop()
        timers = [loop.call_later(seconds, self.inject_fault, action) for seconds, action in self._plan.timed()]
        try:
            while True:
                while not self._queue:
                    self._wake.clear()
                    await self._wake.wait()
                await self._write_one(self._queue.popleft())
        except ConnectionClosed:
            pass  # the reader sees it too, and ends the session
        finally:
            self._ended = True
            self._room.set()
            for timer in timers:
                timer.cancel()

    def _push(self, entry: str | Action | tuple[int, str]) -> None:
        self._queue.append(entry)
        self._wake.set()

    async def _write_one(self, entry: str | Action | tuple[int, str]) -> None:
        if isinstance(entry, Action):
            await self._suffer(entry, "")
        elif isinstance(entry, tuple):
            await self.connection.close(*entry)
        else:
            for action in self._plan.before(self._types.popleft()):
                await self._suffer(action, entry)
            copies, self._twice = 1 + self._twice, False
            for _ in range(copies):
                await self.connection.send(entry)
            self._waiting_bytes -= len(entry)
            if self._waiting_bytes <= HIGH_WATER:
                self._room.set()

    async def _suffer(self, action: Action, frame: str) -> None:
        await _FAULTS[action.what](self, action, frame)

    async def _close(self, action: Action, frame: str) -> None:
        await self.connection.close(int(action.number), "fault")

    async def _drop(self, action: Action, frame: str) -> None:
        self.connection.transport.abort()
        await self.connection.wait_closed()

    async def _stall(self, action: Action, frame: str) -> None:
        await asyncio.sleep(action.number)

    async def _duplicate(self, action: Action, frame: str) -> None:
        self._twice = True

    async def _malformed(self, action: Action, frame: str) -> None:
        await self.connection.send(frame[: len(frame) // 2] or '{"type": ')

    async def _error(self, action: Action, frame: str) -> None:
        error = api_errors.ApiError("A fault was asked for.", action.text or None, None, "server_error")
        await self.connection.send(encode(error.event()))

    async def _quota(self, action: Action, frame: str) -> None:
        self.quota_spent = True

    async def _expire(self, action: Action, frame: str) -> None:
        expired = api_errors.session_expired(60)
        await self.connection.send(encode(expired.event()))
        await self.connection.close(1001, expired.message)

    async def _nothing(self, action: Action, frame: str) -> None:
        """An HTTP status is given before there is a connection."""


_FAULTS: Mapping[What, Callable[[ClientConnection, Action, str], Awaitable[None]]] = {
    What.CLOSE: ClientConnection._close,
    What.DROP: ClientConnection._drop,
    What.STALL: ClientConnection._stall,
    What.DELAY: ClientConnection._stall,
    What.DUPLICATE: ClientConnection._duplicate,
    What.MALFORMED: ClientConnection._malformed,
    What.ERROR: ClientConnection._error,
    What.QUOTA: ClientConnection._quota,
    What.EXPIRE: ClientConnection._expire,
    What.HTTP: ClientConnection._nothing,
}
