"""OpenAIRealtimeWebSocket: the transport over a WebSocket; connecting, waiting for a session, closing."""

from __future__ import annotations

import asyncio
import inspect
import ssl as tls
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from rtcli.errors import ConnectError, ConnectionLostError, NotConnectedError, UsageError
from rtcli.protocol.events import Event
from rtcli.protocol.session_config import Payload
from rtcli.transports import connection_errors
from rtcli.transports.base import Effect
from rtcli.transports.connect import call_url, default_url, dial, to_connect_error
from rtcli.transports.connection import Connection
from rtcli.transports.layer import ApiKey, Status
from rtcli.transports.sending import SendingTransport

_PATIENCE = 0.2  # seconds for a closing handshake with a peer that has been given up


@dataclass(slots=True, eq=False)
class _Attempt:
    """A connect() under way. `abandoned`: close() was called meanwhile."""

    previous_model: str
    task: asyncio.Future[Any] | None = None
    abandoned: bool = False


class OpenAIRealtimeWebSocket(SendingTransport):
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
        self._attempt: _Attempt | None = None
        self._ending: Connection | None = None
        self._lost_error: ConnectionLostError | None = None
        self._joined_call = False
        self._last_error: Event | None = None
        self._ready = asyncio.Event()
        self.close_code: int | None = None
        self.close_reason: str | None = None

    # -- properties ------------------------------------------------------------------------------

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
            if attempt.task.done() and not attempt.task.cancelled() and attempt.task.exception() is None:
                self._discard(self._own(attempt.task.result()))
            self.close()  # nothing is left to close if that is what cancelled the attempt
            if attempt.abandoned and not _is_cancelled():
                raise connection_errors.closed_early() from None
            raise
        except BaseException as error:
            self._failed(attempt, error)
            raise
        self._opened(attempt, socket, url, config)

    def _prepare(self, call_id: str | None, config: Mapping[str, Any]) -> None:
        self._belongs_to_this_thread()
        self._tracing, self._joined_call = None, call_id is not None
        self._tracing_given, self._tracing_wanted = "tracing" in config, config.get("tracing", "auto")
        self._last_error = self._lost_error = self.close_code = self.close_reason = None
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
            raise to_connect_error(address, error) from error

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
        connection = self._own(socket)
        if attempt.abandoned:
            self._discard(connection)
            raise connection_errors.closed_early()
        self._attempt, self._connection = None, connection
        if url is not None:
            self._url = url
        self._change_status(Status.CONNECTED)
        if self._connection is connection:
            self._on_open()
        if self._connection is not connection:
            raise connection_errors.closed_early()
        if not self._manual:
            try:
                self._send_first_update(config)
            except BaseException:
                self.close()
                raise
        connection.start()

    def _own(self, socket: Any) -> Connection:
        return Connection(socket, on_frame=self._on_message, on_end=self._lost, max_outbox_bytes=self._max_outbox_bytes)

    def _discard(self, connection: Connection) -> None:
        """Close what an abandoned attempt opened after all; wait_closed() waits for it."""
        self._ending = connection
        connection.close()

    def _send_first_update(self, config: Mapping[str, Any]) -> None:
        first = {key: value for key, value in config.items() if key != "model"}  # the transport's own counts
        update = self._requested.plan(first, self._model)
        session = dict(update.payload)
        for key in ("tools", "prompt"):
            if not self._joined_call and not session.get(key):
                session.pop(key, None)  # there is nothing to clear in a fresh session
        self._put({"type": "session.update", "session": session})
        self._requested.remember(update)

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
        """End the connection: `disconnected` is emitted at once, the socket closes behind; see wait_closed().

        From another thread it is handed over like a send.
        """
        if self._is_elsewhere():
            self._on_loop(self._close)
        else:
            self._close()

    def _close(self) -> None:
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
        self._lost_error = connection_errors.lost(self.close_code, self.close_reason, self._last_error)
        self._lost_error.__cause__ = error
        if (error is not None or self.close_code not in connection_errors.NOT_AN_ERROR) and self.has_listener("error"):
            self._on_error(self._lost_error)
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
        instead, ConnectError when it is silent for `timeout` seconds or close() is called, NotConnectedError when
        nobody connected. The connection is closed then, and nothing is left running.
        """
        if self._status is Status.DISCONNECTED and self._lost_error is None:
            raise NotConnectedError("there is no connection to wait for", hint="connect() first")
        error: Exception | None = None
        try:
            async with asyncio.timeout(timeout):
                await self._ready.wait()
        except TimeoutError:
            error = connection_errors.silent(timeout, self._last_error)
        session = self.session
        if error is None and self._status is Status.CONNECTED and session is not None:
            return session
        self.close()
        await self._give_up()
        raise error or self._lost_error or connection_errors.closed_early()

    async def _give_up(self) -> None:
        """Wait for the end of a connection that had its time: a peer that is silent need not answer a close frame."""
        try:
            async with asyncio.timeout(_PATIENCE):
                await self.wait_closed()
        except TimeoutError:
            if self._ending is not None:
                self._ending.abort()
            await self.wait_closed()

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
        **SendingTransport._BEFORE,
        "session.created": _session_created,
        "session.updated": _session_updated,
        "error": _server_error,
    }


def _is_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
