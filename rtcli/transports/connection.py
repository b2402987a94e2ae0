"""One open WebSocket: an ordered outbox with a bound, one reader task, one writer task, and their end."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from websockets.asyncio.connection import Connection as LibraryConnection
from websockets.exceptions import ConnectionClosed

from rtcli.errors import OutboxFullError

logger = logging.getLogger("rtcli.transports")

_LINGER = 1.0  # seconds that frames handed over before close() may take to leave


@dataclass(slots=True, eq=False)
class _Entry:
    frame: str | None  # None: dropped
    size: int
    droppable_bytes: int  # of live audio; 0: never dropped


class Connection:
    """Owns an open socket until `wait_closed` returns.

    `socket` is open and offers `send`, `recv`, `close`, `close_code` and `close_reason`, as connections of `websockets`
    do. `on_frame` gets every frame, `on_end` is called once if the connection ends without `close`; both on the loop.
    """

    def __init__(
        self,
        socket: Any,
        *,
        on_frame: Callable[[str | bytes], None],
        on_end: Callable[[BaseException | None], None],
        max_outbox_bytes: int,
    ) -> None:
        self.socket = socket
        self.dropped_audio_bytes = 0
        self._on_frame = on_frame
        self._on_end = on_end
        self._max_outbox_bytes = max_outbox_bytes
        self._outbox: deque[_Entry] = deque()
        self._droppable: deque[_Entry] = deque()
        self._outbox_bytes = 0
        self._wake = asyncio.Event()
        self._empty = asyncio.Event()
        self._empty.set()
        self._closing = False
        self._reader: asyncio.Task[None] | None = None
        self._writer: asyncio.Task[None] | None = None
        self._closer: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to read and to write. Frames sent before go out first."""
        self._reader = asyncio.create_task(self._read(), name="rtcli reader")
        self._writer = asyncio.create_task(self._write(), name="rtcli writer")

    @property
    def outbox_bytes(self) -> int:
        """Bytes handed over and not yet taken by the socket."""
        return self._outbox_bytes

    def send(self, frame: str, droppable_bytes: int = 0) -> None:
        """Put a frame into the outbox. Live audio (`droppable_bytes` of sound) may be dropped again, oldest first.

        Raises OutboxFullError when there is no room, even without live audio.
        """
        size = len(frame)
        if self._outbox_bytes + size > self._max_outbox_bytes and not self._make_room(size):
            if droppable_bytes:
                self.dropped_audio_bytes += droppable_bytes
                return
            raise OutboxFullError(
                f"{self._outbox_bytes:,} bytes wait to be sent and {size:,} more do not fit",
                why="the server reads more slowly than events are sent",
                hint="wait with flush() between sends, or give a larger max_outbox_bytes",
            )
        entry = _Entry(frame, size, droppable_bytes)
        self._outbox.append(entry)
        if droppable_bytes:
            self._droppable.append(entry)
        self._outbox_bytes += size
        self._empty.clear()
        self._wake.set()

    def _make_room(self, size: int) -> bool:
        while self._droppable and self._outbox_bytes + size > self._max_outbox_bytes:
            entry = self._droppable.popleft()
            if entry.frame is not None:
                entry.frame = None
                self._outbox_bytes -= entry.size
                self.dropped_audio_bytes += entry.droppable_bytes
        return self._outbox_bytes + size <= self._max_outbox_bytes

    async def flush(self) -> None:
        """Wait until the socket has taken everything that was sent before; raises nothing when the connection ends."""
        await self._empty.wait()

    def close(self, code: int = 1000, reason: str = "") -> None:
        """Begin to close: what is in the outbox still goes out, if the peer takes it within a second."""
        if not self._closing:
            self._closing = True
            self._closer = asyncio.create_task(self._close(code, reason), name="rtcli closer")

    async def wait_closed(self) -> None:
        """Wait until the socket is closed and no task is left."""
        tasks = [task for task in (self._reader, self._writer, self._closer) if task is not None]
        if tasks:
            await asyncio.wait(tasks)

    # -- tasks -----------------------------------------------------------------------------------

    async def _read(self) -> None:
        error: BaseException | None = None
        receive = _receiver(self.socket)
        try:
            while True:
                frame = await receive()
                if not self._closing:
                    self._on_frame(frame)
        except ConnectionClosed:
            pass
        except Exception as failure:  # noqa: BLE001  a socket of the caller's own may raise anything
            error = failure
        self._ended(error)

    def _ended(self, error: BaseException | None) -> None:
        if self._writer is not None:
            self._writer.cancel()
        self._outbox.clear()
        self._droppable.clear()
        self._outbox_bytes = 0
        self._empty.set()
        if not self._closing:
            self._closing = True
            self._on_end(error)

    async def _write(self) -> None:
        outbox = self._outbox
        with contextlib.suppress(ConnectionClosed):  # the reader meets the end too, and tells
            while True:
                while outbox:
                    entry = outbox.popleft()
                    if self._droppable and self._droppable[0] is entry:
                        self._droppable.popleft()
                    if entry.frame is None:
                        continue
                    await self.socket.send(entry.frame)
                    self._outbox_bytes -= entry.size
                self._empty.set()
                self._wake.clear()
                await self._wake.wait()

    async def _close(self, code: int, reason: str) -> None:
        if self._writer is not None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LINGER):
                    await self._empty.wait()
            self._writer.cancel()
        with contextlib.suppress(Exception):  # it is gone either way
            await self.socket.close(code, reason)
        if self._reader is not None and not isinstance(self.socket, LibraryConnection):
            self._reader.cancel()  # a socket of the caller's own need not wake its reader


def _receiver(socket: Any) -> Callable[[], Awaitable[str | bytes]]:
    """Read frames as bytes where that is possible: JSON is decoded from them directly, and invalid UTF-8 is then one
    bad frame and not the end of the connection."""
    if isinstance(socket, LibraryConnection):
        return functools.partial(socket.recv, decode=False)
    receive: Callable[[], Awaitable[str | bytes]] = socket.recv
    return receive
