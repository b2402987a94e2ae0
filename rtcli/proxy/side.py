"""One side of a connection: a WebSocket whose messages go on as soon as they are whole, without a task or a queue."""

from __future__ import annotations

import asyncio
from typing import Any, Protocol

from websockets.exceptions import WebSocketException
from websockets.frames import Frame, Opcode
from websockets.protocol import Event, State

from rtcli.http.liveness import Keepalive, Signs
from rtcli.proxy.message import SideClose

MAX_MESSAGE = 64 * 2**20
"""Bytes; a larger message ends the connection with 1009."""

HIGH_WATER = 2**20
"""Bytes that may wait in a side until its peer reads; the other side is not read meanwhile."""

CLOSE_SECONDS = 3.0
"""How long a peer may take to answer our Close frame, or to take the next of what waits before it."""

_TEXT, _BINARY, _CONT, _CLOSE = Opcode.TEXT, Opcode.BINARY, Opcode.CONT, Opcode.CLOSE
_NOT_SENT = (1005, 1006)  # close codes that stand for what no Close frame says


class Receiver(Protocol):
    """Who gets what comes from a side."""

    def message(self, data: bytes, binary: bool) -> None:
        """A whole message."""

    def ended(self, close: SideClose) -> None:
        """The side has closed, or was lost: nothing more comes."""

    def room(self, free: bool) -> None:
        """The side takes more, or nothing for now."""

    def gone(self) -> None:
        """The TCP connection is over."""


class Side(Keepalive):
    """A base for connections of `websockets`, before their own class. What comes before `join` is kept until then."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._receiver: Receiver | None = None
        self._early: list[tuple[bytes, bool] | SideClose] = []
        self._pieces_of: list[bytes] = []  # of a fragmented message
        self._binary = False  # that one
        self._told = False  # the receiver knows of the end
        self._ending: asyncio.TimerHandle | None = None
        self._unread = False  # reading is paused

    def join(self, receiver: Receiver) -> None:
        """Hand everything to `receiver` from now on."""
        self._receiver = receiver
        early, self._early = self._early, []
        for entry in early:
            if isinstance(entry, SideClose):
                receiver.ended(entry)
            else:
                receiver.message(*entry)

    # what comes -------------------------------------------------------------------------------------------------------

    def process_event(self, event: Event) -> None:
        """A frame, or the head of a handshake."""
        if type(event) is not Frame:
            super().process_event(event)  # type: ignore[misc]  # the library's connection comes behind this class
            return
        opcode = event.opcode
        if opcode is _TEXT or opcode is _BINARY:
            if event.fin:
                self._message(bytes(event.data), opcode is _BINARY)
            else:
                self._pieces_of, self._binary = [bytes(event.data)], opcode is _BINARY
        elif opcode is _CONT:
            self._pieces_of.append(bytes(event.data))
            if event.fin:
                whole, self._pieces_of = b"".join(self._pieces_of), []
                self._message(whole, self._binary)
        elif opcode is _CLOSE:
            close = self.protocol.close_rcvd
            self._expect_end()
            self._end(SideClose(None) if close.code in _NOT_SENT else SideClose(int(close.code), close.reason))

    def _message(self, data: bytes, binary: bool) -> None:
        if self._receiver is not None:
            self._receiver.message(data, binary)
        else:
            self._early.append((data, binary))

    def _end(self, close: SideClose) -> None:
        if self._told:
            return
        self._told = True
        if self._receiver is not None:
            self._receiver.ended(close)
        else:
            self._early.append(close)

    def connection_lost(self, exc: Exception | None) -> None:
        """The TCP connection is over."""
        super().connection_lost(exc)
        if self._ending is not None:
            self._ending.cancel()
        sent = self.protocol.close_sent
        # We have ended it, for what the peer sent: 1009, 1002, 1007. The other side learns that.
        failed = sent is not None and self.protocol.parser_exc is not None and sent.code not in _NOT_SENT
        self._end(SideClose(int(sent.code), sent.reason) if failed else SideClose(lost=True))
        if self._receiver is not None:
            self._receiver.gone()

    # what goes --------------------------------------------------------------------------------------------------------

    def write(self, data: bytes, binary: bool) -> None:
        """Send a message; nothing is sent on a side that has closed."""
        protocol = self.protocol
        if protocol.state is not State.OPEN or self.transport.is_closing():
            return
        if binary:
            protocol.send_binary(data)
        else:
            protocol.send_text(data)
        self.send_data()

    def end(self, close: SideClose) -> None:
        """Close this side: with a Close frame that the peer may answer, or without a word."""
        if close.lost:
            self.transport.abort()
        elif self.protocol.state is State.OPEN:
            try:
                self.protocol.send_close(close.code, close.reason)
            except WebSocketException:  # a code that no Close frame may carry
                self.transport.abort()
                return
            self.send_data()
            self._expect_end()

    def _expect_end(self, waited: int = 0) -> None:
        """Abort the connection unless it ends in time. A slow peer has time as long as it takes what waits."""
        if self._ending is not None and not waited:
            return
        waits = self.transport.get_write_buffer_size()
        if waited and waits >= waited:
            self.transport.abort()
            return
        self._ending = asyncio.get_running_loop().call_later(CLOSE_SECONDS, self._expect_end, waits or 1)

    def read(self, on: bool) -> None:
        """Read on, or stop reading."""
        if self._unread is on and not self.transport.is_closing():
            self._unread = not on
            (self.transport.resume_reading if on else self.transport.pause_reading)()

    # flow control and life --------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Larger limits than the library's: what is passed on has come at the same speed."""
        super().connection_made(transport)
        self.transport.set_write_buffer_limits(HIGH_WATER)

    def pause_writing(self) -> None:
        """The peer does not read fast enough."""
        super().pause_writing()
        if self._receiver is not None:
            self._receiver.room(False)

    def resume_writing(self) -> None:
        """It does again."""
        super().resume_writing()
        if self._receiver is not None:
            self._receiver.room(True)

    def signs(self) -> Signs:
        """What the peer has done so far."""
        return Signs(self._pieces, self._drained, self.transport.get_write_buffer_size(), reading=not self._unread)
