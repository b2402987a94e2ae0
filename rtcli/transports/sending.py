"""Sending through an outbox, from any thread: what a transport with an open connection adds to a conversation."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from threading import get_ident
from typing import Any

from websockets.exceptions import ConnectionClosed

from rtcli.errors import NotConnectedError
from rtcli.protocol.audio_formats import encode_base64_bytes
from rtcli.protocol.events import Event, encode_bytes
from rtcli.protocol.record import Direction
from rtcli.transports import connection_errors
from rtcli.transports.connection import Connection
from rtcli.transports.conversation import ConversationTransport
from rtcli.transports.layer import Status

_CONNECTED = Status.CONNECTED  # a member costs a search through its class, and every send asks for it


class SendingTransport(ConversationTransport):
    """State and listeners belong to the thread of the loop; calls from other threads are handed over, in order.

    An error that such a call meets there is reported as `error`.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._status = Status.DISCONNECTED
        self._connection: Connection | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = 0

    def _belongs_to_this_thread(self) -> None:
        self._loop, self._thread = asyncio.get_running_loop(), get_ident()

    @property
    def status(self) -> str:
        """connecting, connected or disconnected."""
        return self._status

    @property
    def dropped_audio_bytes(self) -> int:
        """Bytes of live audio that this connection had to drop because the peer did not read."""
        return self._connection.outbox.dropped_audio_bytes if self._connection else 0

    @property
    def outbox_bytes(self) -> int:
        """Bytes that wait to be sent."""
        return self._connection.outbox.waiting_bytes if self._connection else 0

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

    # -- from any thread -------------------------------------------------------------------------

    def send_event(self, event: Event, *, sequenced: bool = True) -> None:
        """Send one event as it is, in the order of the calls, from any thread.

        response.create waits for its turn (it gets an `event_id` if it has none); a session.update counts as
        configured. With `sequenced=False`, and always with `manual`, nothing is added or delayed. Raises
        NotConnectedError without a connection, OutboxFullError when the peer does not read, ValueError for an event
        that JSON cannot express.
        """
        self._on_loop(self._send_event if sequenced else self._put, event)

    def request_response(self, response: Mapping[str, Any] | None = None) -> None:
        """Ask for a response: at once, or when the one that runs is done. Requests without parameters coalesce."""
        self._on_loop(self._request_response, response)

    def update_session_config(self, config: Mapping[str, Any]) -> None:
        """Send session.update: defaults, then what was configured before, then `config`. `tools=[]` clears them."""
        self._on_loop(self._update_session_config, config)

    def send_audio(self, audio: bytes, *, commit: bool = False) -> None:
        """Append live audio in the session's input format; `commit` ends the user's turn.

        It is dropped while there is no connection, and oldest first while the peer does not read
        (`dropped_audio_bytes`).
        """
        if self._status is _CONNECTED:
            self._on_loop(self._send_audio, audio, commit)

    def send_function_call_output(self, tool_call: Any, output: str, start_response: bool = True) -> None:
        """Answer a function call, then ask for a response; see OpenAIRealtimeBase."""
        self._on_loop(super().send_function_call_output, tool_call, output, start_response)

    def reset_history(self, old_history: Iterable[Any], new_history: Iterable[Any]) -> None:
        """Send the deletes and creates that turn one history into another; see OpenAIRealtimeBase."""
        if self._is_elsewhere():
            self._on_loop(super().reset_history, list(old_history), list(new_history))
        else:
            super().reset_history(old_history, new_history)

    def interrupt(self, cancel_ongoing_response: bool = True) -> None:
        """Stop the assistant's speech where it was heard.

        Cancels the response if one runs, emits `audio_interrupted`, truncates what was not heard to its end. Nothing
        happens while no audio is arriving or playing. `last_interruption` tells the positions.
        """
        if self._status is _CONNECTED:
            self._on_loop(super().interrupt, cancel_ongoing_response)

    def _is_elsewhere(self) -> bool:
        """Whether the caller is not on the thread that the connection lives on."""
        return self._status is _CONNECTED and get_ident() != self._thread

    def _on_loop(self, function: Callable[..., None], *args: Any) -> None:
        if self._status is not _CONNECTED:
            raise connection_errors.not_connected(self._status)
        if get_ident() == self._thread:
            function(*args)
        else:
            assert self._loop is not None
            self._loop.call_soon_threadsafe(self._handed_over, function, args)

    def _handed_over(self, function: Callable[..., None], args: tuple[Any, ...]) -> None:
        try:
            function(*args)
        except Exception as error:  # noqa: BLE001  the caller is another thread: `error` is how it gets to know
            self._on_error(error)

    # -- on the loop -----------------------------------------------------------------------------

    def _send_audio(self, audio: bytes, commit: bool) -> None:
        if audio:
            text = encode_base64_bytes(audio)
            # Written by hand: base64 needs no escaping, and a microphone makes fifty of these a second.
            frame = b'{"type":"input_audio_buffer.append","audio":"%b"}' % text
            self._open_connection().send(frame, len(audio))
            if self._observers:
                event = {"type": "input_audio_buffer.append", "audio": text.decode()}
                self._observe(Direction.SENT, event, frame)
        if commit:
            self._put({"type": "input_audio_buffer.commit"})

    def _put(self, event: Event) -> None:
        frame = encode_bytes(event)
        self._open_connection().send(frame)
        if self._observers:
            self._observe(Direction.SENT, event, frame)

    def _open_connection(self) -> Connection:
        if self._connection is None:
            raise connection_errors.not_connected(self._status)
        return self._connection
