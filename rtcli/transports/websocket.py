"""OpenAIRealtimeWebSocket: the transport over a WebSocket; connecting, waiting, sending, closing."""

from __future__ import annotations

import asyncio
import inspect
import ssl as tls
import threading
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from rtcli.errors import ConnectError, NotConnectedError, UsageError
from rtcli.protocol.audio_formats import encode_base64
from rtcli.protocol.events import Event, encode
from rtcli.protocol.session_config import Payload
from rtcli.transports import endings
from rtcli.transports.base import Effect
from rtcli.transports.connection import Connection
from rtcli.transports.conversation import ConversationTransport
from rtcli.transports.dial import call_url, default_url, dial, explain
from rtcli.transports.layer import ApiKey, Status


@dataclass(slots=True, eq=False)
class _Attempt:
    """A connect() under way. `abandoned`: close() was called meanwhile."""

    previous_model: str
    task: asyncio.Future[Any] | None = None
    abandoned: bool = False


class OpenAIRealtimeWebSocket(ConversationTransport):
    """Connects to any endpoint that speaks the Realtime protocol over a WebSocket.

    `api_key`: text, or a function, sync or async, that returns it; sent as `Authorization: Bearer`. It is required,
    unless `headers` are given: then authentication is the caller's affair. `url` is dialled as it is. `clock` gives
    seconds and measures what was heard when no player does. `create_websocket(url, headers)` is awaited instead of
    dialling. `manual`: nothing goes out that the caller did not send. `auto_tracing=False`: tracing is left alone
    unless the config names it. `max_outbox_bytes` bounds what waits to be sent. `ssl` and `proxy` are those of
    `websockets`.
    """

    def __init__(
        self,
        *,
        model: str | None = None,
        api_key: ApiKey | None = None,
        url: str | None = None,
        headers: Mapping[str, str] | None = None,
        clock: Callable[[], float] = time.monotonic,
        create_websocket: Callable[[str, dict[str, str]], Awaitable[Any]] | None = None,
        manual: bool = False,
        auto_tracing: bool = True,
        ping_interval: float | None = 20,
        ping_timeout: float | None = 20,
        open_timeout: float | None = 10,
        max_outbox_bytes: int = 32 * 2**20,
        ssl: tls.SSLContext | None = None,
        proxy: str | bool | None = True,
    ) -> None:
        super().__init__(model=model, api_key=api_key, clock=clock, manual=manual, auto_tracing=auto_tracing)
        self._url = url
        self._headers = headers
        self._create_websocket = create_websocket
        self._timeouts = {"ping_interval": ping_interval, "ping_timeout": ping_timeout, "open_timeout": open_timeout}
        self._max_outbox_bytes = max_outbox_bytes
        self._ssl = ssl
        self._proxy = proxy
        self._status = Status.DISCONNECTED
        self._attempt: _Attempt | None = None
        self._connection: Connection | None = None
        self._ending: Connection | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = 0
        self._joined_call = False
        self._last_error: Event | None = None
        self._ready = asyncio.Event()
        self.close_code: int | None = None
        self.close_reason: str | None = None

    # -- properties ------------------------------------------------------------------------------

    @property
    def status(self) -> str:
        """connecting, connected or disconnected."""
        return self._status

    @property
    def current_model(self) -> str:
        """The model that is, or will be, connected to. Assigning it while connected raises UsageError."""
        return self._model

    @current_model.setter
    def current_model(self, model: str) -> None:
        if self._status is Status.CONNECTED:
            hint = "close() and connect() again"
            raise UsageError("the model cannot change in the middle of a conversation", hint=hint)
        self._model = model

    @property
    def dropped_audio_bytes(self) -> int:
        """Bytes of live audio that this connection had to drop because the peer did not read."""
        return self._connection.dropped_audio_bytes if self._connection else 0

    @property
    def outbox_bytes(self) -> int:
        """Bytes that wait to be sent."""
        return self._connection.outbox_bytes if self._connection else 0

    # -- connecting ------------------------------------------------------------------------------

    async def connect(
        self,
        *,
        api_key: ApiKey | None = None,
        model: str | None = None,
        url: str | None = None,
        call_id: str | None = None,
        initial_session_config: Mapping[str, Any] | None = None,
    ) -> None:
        """Open the connection and send the first session.update (not when `manual`).

        `url` wins over `call_id`, that over the constructor's url, that over OpenAI's endpoint with the model. Returns
        when the socket is open and the update is on its way: the server may still refuse, `wait_ready()` tells. Raises
        UsageError when connected already or without a key, ConnectError when no connection comes about.
        """
        if self._attempt is not None or self._status is not Status.DISCONNECTED:
            raise UsageError("already connected or connecting", hint="close() first")
        config = initial_session_config or {}
        attempt = self._attempt = _Attempt(self._model)
        if model is not None:
            self._model = model
        self._prepare(call_id, config)
        attempt.task = asyncio.ensure_future(self._open(api_key, url, call_id))
        try:
            socket = await attempt.task
        except asyncio.CancelledError:
            _discard(attempt.task)
            if attempt.abandoned:
                raise endings.closed_early() from None
            self.close()  # connect() itself was cancelled
            raise
        except BaseException as error:
            self._failed(attempt, error)
            raise
        self._opened(attempt, socket, url, config)

    def _prepare(self, call_id: str | None, config: Mapping[str, Any]) -> None:
        self._loop, self._thread = asyncio.get_running_loop(), threading.get_ident()
        self._tracing, self._joined_call = None, call_id is not None
        self._tracing_given, self._tracing_wanted = "tracing" in config, config.get("tracing", "auto")
        self._last_error = self.close_code = self.close_reason = None
        self._ready = asyncio.Event()

    async def _open(self, api_key: ApiKey | None, url: str | None, call_id: str | None) -> Any:
        key = await self._resolve_key(api_key)
        address = url or (call_url(call_id) if call_id else self._url) or default_url(self._model)
        headers = dict(self._headers or {})
        if key and not any(name.lower() == "authorization" for name in headers):
            headers["Authorization"] = f"Bearer {key}"
        self._change_status(Status.CONNECTING)
        try:
            if self._create_websocket is not None:
                return await self._create_websocket(address, headers)
            return await dial(address, headers, ssl_context=self._ssl, proxy=self._proxy, **self._timeouts)
        except Exception as error:
            raise explain(address, error) from error

    async def _resolve_key(self, given: ApiKey | None) -> str | None:
        key: Any = given if given is not None else self._api_key
        if callable(key):
            key = key()
            if inspect.isawaitable(key):
                key = await key
        if not key and self._headers is None:
            hint = "give api_key, or headers if the endpoint wants another kind of authentication"
            raise UsageError("no API key", hint=hint)
        return key or None

    def _opened(self, attempt: _Attempt, socket: Any, url: str | None, config: Mapping[str, Any]) -> None:
        connection = Connection(
            socket, on_frame=self._on_message, on_end=self._lost, max_outbox_bytes=self._max_outbox_bytes
        )
        if attempt.abandoned:
            self._ending = connection
            connection.close()
            raise endings.closed_early()
        self._attempt, self._connection = None, connection
        if url is not None:
            self._url = url
        self._change_status(Status.CONNECTED)
        if self._connection is connection:
            self._on_open()
        if self._connection is not connection:
            raise endings.closed_early()
        if not self._manual:
            try:
                self._send_first_update(config)
            except BaseException:
                self.close()
                raise
        connection.start()

    def _send_first_update(self, config: Mapping[str, Any]) -> None:
        first = {key: value for key, value in config.items() if key != "model"}  # the transport's own counts
        update = self._wanted.plan(first, self._model)
        session = dict(update.payload)
        for key in ("tools", "prompt"):
            if not self._joined_call and not session.get(key):
                session.pop(key, None)  # there is nothing to clear in a fresh session
        self._put({"type": "session.update", "session": session})
        self._wanted.remember(update)

    def _failed(self, attempt: _Attempt, error: BaseException) -> None:
        # Without a listener there is no need to log: the caller gets the exception in any case.
        if isinstance(error, ConnectError) and self._status is Status.CONNECTING and self.has_listener("error"):
            self._on_error(error)
        if self._attempt is attempt:
            self._attempt = None
            self._model = attempt.previous_model
            self._disconnected()

    # -- disconnecting ---------------------------------------------------------------------------

    def close(self) -> None:
        """End the connection: `disconnected` is emitted at once, the socket closes behind; see wait_closed()."""
        attempt, connection = self._attempt, self._connection
        if attempt is not None:
            self._attempt = None
            attempt.abandoned = True
            self._model = attempt.previous_model
            if attempt.task is not None:
                attempt.task.cancel()
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
        self.close_code, self.close_reason = connection.socket.close_code, connection.socket.close_reason or ""
        if (error is not None or self.close_code not in endings.NOT_AN_ERROR) and self.has_listener("error"):
            failure = endings.lost(self.close_code, self.close_reason, self._last_error)
            failure.__cause__ = error
            self._on_error(failure)
        self._disconnected()

    def _disconnected(self) -> None:
        self._ready.set()
        if self._status is not Status.DISCONNECTED:
            self._change_status(Status.DISCONNECTED)
            self._on_close()

    def _change_status(self, status: Status) -> None:
        self._status = status
        self.emit("connection_change", str(status))

    async def wait_closed(self) -> None:
        """Wait until the last connection is closed and no task of it is left."""
        if self._ending is not None:
            await self._ending.wait_closed()

    # -- waiting ---------------------------------------------------------------------------------

    async def wait_ready(self, timeout: float = 10) -> Payload:  # noqa: ASYNC109  a name of the interface
        """The session, as soon as the server confirms it: at session.created (a joined call: at session.updated).

        Raises ConnectionLostError with the server's own error and close code when the server ends the connection
        instead, ConnectError when it is silent for `timeout` seconds, NotConnectedError when nobody connected. The
        connection is closed then, and nothing is left running.
        """
        if self._status is Status.DISCONNECTED and self.close_code is None:
            raise NotConnectedError("there is no connection to wait for", hint="connect() first")
        error: Exception | None = None
        try:
            async with asyncio.timeout(timeout):
                await self._ready.wait()
        except TimeoutError:
            error = endings.silent(timeout, self._last_error)
        session = self.session
        if error is None and self._status is Status.CONNECTED and session is not None:
            return session
        self.close()
        await self.wait_closed()
        raise error or endings.lost(self.close_code, self.close_reason or "", self._last_error)

    async def flush(self) -> None:
        """Wait until everything sent before has left. Raises NotConnectedError without a connection."""
        if self._connection is None:
            raise NotConnectedError("there is no connection to flush")
        await self._connection.flush()

    async def ping(self) -> float:
        """Seconds for one round trip of a WebSocket ping. Raises NotConnectedError without a connection."""
        if self._connection is None:
            raise NotConnectedError("there is no connection to measure")
        return float(await (await self._connection.socket.ping()))

    # -- sending ---------------------------------------------------------------------------------

    def send_event(self, event: Event) -> None:
        """Send one event as it is, in the order of the calls, from any thread.

        response.create waits for its turn (it gets an `event_id` if it has none); a session.update counts as
        configured. With `manual` nothing is added or delayed. Raises NotConnectedError without a connection,
        OutboxFullError when the peer does not read, ValueError for an event that JSON cannot express.
        """
        self._on_loop(self._send_event, event)

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
        if self._status is Status.CONNECTED:
            self._on_loop(self._send_audio, audio, commit)

    def send_function_call_output(self, tool_call: Any, output: str, start_response: bool = True) -> None:
        """Answer a function call, then ask for a response; see OpenAIRealtimeBase."""
        self._on_loop(super().send_function_call_output, tool_call, output, start_response)

    def _on_loop(self, function: Callable[..., None], *args: Any) -> None:
        """Run on the transport's own thread: state and listeners belong to it. Other threads hand over, in order."""
        if self._status is not Status.CONNECTED:
            raise endings.not_connected(self._status)
        if threading.get_ident() == self._thread:
            function(*args)
        else:
            assert self._loop is not None
            self._loop.call_soon_threadsafe(self._handed_over, function, args)

    def _handed_over(self, function: Callable[..., None], args: tuple[Any, ...]) -> None:
        try:
            function(*args)
        except Exception as error:  # noqa: BLE001  the caller is another thread: `error` is how it gets to know
            self._on_error(error)

    def _send_audio(self, audio: bytes, commit: bool) -> None:
        if audio:
            text = encode_base64(audio)
            # Written by hand: base64 needs no escaping, and a microphone makes fifty of these a second.
            frame = f'{{"type":"input_audio_buffer.append","audio":"{text}"}}'
            self._hand_over({"type": "input_audio_buffer.append", "audio": text}, frame, len(audio))
        if commit:
            self._put({"type": "input_audio_buffer.commit"})

    def _put(self, event: Event) -> None:
        self._hand_over(event, encode(event), 0)

    def _hand_over(self, event: Event, frame: str, droppable_bytes: int) -> None:
        connection = self._connection
        if connection is None:
            raise endings.not_connected(self._status)
        connection.send(frame, droppable_bytes)
        if self._observers:
            self._observe(">", event, frame, "")

    # -- what server events do -------------------------------------------------------------------

    def _server_error(self, event: Event) -> None:
        self._last_error = event
        super()._server_error(event)

    def _session_created(self, event: Event) -> None:
        self._confirm_session(event)
        if self.session is not None:
            self._ready.set()

    def _session_updated(self, event: Event) -> None:
        self._confirm_session(event)
        if self._joined_call and self.session is not None:
            self._ready.set()

    _BEFORE: ClassVar[Mapping[str, Effect]] = {
        **ConversationTransport._BEFORE,
        "session.created": _session_created,
        "session.updated": _session_updated,
        "error": _server_error,
    }


def _discard(task: asyncio.Future[Any]) -> None:
    """Close what an abandoned attempt opened after all."""
    if task.done() and not task.cancelled() and task.exception() is None:
        asyncio.ensure_future(task.result().close())  # noqa: RUF006  it ends by itself within the close timeout
