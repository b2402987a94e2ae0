"""The data channel of a call as a connection: it has the manners of a WebSocket, so a session takes it as one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from websockets.exceptions import ConnectionClosedError

from rtcli.protocol.events import Malformed, decode, encode
from rtcli.rtc.peer import Peer, PeerEnd
from rtcli.server.runtime.recorder import ConnectionRecorder
from rtcli.server.validation.api_errors import ApiError

MAX_UNREAD = 8 * 2**20
"""Bytes of messages that may wait to be handled: a data channel cannot be read slowly, so beyond it the call ends."""

_LINGER = 1.0  # seconds for what was sent to leave, before the peer ends


class ChannelConnection:
    """Sends wait until the channel is open. What ends the peer ends this; `opened` and the other two are told."""

    remote_address = None
    recorder: ConnectionRecorder | None = None
    close_code: int | None = None
    close_reason: str | None = None

    def __init__(self) -> None:
        self.peer: Peer | None = None  # set before anything is sent
        self._unread = 0  # bytes of what waits in the next one
        self._received: asyncio.Queue[str | bytes | None] = asyncio.Queue()  # None: the end
        self._opened = asyncio.Event()  # or ended before it was
        self._ended = asyncio.Event()

    @property
    def transport(self) -> ChannelConnection:
        """What `abort` ends."""
        return self

    @property
    def has_ended(self) -> bool:
        """Nothing is sent any more; what came before is still read."""
        return self._ended.is_set()

    # from the peer ----------------------------------------------------------------------------------------------------

    def on_open(self) -> None:
        """The channel takes messages."""
        self._opened.set()

    def on_text(self, message: str | bytes) -> None:
        """A message has come."""
        self._unread += len(message)
        if self._unread > MAX_UNREAD:
            self.on_end(PeerEnd.LOST)
            return
        if self.recorder is not None:
            self.recorder.from_client(message)
        self._received.put_nowait(message)

    def on_end(self, why: PeerEnd | None = None) -> None:
        """The peer has ended; None: from here."""
        if not self.has_ended:
            self.close_reason = self.close_reason or (why.value if why else "")
            if why is PeerEnd.CHANNEL_CLOSED:
                self.close_code = 1000  # how a client leaves: there is no close frame that could say so
            self._ended.set()
            self._opened.set()
            self._received.put_nowait(None)

    # as a connection --------------------------------------------------------------------------------------------------

    async def send(self, message: str | bytes) -> None:
        """Send an event; in the place of one that is larger than the client takes goes an error that names it."""
        await self._opened.wait()
        if self.has_ended or self.peer is None:
            raise ConnectionClosedError(None, None)
        if self.recorder is not None:
            self.recorder.to_client(message)
        text = message if isinstance(message, str) else message.decode("utf-8", "replace")
        try:
            await self.peer.send(text)
        except ValueError:
            await self.peer.send(_too_large(text, self.peer.max_message_bytes or 0))
        except ConnectionError as error:
            raise ConnectionClosedError(None, None) from error

    async def __aiter__(self) -> AsyncIterator[str | bytes]:
        while (message := await self._received.get()) is not None:
            self._unread -= len(message)
            yield message

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """End the call: a data channel knows no code and no reason, so they are only remembered."""
        if not self.has_ended:
            self.close_code, self.close_reason = code, reason
            if self.peer is not None:
                await self.peer.close(_LINGER)
            self.on_end()

    async def wait_closed(self) -> None:
        """Wait for the end."""
        await self._ended.wait()

    def abort(self) -> None:
        """End it now; what is left of the peer goes with the call."""
        self.on_end()


def _too_large(text: str, limit: int) -> str:
    event = decode(text)
    kind = "event" if isinstance(event, Malformed) else event["type"]
    problem = f"The {kind} has {len(text.encode())} bytes; a message of this data channel has at most {limit}."
    return encode(ApiError(problem, "message_too_large").event())
