"""One open WebSocket: an outbox, one reader task, one writer task, and their end."""

from __future__ import annotations

import asyncio
import contextlib
import functools
from collections.abc import Awaitable, Callable
from typing import Any

from websockets.asyncio.connection import Connection as LibraryConnection
from websockets.exceptions import ConnectionClosed

from rtcli.errors import UnsupportedError
from rtcli.transports.outbox import Outbox

_READ_SIZE = 64 * 1024
_LINGER = 1.0  # seconds that frames handed over before close() may take to leave


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
        _read_in_pieces(socket)
        self.outbox = Outbox(max_outbox_bytes)
        self._on_frame = on_frame
        self._on_end = on_end
        self._wake = asyncio.Event()
        self._empty = asyncio.Event()
        self._empty.set()
        self._writer_waits = True
        self._closing = False
        self._reader: asyncio.Task[None] | None = None
        self._writer: asyncio.Task[None] | None = None
        self._closer: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to read and to write. Frames sent before go out first."""
        self._reader = asyncio.create_task(self._read(), name="rtcli reader")
        self._writer = asyncio.create_task(self._write(), name="rtcli writer")

    def send(self, frame: bytes, audio_bytes: int = 0) -> None:
        """Put a frame into the outbox; see `Outbox.put`."""
        self.outbox.put(frame, audio_bytes)
        if self._writer_waits:
            self._writer_waits = False
            self._empty.clear()
            self._wake.set()

    async def flush(self) -> None:
        """Wait until the socket has taken everything that was sent before; raises nothing when the connection ends."""
        await self._empty.wait()

    async def ping(self) -> float:
        """Seconds for one round trip. Raises ConnectionClosed, UnsupportedError."""
        if not isinstance(self.socket, LibraryConnection):
            raise UnsupportedError("this WebSocket is not ours to ping")
        return await (await self.socket.ping())

    def close(self, code: int = 1000, reason: str = "") -> None:
        """Begin to close: what is in the outbox still goes out, if the peer takes it within a second."""
        if not self._closing:
            self._closing = True
            self._begin_to_close(code, reason)

    def abort(self) -> None:
        """End a connection that is closing without waiting for the peer any longer."""
        if isinstance(self.socket, LibraryConnection):
            self.socket.transport.abort()
        elif self._closer is not None:
            self._closer.cancel()

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

    async def _write(self) -> None:
        send, outbox = _sender(self.socket), self.outbox
        try:
            while True:
                while (frame := outbox.take()) is not None:
                    await send(frame)
                self._writer_waits = True
                self._empty.set()
                self._wake.clear()
                await self._wake.wait()
        except ConnectionClosed:
            pass  # the reader meets the end too, and tells
        except Exception as failure:  # noqa: BLE001  a socket of the caller's own may raise anything
            self._ended(failure)
            self._begin_to_close(1011, "")

    def _ended(self, error: BaseException | None) -> None:
        if self._writer is not None and self._writer is not asyncio.current_task():
            self._writer.cancel()
        self.outbox.clear()
        self._empty.set()
        if not self._closing:
            self._closing = True
            self._on_end(error)

    def _begin_to_close(self, code: int, reason: str) -> None:
        self._closer = asyncio.create_task(self._close(code, reason), name="rtcli closer")

    async def _close(self, code: int, reason: str) -> None:
        if self._writer is not None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LINGER):
                    await self._empty.wait()
            self._writer.cancel()
        try:
            with contextlib.suppress(Exception):  # it is gone either way
                await self.socket.close(code, reason)
        finally:
            if self._reader is not None and not isinstance(self.socket, LibraryConnection):
                self._reader.cancel()  # a socket of the caller's own need not wake its reader


def _read_in_pieces(socket: Any) -> None:
    """Read at most 64 KiB at once: asyncio asks for 256 KiB, which the allocator maps and unmaps for every read, and
    that is a fifth of what receiving at full speed costs."""
    if isinstance(socket, LibraryConnection):
        with contextlib.suppress(AttributeError):  # another loop's transport
            setattr(socket.transport, "max_size", _READ_SIZE)  # noqa: B010  not in the type of a transport


def _receiver(socket: Any) -> Callable[[], Awaitable[str | bytes]]:
    """Read frames as bytes where that is possible: JSON is decoded from them directly, and invalid UTF-8 is then one
    bad frame and not the end of the connection."""
    if isinstance(socket, LibraryConnection):
        return functools.partial(socket.recv, decode=False)
    receive: Callable[[], Awaitable[str | bytes]] = socket.recv
    return receive


def _sender(socket: Any) -> Callable[[bytes], Awaitable[None]]:
    """Send JSON as a text frame. A socket of the caller's own gets it as text, ours need not encode it again."""
    if isinstance(socket, LibraryConnection):
        return functools.partial(socket.send, text=True)

    async def send(frame: bytes) -> None:
        await socket.send(frame.decode())

    return send
