"""OpenAIRealtimeWebSocket: the transport over a WebSocket."""

from __future__ import annotations

import functools
import ssl as tls
import time
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from rtcli.protocol.client import AUDIO_ONLY, REACTIONS, ClientCore
from rtcli.protocol.models import DEFAULT_MODEL
from rtcli.request_head import ApiKey
from rtcli.transports import connection_errors
from rtcli.transports.backends import FrameBackend, dial_with
from rtcli.transports.connected import ConnectedTransport
from rtcli.transports.connection import WebSocketConnection
from rtcli.transports.connector import Attempt, Connector
from rtcli.transports.layer import Status, StatusEvent
from rtcli.transports.sockets import CreateWebSocket


class OpenAIRealtimeWebSocket(ConnectedTransport):
    """Connects to any endpoint that speaks the Realtime protocol over a WebSocket.

    `api_key`: text, or a function, sync or async, that returns it; sent as `Authorization: Bearer`. It is required,
    unless `headers` are given: then authentication is the caller's affair. `url` is dialed as it is. `clock` gives
    seconds and measures what was heard when no player does. `create_websocket(url, headers)` is awaited instead of
    dialing. `manual`: nothing goes out that the caller did not send; `read_only`: nothing goes out.
    `auto_tracing=False`: tracing is left alone unless the config names it. `max_outbox_bytes` bounds what waits; a
    message larger than `max_message_bytes` ends the connection with 1009. `ssl` and `proxy` are those of `websockets`.
    `backend`: what reads and writes frames, `websockets` or the faster `picows`; auto: picows where it is installed.
    """

    _plays_remotely: ClassVar[bool] = False  # the API itself plays the audio, into a call

    def __init__(
        self,
        *,
        model: str | None = None,
        api_key: ApiKey | None = None,
        url: str | None = None,
        headers: Mapping[str, str] | None = None,
        clock: Callable[[], float] = time.monotonic,
        create_websocket: CreateWebSocket | None = None,
        manual: bool = False,
        read_only: bool = False,
        auto_tracing: bool = True,
        ping_interval: float | None = 20,
        ping_timeout: float | None = 20,
        open_timeout: float | None = 10,
        max_outbox_bytes: int = 32 * 2**20,
        ssl: tls.SSLContext | None = None,
        proxy: str | bool | None = True,
        max_message_bytes: int | None = 64 * 2**20,
        backend: FrameBackend | str = FrameBackend.AUTO,
    ) -> None:
        core = ClientCore(
            DEFAULT_MODEL if model is None else model,
            reactions=AUDIO_ONLY if manual or read_only else REACTIONS,
            sequenced=not (manual or read_only),
            auto_tracing=auto_tracing,
            plays_remotely=self._plays_remotely,
        )
        life: dict[str, Any] = {"ping_interval": ping_interval, "ping_timeout": ping_timeout}
        dialer = functools.partial(
            dial_with,
            **life,
            open_timeout=open_timeout,
            max_message_bytes=max_message_bytes,
            ssl_context=ssl,
            proxy=proxy,
            backend=backend,
        )
        super().__init__(
            core,
            Connector(create_websocket or dialer, api_key=api_key, url=url, headers=headers),
            functools.partial(WebSocketConnection, max_outbox_bytes=max_outbox_bytes, **life),
            clock=clock,
            manual=manual,
            read_only=read_only,
            max_message_bytes=max_message_bytes,
        )

    async def _opened(self, attempt: Attempt, connection: WebSocketConnection) -> None:
        self._attempt, self._connection = None, connection
        try:
            self._move(StatusEvent.OPENED)
            if self._connection is connection:
                self._on_open()
            if self._connection is not connection:  # a listener closed it
                raise connection_errors.closed_early()
            self._perform(self._core.opened())
        except BaseException:
            if self._connection is connection:
                self.close()
            if self._status is Status.DISCONNECTED and self._attempt is None:  # a listener may connect again
                self._core.model = attempt.previous_model
            raise
        connection.start()

    def interrupt(self, cancel_ongoing_response: bool = True) -> None:
        """Stop the assistant's speech where it was heard.

        Cancels the response if one runs, emits `audio_interrupted`, truncates what was not heard to its end. Nothing
        happens while no audio is arriving or playing. `last_interruption` tells the positions.
        """
        if self._connection is not None:
            self._run(self._perform, self._core.interrupt(self._clock(), self._heard, cancel=cancel_ongoing_response))
