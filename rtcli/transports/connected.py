"""ConnectedTransport: what the transports with a connection share: how they connect, wait, send, and end."""

from __future__ import annotations

import asyncio
import functools
from abc import abstractmethod
from collections.abc import Callable, Mapping
from typing import Any

from websockets.exceptions import ConnectionClosed

from rtcli.errors import ConnectError, ConnectionLostError, NotConnectedError, UnsupportedError, UsageError
from rtcli.http.client import shown
from rtcli.protocol.audio_formats import encode_base64_bytes
from rtcli.protocol.client import ClientCore
from rtcli.protocol.events import Event, Malformed, decode, encode_bytes
from rtcli.protocol.moves import move
from rtcli.protocol.session_config import Payload
from rtcli.request_head import ApiKey
from rtcli.transports import connection_errors
from rtcli.transports.base import OpenAIRealtimeBase
from rtcli.transports.connection import WebSocketConnection
from rtcli.transports.connector import Attempt, Connector
from rtcli.transports.layer import STATUS_MOVES, Status, StatusEvent
from rtcli.transports.loop_thread import LoopThread

_CONNECTED = Status.CONNECTED  # a member costs a search through its class, and every send asks for it


class ConnectedTransport(OpenAIRealtimeBase):
    """A transport over something that is opened, carries messages both ways, in order, and ends.

    State and listeners belong to the thread of the loop that connects. Calls from other threads are handed over, in
    order; an error that such a call meets there is reported as `error`.
    """

    def __init__(
        self,
        core: ClientCore,
        connector: Connector,
        own: Callable[..., WebSocketConnection],
        *,
        clock: Callable[[], float],
        manual: bool,
        read_only: bool,
        max_message_bytes: int | None = None,
    ) -> None:
        """`own(socket, on_frame=, on_end=)` makes a connection of what the connector opened."""
        super().__init__(clock=clock, core=core)
        self._manual, self.read_only = manual or read_only, read_only
        self.close_code: int | None = None  # how the last connection ended, None as long as the server did not end it
        self.close_reason: str | None = None
        self._connector = connector
        self._loop_thread = LoopThread(self._on_error)
        self._own = functools.partial(own, on_frame=self._on_message, on_end=self._lost)
        self._max_message_bytes = max_message_bytes
        self._status = Status.DISCONNECTED
        self._attempt: Attempt | None = None  # a connect() under way
        self._connection: WebSocketConnection | None = None  # the open one
        self._ending: WebSocketConnection | None = None  # the last one, which may still be closing
        self._lost_error: ConnectionLostError | None = None  # why the server ended the last connection
        self._ready = asyncio.Event()  # the session is confirmed, or there will be none
        self._set_muted: Callable[[bool], object] | None = None
        self._muted: bool | None = None

    def __repr__(self) -> str:
        where = shown(self._connector.address(self.current_model))
        waiting = f", {self.outbox_bytes} bytes wait" if self.outbox_bytes else ""
        return f"<{type(self).__name__} {self._status} {where}, {self._core}{waiting}>"

    # -- properties ------------------------------------------------------------------------------

    @property
    def status(self) -> str:
        """connecting, connected or disconnected."""
        return self._status

    @property
    def current_model(self) -> str:
        """The model that is, or will be, connected to. Assigning it while connected raises UsageError."""
        return self._core.model

    @current_model.setter
    def current_model(self, model: str) -> None:
        if self._status is _CONNECTED:
            hint = "close() and connect() again"
            raise UsageError("the model cannot change in the middle of a conversation", hint=hint)
        self._core.model = model

    @property
    def dropped_audio_ms(self) -> int:
        """Milliseconds of live audio that this connection had to drop because the peer did not read.

        Each piece counts in the format that the session had when it was sent.
        """
        return round(self._connection.outbox.dropped_audio_seconds * 1000) if self._connection else 0

    @property
    def outbox_bytes(self) -> int:
        """Bytes that wait to be sent."""
        return self._connection.outbox.waiting_bytes if self._connection else 0

    @property
    def muted(self) -> bool | None:
        """None until an input is attached, then whether it is muted."""
        return self._muted

    def attach_input(self, set_muted: Callable[[bool], object], *, muted: bool = False) -> None:
        """From now on mute() calls `set_muted`, and `muted` is a bool."""
        self._set_muted, self._muted = set_muted, muted

    def mute(self, muted: bool) -> None:
        """Mute or unmute the attached input. Raises UnsupportedError without one."""
        if self._set_muted is None:
            hint = "mute the input yourself, or attach_input() it"
            raise UnsupportedError("this transport has no microphone to mute", hint=hint)
        self._set_muted(muted)
        self._muted = muted

    # -- connecting ------------------------------------------------------------------------------

    async def connect(
        self,
        *,
        api_key: ApiKey | None = None,
        model: str | None = None,
        url: str | None = None,
        call_id: str | None = None,
        initial_session_config: Mapping[str, Any] | None = None,
        send_session: bool = True,
    ) -> None:
        """Open the connection and send the first session.update (not when `manual`).

        `url` wins over `call_id`, that over the constructor's url, that over OpenAI's endpoint with the model. With
        `send_session=False` neither session.update nor tracing is sent. Returns when the socket is open and the update
        on its way: the server may still refuse, `wait_ready()` tells. Raises UsageError when connected already or
        without a key, ConnectError when no connection comes about; model and url are then what they were before.
        """
        if self._attempt is not None or self._status is not Status.DISCONNECTED:
            raise UsageError("already connected or connecting", hint="close() first")
        attempt = self._attempt = Attempt(self._core.model)
        if model is not None:
            self._core.model = model
        self._loop_thread.bind()
        self._core.prepare(
            initial_session_config or {},
            joined_call=call_id is not None,
            sends_session=send_session and not self._manual,
        )
        self._lost_error = self.close_code = self.close_reason = None
        self._ready = ready = asyncio.Event()
        self._on_ready = lambda updated: ready.set()
        address = self._connector.address(self._core.model, url, call_id)
        opening = self._connector.open(address, api_key, dialing=lambda: self._move(StatusEvent.DIALING))
        try:
            connection = await attempt.run(opening, self._own)
        except BaseException as error:
            if attempt.late is not None:
                self._ending = attempt.late  # wait_closed() waits for it
            self._failed(attempt, error)
            raise
        await self._opened(attempt, connection)
        self._connector.url = url or self._connector.url

    @abstractmethod
    async def _opened(self, attempt: Attempt, connection: WebSocketConnection) -> None:
        """Something was opened: take it as `_connection`, send the first session.update, and start it."""

    def _failed(self, attempt: Attempt, error: BaseException) -> None:
        if self._attempt is not attempt:
            return  # close() has abandoned it, and told
        # Without a listener there is no need to log: the caller gets the exception in any case.
        if isinstance(error, ConnectError) and self._status is Status.CONNECTING and self.has_listener("error"):
            self._on_error(error)
        if self._attempt is attempt:  # a listener may have closed
            self._attempt = None
            self._core.model = attempt.previous_model
            self._disconnected()

    # -- disconnecting ---------------------------------------------------------------------------

    def close(self) -> None:
        """End the connection: `disconnected` is emitted at once, the socket closes behind; see wait_closed().

        From another thread it is handed over like a send.
        """
        attempt, connection = self._attempt, self._connection
        if (attempt is not None or connection is not None) and not self._loop_thread.is_here:
            self._loop_thread.call_soon(self.close)
            return
        if attempt is not None:
            self._attempt = None
            self._core.model = attempt.previous_model
            attempt.cancel()
        if connection is not None:
            self._connection, self._ending = None, connection
            connection.close()
        if attempt is not None or connection is not None:
            self._disconnected()

    def _lost(self, error: BaseException | None) -> None:
        connection = self._connection
        if connection is None:
            return
        self._connection, self._ending = None, connection
        self.close_code, self.close_reason = connection.close_code, connection.close_reason
        lost = connection.lost_error(self._core.last_error, self._max_message_bytes)
        self._lost_error, lost.__cause__ = lost, error
        if (error is not None or self.close_code not in connection_errors.NOT_AN_ERROR) and self.has_listener("error"):
            self._on_error(lost)
        self._disconnected()

    def _disconnected(self) -> None:
        self._ready.set()
        if self._status is not Status.DISCONNECTED:
            self._move(StatusEvent.ENDED)
            self._on_close()

    def _move(self, event: StatusEvent) -> None:
        self._status = move(STATUS_MOVES, self._status, event)
        self.emit("connection_change", str(self._status))

    async def wait_closed(self) -> None:
        """Wait until the last connection is closed and no task of it is left."""
        if self._ending is not None:
            await self._ending.wait_closed()

    # -- waiting ---------------------------------------------------------------------------------

    async def wait_ready(self, timeout: float = 10) -> Payload:  # noqa: ASYNC109  a name of the interface
        """The session, as soon as the server confirms it: at the first session.created or session.updated.

        {} where the server sends none in it. Raises ConnectionLostError with the server's own error and close code when
        the server ends the connection instead, ConnectError when it is silent for `timeout` seconds or close() is
        called, NotConnectedError when nobody connected. The connection is closed then, and nothing is left running.
        """
        if self._status is Status.DISCONNECTED and self._lost_error is None:
            raise NotConnectedError("there is no connection to wait for", hint="connect() first")
        error: Exception | None = None
        try:
            async with asyncio.timeout(timeout):
                await self._ready.wait()
        except TimeoutError:
            error = connection_errors.no_session(timeout, self._core.last_error)
        if error is None and self._core.ready:
            return self.session or {}
        self.close()
        if self._ending is not None:
            await self._ending.give_up()
        raise error or self._lost_error or connection_errors.closed_early()

    async def flush(self) -> None:
        """Wait until everything sent before has left. Raises NotConnectedError without a connection."""
        if self._connection is None:
            raise NotConnectedError("there is no connection to flush")
        await self._connection.flush()

    async def ping(self) -> float:
        """Seconds for one round trip of a WebSocket ping. Raises NotConnectedError when there is no connection (any
        more), UnsupportedError for a socket of the caller's own."""
        if self._connection is None:
            raise NotConnectedError("there is no connection to measure")
        try:
            return await self._connection.ping()
        except ConnectionClosed as error:
            raise NotConnectedError("the connection ended before the ping was answered") from error

    # -- sending, from any thread ----------------------------------------------------------------

    def send_event(self, event: Event, *, sequenced: bool = True) -> None:
        """Send one event as it is, in the order of the calls, from any thread.

        response.create waits for its turn (it gets an `event_id` if it has none); a session.update counts as
        configured. With `sequenced=False`, and always with `manual`, nothing is added or delayed. Raises
        NotConnectedError without a connection, OutboxFullError when the peer does not read, ValueError for an event
        that JSON cannot express.
        """
        self._run(self._perform, self._core.send(event, sequenced=sequenced))

    def send_frame(self, text: str, *, sequenced: bool = False) -> None:
        """Send a text as it stands, whether or not it is an event, in the order of the calls, from any thread.

        Nothing is added, and nothing delayed but a response.create with `sequenced`, which waits for its turn. What it
        says counts as with send_event(): a session.update as configured, for example. Raises NotConnectedError without
        a connection, OutboxFullError when the peer does not read, ValueError for half a surrogate pair, which has no
        UTF-8: a server would have to end the connection.
        """
        event, frame = decode(text), text.encode()
        if isinstance(event, Malformed):
            self._run(functools.partial(self._put, None, frame, problem=event.reason))
        else:
            self._run(self._perform, self._core.send(event, sequenced=sequenced, frame=frame))

    def send_audio(self, audio: bytes, *, commit: bool = False) -> None:
        """Append live audio in the session's input format; `commit` ends the user's turn.

        It is dropped while there is no connection, and oldest first while the peer does not read
        (`dropped_audio_ms`).
        """
        if self._connection is None:
            return
        text = encode_base64_bytes(audio)
        # Written by hand: base64 needs no escaping, and a microphone makes fifty of these a second.
        frame = b'{"type":"input_audio_buffer.append","audio":"%b"}' % text

        def send() -> None:
            if audio:
                event = {"type": "input_audio_buffer.append", "audio": text.decode()} if self._observers else None
                self._put(event, frame, audio_bytes=len(audio))
            if commit:
                self._put({"type": "input_audio_buffer.commit"})

        self._run(send)

    def _run(self, function: Callable[..., object], *args: Any) -> None:
        if self._connection is None:
            raise connection_errors.not_connected(self._status)
        if self._loop_thread.is_here:
            function(*args)
        else:
            self._loop_thread.call_soon(function, *args)

    # -- on the loop -----------------------------------------------------------------------------

    def _put(self, event: Event | None, frame: bytes = b"", *, audio_bytes: int = 0, problem: str = "") -> None:
        """Hand one event over for sending, as `frame` where that is given."""
        if self.read_only:
            raise connection_errors.read_only()
        if event is not None and not frame:
            frame = encode_bytes(event)
        if self._connection is None:
            raise connection_errors.not_connected(self._status)
        self._connection.send(frame, audio_bytes, audio_bytes / self._core.session.input_format.bytes_per_second)
        if self._observers:
            self._show(self.frames.sent(event, frame, self._clock(), problem=problem))
