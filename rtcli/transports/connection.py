"""One open WebSocket: an outbox, one reader task, one writer task, and their end."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

from websockets.exceptions import ConnectionClosed

from rtcli.errors import ConnectionLostError
from rtcli.http.liveness import watch
from rtcli.masking import masked
from rtcli.protocol.close_codes import TOO_LARGE
from rtcli.protocol.events import Event
from rtcli.transports import connection_errors
from rtcli.transports.outbox import Outbox
from rtcli.transports.sockets import OpenSocket, adapt

_DIRECT = 2**16  # bytes of a frame that needs no turn of the writer; what is larger may have to wait, and is bounded
_LINGER = 0.6  # seconds that frames handed over before close() may take to leave
_CLOSE_SECONDS = 0.9  # until the connection is aborted after close(), the linger included
_PATIENCE = 0.2  # seconds for a closing handshake with a peer that has been given up


class WebSocketConnection:
    """Owns an open socket until `wait_closed` returns.

    With `ping_interval` and `ping_timeout` a peer that shows no life is given up. `on_frame` gets every message and
    whether it was a binary one, `on_end` is called once if the connection ends without `close`; both on the loop.
    """

    def __init__(
        self,
        socket: OpenSocket,
        *,
        on_frame: Callable[[str | bytes, bool], None],
        on_end: Callable[[BaseException | None], None],
        max_outbox_bytes: int,
        ping_interval: float | None = None,
        ping_timeout: float | None = None,
    ) -> None:
        self.outbox = Outbox(max_outbox_bytes)
        self._socket = adapt(socket)
        self._on_frame = on_frame
        self._on_end = on_end
        self._wake = asyncio.Event()  # there is something to write
        self._empty = asyncio.Event()  # the socket has taken everything
        self._empty.set()
        self._writer_waits = True
        self._closing = False  # by us, or because the connection ended: nothing is read any more
        self._reader: asyncio.Task[None] | None = None
        self._writer: asyncio.Task[None] | None = None
        self._closer: asyncio.Task[None] | None = None
        self._ping_interval, self._ping_timeout = ping_interval, ping_timeout
        self._watcher: asyncio.Task[None] | None = None  # for life, where the socket does not watch itself

    def __repr__(self) -> str:
        state = "closing" if self._closing else "open" if self._reader else "not started"
        code = f", close code {self.close_code}" if self.close_code else ""
        return f"<WebSocketConnection {state}{code}, {self.outbox.waiting_bytes} bytes wait>"

    @property
    def close_code(self) -> int | None:
        """How the connection ended, None while it is open."""
        return self._socket.close_code

    @property
    def close_reason(self) -> str:
        """The words that came with the code, or why we ended it; a server may repeat a key in them."""
        if self._socket.silent:
            return connection_errors.SILENT
        if self._socket.refused_message:
            return TOO_LARGE
        return masked(self._socket.close_reason)

    def lost_error(self, server_said: Event | None, max_message_bytes: int | None) -> ConnectionLostError:
        """Why it ended, from its close frame and the server's last `error` event; or that we ended it, because a
        message was larger than `max_message_bytes`."""
        if self._socket.silent:
            return connection_errors.peer_silent(server_said)
        if self._socket.refused_message:
            return connection_errors.message_too_large(max_message_bytes or 0)
        return connection_errors.connection_lost(self.close_code, self.close_reason, server_said)

    def start(self) -> None:
        """Begin to read and to write. Frames sent before go out first."""
        self._reader = asyncio.create_task(self._read(), name="rtcli reader")
        self._writer = asyncio.create_task(self._write(), name="rtcli writer")
        if self._ping_interval is not None and self._ping_timeout is not None and not self._socket.is_watched:
            watching = self._watch(self._ping_interval, self._ping_timeout)
            self._watcher = asyncio.create_task(watching, name="rtcli watcher")

    def send(self, frame: bytes, audio_bytes: int = 0, audio_seconds: float = 0.0) -> None:
        """Write a frame, or put it into the outbox behind what waits there already; see `Outbox.put`."""
        if self._writer_waits:
            if len(frame) <= _DIRECT and self._socket.write_now(frame):
                return
            self._writer_waits = False
            self._empty.clear()
            self._wake.set()
        self.outbox.put(frame, audio_bytes, audio_seconds)

    async def flush(self) -> None:
        """Wait until the socket has taken everything that was sent before; raises nothing when the connection ends."""
        await self._empty.wait()

    async def ping(self) -> float:
        """Seconds for one round trip. Raises ConnectionClosed, UnsupportedError."""
        return await self._socket.ping()

    def close(self, code: int = 1000, reason: str = "") -> None:
        """Begin to close: what is in the outbox still goes out, if the peer takes it within a second."""
        if not self._closing:
            self._closing = True
            self._socket.ignore()
            self._begin_to_close(code, reason)

    async def wait_closed(self) -> None:
        """Wait until the socket is closed and no task is left."""
        tasks = [task for task in (self._reader, self._writer, self._closer, self._watcher) if task is not None]
        if tasks:
            await asyncio.wait(tasks)

    async def give_up(self) -> None:
        """Wait for the end of a connection that is closing, but not long for a peer that does not answer."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_PATIENCE):
                await self.wait_closed()
        if not self._socket.abort() and self._closer is not None:
            self._closer.cancel()
        await self.wait_closed()

    # -- tasks -----------------------------------------------------------------------------------

    async def _read(self) -> None:
        error: BaseException | None = None
        try:
            await self._socket.read(self._on_frame)
        except ConnectionClosed:
            pass
        except Exception as failure:  # noqa: BLE001  a socket of the caller's own may raise anything
            error = failure
        self._ended(error)

    async def _write(self) -> None:
        send, outbox = self._socket.send, self.outbox
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

    async def _watch(self, interval: float, timeout: float) -> None:  # noqa: ASYNC109  (of the peer)
        try:
            await watch(self._socket, interval, timeout)
        finally:
            self._socket.stop_watching()
        self._ended(None)
        self._begin_to_close(1011, "")

    def _ended(self, error: BaseException | None) -> None:
        for task in (self._writer, self._watcher):
            if task is not None and task is not asyncio.current_task():
                task.cancel()
        self.outbox.clear()
        self._empty.set()
        if not self._closing:
            self._closing = True
            self._socket.ignore()
            self._on_end(error)

    def _begin_to_close(self, code: int, reason: str) -> None:
        self._closer = asyncio.create_task(self._close(code, reason), name="rtcli closer")

    async def _close(self, code: int, reason: str) -> None:
        deadline = asyncio.get_running_loop().time() + _CLOSE_SECONDS
        if self._watcher is not None:
            self._watcher.cancel()
        if self._writer is not None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LINGER):
                    await self._empty.wait()
            self._writer.cancel()
        try:
            with contextlib.suppress(Exception):  # it is gone either way
                async with asyncio.timeout_at(deadline):
                    await self._socket.close(code, reason)
        finally:
            # A peer that takes nothing, or does not answer, would hold the socket and its reader for ever.
            if self._socket.close_code is None:
                self._socket.abort()
            if self._reader is not None and not self._socket.wakes_reader:
                self._reader.cancel()
