"""The seam to a WebSocket: what a caller's own has to offer, and what a connection of ours asks of either kind."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, cast

from websockets.asyncio.connection import Connection as LibraryConnection
from websockets.exceptions import ConnectionClosed
from websockets.frames import Frame, Opcode
from websockets.protocol import Event, State

from rtcli.errors import UnsupportedError
from rtcli.http.liveness import Keepalive, Signs, write_ping
from rtcli.protocol.close_codes import NO_CLOSE_FRAME
from rtcli.transports.messages import Messages, Take, TurnLimit, drop
from rtcli.transports.whole_texts import WholeTexts

if TYPE_CHECKING:
    from rtcli.transports.picows_socket import PicowsSocket

_READ_SIZE = 64 * 1024
_TEXT, _BINARY, _CONTINUATION = Opcode.TEXT, Opcode.BINARY, Opcode.CONT  # a member costs a search through its class
_DATA = (_TEXT, _BINARY, _CONTINUATION)
_TOO_LARGE = 1009  # the close code for a message that is larger than the reader takes


class WebSocketLike(Protocol):
    """An open WebSocket, as `websockets.asyncio.client.connect` returns it.

    `recv` and `send` raise `websockets.ConnectionClosed` at the end of the connection; any other exception ends it too.
    """

    @property
    def close_code(self) -> int | None:
        """How the connection ended, None while it is open."""

    @property
    def close_reason(self) -> str | None:
        """The words that came with the code."""

    async def recv(self) -> str | bytes:
        """The next message."""

    async def send(self, message: str, /) -> None:
        """Send a text message."""

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Begin the closing handshake and wait for its end."""


class CreateWebSocket(Protocol):
    """Replaces the dialing: `await create_websocket(url, headers)`; raises as `websockets` does when it fails."""

    def __call__(self, url: str, headers: dict[str, str], /) -> Awaitable[WebSocketLike]:
        """An open WebSocket."""


class CallerSocket:
    """A WebSocket of the caller's own, of which no more is known than `WebSocketLike` says."""

    wakes_reader = False  # close() need not end a recv() that waits
    refused_message = False
    is_watched = False  # for life, by itself
    silent = False  # the peer has shown no life: nothing more is expected of it

    def __init__(self, socket: WebSocketLike) -> None:
        self._socket = socket
        self.close = socket.close
        self._take: Take | None = None
        self._signs = 0  # messages received and sent, pings answered
        self._sending = False
        self._ping: asyncio.Task[None] | None = None  # the last one, where the socket has pings

    @property
    def close_code(self) -> int | None:
        """How the connection ended, None while it is open."""
        return NO_CLOSE_FRAME if self.silent else self._socket.close_code

    @property
    def close_reason(self) -> str:
        """The words that came with the code."""
        return self._socket.close_reason or ""

    async def read(self, take: Take) -> None:
        """Hand on every message. Raises what the socket raises at its end."""
        self._take = self._take or take
        limit = TurnLimit()
        while True:
            limit.begin()
            for _ in range(limit.messages):
                message = await self._socket.recv()
                self._signs += 1
                self._take(message, isinstance(message, bytes))
            limit.full()
            await asyncio.sleep(0)  # messages that are there already are received without letting others run

    def ignore(self) -> None:
        """Hand on nothing more."""
        self._take = drop

    @staticmethod
    def write_now(_frame: bytes) -> bool:
        """Whether the frame went out without waiting: here every send has to be awaited."""
        return False

    async def send(self, frame: bytes) -> None:
        """Send JSON as a text message."""
        self._sending = True
        await self._socket.send(frame.decode())
        self._sending = False
        self._signs += 1

    async def ping(self) -> float:
        """Seconds for one round trip, where the socket can ping as `websockets` does. Raises UnsupportedError."""
        began, ping = time.monotonic(), getattr(self._socket, "ping", None)
        try:
            pong = await ping() if ping is not None else None
            if not inspect.isawaitable(pong):
                raise UnsupportedError("this WebSocket does not tell when a ping is answered")
            await pong
        except (ConnectionClosed, UnsupportedError):
            raise
        except Exception as error:  # whatever a stranger's socket raises
            raise UnsupportedError("this WebSocket cannot ping", why=f"{type(error).__name__}: {error}") from error
        return time.monotonic() - began

    def abort(self) -> bool:
        """Whether the connection could be ended without the peer: here it cannot."""
        return False

    def write_ping(self) -> None:
        """Ping, as `websockets` does it, where the socket can; not before the last one was answered."""
        ping = getattr(self._socket, "ping", None)
        if ping is not None and (self._ping is None or self._ping.done()):
            self._ping = asyncio.get_running_loop().create_task(self._answered(ping), name="rtcli ping")

    async def _answered(self, ping: Callable[[], Awaitable[Any]]) -> None:
        with contextlib.suppress(Exception):  # the reader meets the end too, and tells
            pong = await ping()
            if inspect.isawaitable(pong):
                await pong
                self._signs += 1

    def signs(self) -> Signs:
        """What the peer has done: without pings its silence proves nothing, unless it does not take what is sent."""
        return Signs(self._signs, 0, 0, reading=self._ping is not None or self._sending)

    def give_up(self) -> None:
        """Note that the peer shows no life."""
        self.silent = True

    def stop_watching(self) -> None:
        """Leave no ping behind."""
        if self._ping is not None:
            self._ping.cancel()


class LibrarySocket:
    """A connection of `websockets`, used where it is faster, or kinder to bad input, than its plain interface."""

    wakes_reader = True

    def __init__(self, socket: LibraryConnection) -> None:
        self._socket = socket
        self.close = socket.close
        # asyncio asks for 256 KiB at once, which the allocator maps and unmaps for every read: that is a fifth of what
        # receiving at full speed costs.
        with contextlib.suppress(AttributeError):  # another loop's transport
            setattr(socket.transport, "max_size", _READ_SIZE)  # noqa: B010  not in the type of a transport
        self._messages = Messages(socket.transport)
        self._hand_on_frames()
        self._gave_up = False
        self._frames = self._drained = 0  # signs of life of a connection that does not watch itself
        if not self.is_watched:
            self._note_life()

    def _hand_on_frames(self) -> None:
        """Take frames as they are parsed: the library would queue them, and wake a task for every message."""
        process_event, messages, waiting = self._socket.process_event, self._messages, self._socket.recv_messages

        def hand_on(event: Event) -> None:
            if not isinstance(event, Frame) or event.opcode not in _DATA:
                process_event(event)
            elif event.fin and event.opcode is _TEXT and messages.complete:
                messages.whole(bytes(event.data), False)  # the library's own may be a bytearray
            else:
                binary = None if event.opcode is _CONTINUATION else event.opcode is _BINARY
                messages.part(bytes(event.data), binary=binary, final=event.fin)

        early = list(waiting.frames.queue)  # what came before the connection was ours
        waiting.frames.queue.clear()
        for frame in early:
            hand_on(frame)
        if waiting.paused:
            waiting.paused = False
            waiting.resume()
        setattr(self._socket, "process_event", hand_on)  # noqa: B010  (a method, replaced for this one object)
        if isinstance(self._socket, WholeTexts):
            self._socket.messages = messages

    def _note_life(self) -> None:
        """Count what a connection that was dialed elsewhere does, as `Keepalive` does for those of ours."""
        process_event, resume_writing = self._socket.process_event, self._socket.resume_writing

        def counting(event: Event) -> None:
            self._frames += 1
            process_event(event)

        def resuming() -> None:
            self._drained += 1
            resume_writing()

        setattr(self._socket, "process_event", counting)  # noqa: B010  (methods, replaced for this one object)
        setattr(self._socket, "resume_writing", resuming)  # noqa: B010

    @property
    def is_watched(self) -> bool:
        """Whether it watches itself for life."""
        return isinstance(self._socket, Keepalive)

    def write_ping(self) -> None:
        """Write a ping behind whatever else waits to be sent."""
        write_ping(self._socket)

    def signs(self) -> Signs:
        """What the peer has done so far."""
        waiting = self._socket.transport.get_write_buffer_size()
        return Signs(self._frames, self._drained, waiting, reading=True)

    def give_up(self) -> None:
        """End the connection without the peer, and note why."""
        self._gave_up = True
        self.abort()

    def stop_watching(self) -> None:
        """Nothing is left of it."""

    @property
    def refused_message(self) -> bool:
        """Whether we ended the connection because a message was too large."""
        protocol = self._socket.protocol
        sent = protocol.close_sent
        return sent is not None and sent.code == _TOO_LARGE and not protocol.close_rcvd_then_sent

    @property
    def silent(self) -> bool:
        """Whether we ended the connection because the peer showed no life."""
        return self._gave_up or (isinstance(self._socket, Keepalive) and self._socket.silent)

    @property
    def close_code(self) -> int | None:
        """How the connection ended, None while it is open."""
        if self.silent:
            return NO_CLOSE_FRAME
        # The library says 1006 where the peer did not answer our close frame.
        return _TOO_LARGE if self.refused_message else self._socket.close_code

    @property
    def close_reason(self) -> str:
        """The words that came with the code."""
        return self._socket.close_reason or ""

    async def read(self, take: Take) -> None:
        """Hand on every message. Returns at the end of the connection, or raises what `take` raised."""
        self._messages.read(take)
        await asyncio.shield(self._socket.connection_lost_waiter)
        await self._messages.all_taken()

    def ignore(self) -> None:
        """Hand on nothing more."""
        self._messages.ignore()

    def write_now(self, frame: bytes) -> bool:
        """Whether the frame went out without waiting: the library's `send` is a coroutine for the other cases alone."""
        socket = self._socket
        if socket.paused or socket.protocol.state is not State.OPEN:
            return False
        socket.protocol.send_text(frame)
        socket.send_data()
        return True

    def send(self, frame: bytes) -> Awaitable[None]:
        """Send JSON as a text message; it need not be encoded again."""
        return self._socket.send(frame, text=True)

    async def ping(self) -> float:
        """Seconds for one round trip. Raises ConnectionClosed."""
        return await (await self._socket.ping())

    def abort(self) -> bool:
        """End the connection without waiting for the peer."""
        self._socket.transport.abort()
        return True


OpenSocket: TypeAlias = "WebSocketLike | PicowsSocket"
Dial: TypeAlias = Callable[[str, dict[str, str]], Awaitable[OpenSocket]]
Socket: TypeAlias = "CallerSocket | LibrarySocket | PicowsSocket"


def adapt(socket: OpenSocket) -> Socket:
    """Any kind, under the names that a connection uses."""
    if isinstance(socket, LibraryConnection):
        return LibrarySocket(socket)
    return cast("PicowsSocket", socket) if hasattr(socket, "read") else CallerSocket(socket)
