"""A WebSocket whose frames `picows` reads and writes: faster than `websockets`, which has opened it."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import itertools
import logging
import sys
from importlib.metadata import version
from typing import Any

import picows
from picows.picows import WSProtocol  # type: ignore[attr-defined]  # its stubs leave it out
from websockets.exceptions import ConnectionClosedError

from rtcli.http.liveness import Signs
from rtcli.masking import masking_logger
from rtcli.protocol.close_codes import NO_CLOSE_FRAME
from rtcli.transports.messages import Messages, Take
from rtcli.transports.one_host import OneHost

VERSION = version("picows")

_TEXT, _BINARY, _CONTINUATION = picows.WSMsgType.TEXT, picows.WSMsgType.BINARY, picows.WSMsgType.CONTINUATION
_CLOSE, _PONG = picows.WSMsgType.CLOSE, picows.WSMsgType.PONG
_TOO_LARGE, _NO_CODE, _PROTOCOL_ERROR = 1009, 1005, 1002
READ_SIZE = 2**19  # at once: picows doubles its buffer after every full read, beyond what a cache holds
_WRITE_LIMIT = 2**15  # bytes that may wait in the process before a send waits; that of `websockets`
_CLOSE_SECONDS = 1.0  # that the peer has to answer our close frame
_MAGIC = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, section 1.3


class Opened(OneHost):
    """Opens a connection as `websockets` does, and holds what comes behind the upgrade for its PicowsSocket."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.held: bytearray | None = None  # None: the upgrade is not complete
        self._head = b""

    def start_keepalive(self) -> None:
        """The socket that takes it over is watched instead."""

    def data_received(self, data: bytes) -> None:
        """The library parses the response alone; a refusal it gets whole, with its body."""
        if self.held is not None:
            self.held += data
            return
        self._head += data
        head, end, rest = self._head.partition(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 101"[: len(head)]):
            super().data_received(data)
        elif end:
            self.transport.pause_reading()
            self.held = bytearray(rest)
            super().data_received(data[: len(data) - len(rest)])
        else:
            super().data_received(data)


class PicowsSocket(picows.WSListener):
    """What a connection of ours asks of a socket. Messages go to `take` as they arrive, and need no task to fetch them.

    `max_message_bytes` bounds a message, in one frame or several; None: nothing does.
    """

    wakes_reader = True
    is_watched = False

    def __init__(self, opened: Opened, max_message_bytes: int | None) -> None:
        self._max = max_message_bytes
        self._messages = Messages(opened.transport)
        self._writable: asyncio.Future[None] | None = None  # while the system takes no more
        self._pings = itertools.count(1)  # a mark of its own for each: several may be under way
        self._pongs: dict[bytes, asyncio.Future[None]] = {}
        self._drained = 0
        self._gave_up = False
        self._transport = opened.transport
        self._parser = _Parser(self, opened, max_message_bytes)
        self._ws = self._parser.websocket
        # It is done at the end of the connection, with an exception where we ended it: a broken rule, a large message.
        self._ended = asyncio.ensure_future(self._ws.wait_disconnected())
        self._ended.add_done_callback(lambda task: task.cancelled() or task.exception())

    def __repr__(self) -> str:
        return f"<PicowsSocket {'open' if self.close_code is None else f'closed with {self.close_code}'}>"

    # -- what a connection asks --------------------------------------------------------------------

    async def read(self, take: Take) -> None:
        """Hand on every message. Returns at the end of the connection, or raises what `take` raised."""
        self._messages.read(take)
        if not self._ended.done():
            self._transport.resume_reading()
        await asyncio.wait([self._ended])
        await self._messages.all_taken()

    def ignore(self) -> None:
        """Hand on nothing more."""
        self._messages.ignore()

    def write_now(self, frame: bytes) -> bool:
        """Whether the frame went out without waiting."""
        if self._writable is not None or self._ws.is_close_frame_sent or self._ws.is_disconnected:
            return False
        self._ws.send(_TEXT, frame)
        return True

    async def send(self, frame: bytes) -> None:
        """Send JSON as a text message. Raises ConnectionClosed."""
        if self._writable is not None:
            await asyncio.shield(self._writable)
        if self._ended.done() or self._ws.is_close_frame_sent:
            raise ConnectionClosedError(None, None)
        self._ws.send(_TEXT, frame)

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Say that we end, and wait for the peer's answer, but not long."""
        if not self._ws.is_close_frame_sent:
            self._ws.send_close(code, reason.encode())
        await asyncio.wait([self._ended], timeout=_CLOSE_SECONDS)
        self._transport.abort()
        await asyncio.wait([self._ended])

    async def ping(self) -> float:
        """Seconds for one round trip. Raises ConnectionClosed."""
        loop = asyncio.get_running_loop()
        begun, mark = loop.time(), f"rtcli {next(self._pings)}".encode()
        pong = self._pongs[mark] = loop.create_future()
        self._ws.send_ping(mark)
        await asyncio.wait([pong, self._ended], return_when=asyncio.FIRST_COMPLETED)
        self._pongs.pop(mark, None)
        if not pong.done():
            raise ConnectionClosedError(None, None)
        return loop.time() - begun

    def abort(self) -> bool:
        """End the connection without waiting for the peer."""
        self._transport.abort()
        return True

    @property
    def close_code(self) -> int | None:
        """How the connection ended, None while it is open."""
        if self.silent:
            return NO_CLOSE_FRAME
        if self.refused_message:
            return _TOO_LARGE
        if not self._ended.done():
            return None
        received = self._said("recv")
        return NO_CLOSE_FRAME if received is None else int(received.code) or _NO_CODE

    @property
    def close_reason(self) -> str:
        """The words that came with the code."""
        received = self._said("recv")
        return "" if received is None else received.reason or ""

    @property
    def refused_message(self) -> bool:
        """Whether we ended the connection because a message was too large."""
        sent = self._said("sent")
        return sent is not None and int(sent.code) == _TOO_LARGE and not self._ws.close_handshake.recv_then_sent

    def _said(self, by: str) -> Any:
        handshake = self._ws.close_handshake
        return None if handshake is None else getattr(handshake, by)

    # -- what a watch asks --------------------------------------------------------------------------

    @property
    def silent(self) -> bool:
        """Whether we ended the connection because the peer showed no life."""
        return self._gave_up

    def write_ping(self) -> None:
        """Write a ping behind whatever else waits to be sent."""
        self._ws.send_ping(b"rtcli")

    def signs(self) -> Signs:
        """What the peer has done so far."""
        return Signs(self._parser.pieces, self._drained, self._transport.get_write_buffer_size(), reading=True)

    def give_up(self) -> None:
        """End the connection without the peer, and note why."""
        self._gave_up = True
        self._transport.abort()

    def stop_watching(self) -> None:
        """Nothing is left of it."""

    # -- what picows calls --------------------------------------------------------------------------

    def on_ws_connected(self, transport: Any) -> None:
        """The handshake that was played to it is over."""

    def on_ws_frame(self, transport: Any, frame: Any) -> None:
        """One frame. Raises WSProtocolError, which ends the connection with its code."""
        kind, messages = frame.msg_type, self._messages
        if kind == _TEXT and frame.fin and messages.complete and not frame.rsv1:
            messages.whole(frame.get_payload_as_bytes(), False)
        elif kind in (_TEXT, _BINARY, _CONTINUATION):
            self._collect(kind, frame)
        elif kind == _PONG:
            if pong := self._pongs.pop(frame.get_payload_as_bytes(), None):
                pong.set_result(None)
        elif kind == _CLOSE:
            transport.send_close(frame.get_close_code(), frame.get_close_message())
            transport.disconnect()

    def _collect(self, kind: Any, frame: Any) -> None:
        if frame.rsv1:
            raise picows.WSProtocolError(_PROTOCOL_ERROR, "compressed, which nobody asked for")
        binary = None if kind == _CONTINUATION else kind == _BINARY
        try:
            size = self._messages.part(frame.get_payload_as_memoryview(), binary=binary, final=frame.fin)
        except ValueError as error:
            raise picows.WSProtocolError(_PROTOCOL_ERROR, str(error)) from error
        if self._max is not None and size > self._max:
            raise picows.WSProtocolError(_TOO_LARGE, "")

    def on_ws_disconnected(self, transport: Any) -> None:
        """The end, brought about by either side."""
        self.resume_writing()

    def pause_writing(self) -> None:
        """The system takes no more for now."""
        if self._writable is None:
            self._writable = asyncio.get_running_loop().create_future()

    def resume_writing(self) -> None:
        """The system has taken what waited."""
        self._drained += 1
        if self._writable is not None:
            self._writable.set_result(None)
            self._writable = None


class _Parser(asyncio.BufferedProtocol):
    """The parser of picows between the transport of an open connection and a listener; `pieces` counts what comes.

    picows parses nothing before it has seen a handshake: one is played to it, and `websockets` did the real one.
    """

    def __init__(self, listener: PicowsSocket, opened: Opened, max_message_bytes: int | None) -> None:
        transport = opened.transport
        limit = sys.maxsize if max_message_bytes is None else max_message_bytes
        logger = _DebugLog(masking_logger("rtcli.transports.picows"))
        auto_ping = (False, 0, 0, picows.WSAutoPingStrategy.PING_WHEN_IDLE)
        self._inner = inner = WSProtocol(
            "", "/", True, lambda *_: listener, logger, True, None, *auto_ping, True, limit, None, 2**14
        )
        self.pieces = 0
        self._get_buffer = inner.get_buffer
        self._updated = inner.buffer_updated
        handshake = _Handshake(transport)
        inner.connection_made(handshake)
        self._feed(handshake.answer())
        self.websocket = inner.transport
        transport.set_write_buffer_limits(high=_WRITE_LIMIT)
        transport.set_protocol(self)
        self._feed(opened.held or b"")
        if transport.is_closing():
            inner.connection_lost(None)

    def _feed(self, data: bytes | bytearray) -> None:
        while data:
            buffer = self._inner.get_buffer(-1)
            count = min(len(buffer), len(data))
            buffer[:count] = data[:count]
            self._inner.buffer_updated(count)
            data = data[count:]

    def get_buffer(self, sizehint: int) -> memoryview:
        """Where the next bytes go."""
        buffer: memoryview = self._get_buffer(sizehint)
        return buffer[:READ_SIZE]

    def buffer_updated(self, nbytes: int) -> None:
        """Something came."""
        self.pieces += 1
        self._updated(nbytes)

    def eof_received(self) -> bool:
        """The transport closes itself."""
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """The end."""
        self._inner.connection_lost(exc)

    def pause_writing(self) -> None:
        """The system takes no more for now."""
        self._inner.pause_writing()

    def resume_writing(self) -> None:
        """The system has taken what waited."""
        self._inner.resume_writing()


class _DebugLog(logging.LoggerAdapter[logging.Logger]):
    """What ends a connection is told by its owner, and is not an error of the program."""

    def log(self, level: int, msg: object, *args: object, **kwargs: Any) -> None:
        """Whatever the level was."""
        super().log(logging.DEBUG, msg, *args, **kwargs)


class _Handshake:
    """A transport that keeps the upgrade request, and passes everything else to the real one."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._request: bytes | None = b""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """The first thing that is written is the request."""
        if self._request is None:
            self._transport.write(data)
        else:
            self._request += data

    def answer(self) -> bytes:
        """The response that the request asks for; from now on what is written goes out."""
        request, self._request = self._request or b"", None
        key = next(
            line[18:].strip() for line in request.split(b"\r\n") if line.lower().startswith(b"sec-websocket-key:")
        )
        accept = base64.b64encode(hashlib.sha1(key + _MAGIC).digest())
        head = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        return head + b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
